"""What row-level security and scopes add to an indexed query: an account's newest posts among 1,000 tenants'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from django.db import connection

from tests.bench.data import Member, bare, connected_to, main_database, member
from tests.bench.frame import Figure, Measure, Options, at_most, interleaved, seconds
from tikdash.db.scope import tenant_scope

NEWEST = """
    SELECT id, aweme_id, title, posted_at, play_count, digg_count, comment_count, share_count, collect_count
      FROM posts WHERE tenant_id = %s AND account_id = %s
     ORDER BY posted_at DESC, id DESC LIMIT 25
"""
TIMES, ROUNDS = 200, 21


def run(options: Options) -> Iterator[Figure]:
    name = main_database(options)
    with connected_to(name):
        members = [member(number) for number in range(50, 1_000, 100)]
    everybody = cycle(members)

    def inside() -> float:
        with connected_to(name), tenant_scope(members[0].tenant):
            return seconds(lambda: _newest(members[0]), TIMES)()

    def entering() -> None:
        one = next(everybody)
        with tenant_scope(one.tenant):
            _newest(one)

    one_alone = _on_bare(name, lambda: _newest(members[0]))
    all_in_turns = _on_bare(name, lambda: _newest(next(everybody)))
    yield _figure("query_vs_bare", inside, one_alone, at_most(1.5))
    yield _figure("enter_and_query_vs_bare", _in(name, entering), all_in_turns, None)


def _newest(one: Member) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [one.tenant.id, one.account_id])
        rows = cursor.fetchall()
    assert len(rows) == 25
    return rows


def _in(name: str, work: Callable[[], object]) -> Measure:
    def measure() -> float:
        with connected_to(name):
            return seconds(work, TIMES)()

    return measure


def _on_bare(name: str, work: Callable[[], object]) -> Measure:
    def measure() -> float:
        with bare(name):
            return seconds(work, TIMES)()

    return measure


def _figure(metric: str, value: Measure, baseline: Measure, aim: Any) -> Figure:
    measured = interleaved(value, baseline, ROUNDS)
    return Figure("scope", metric, "s", measured.value, measured.baseline, measured.rounds, aim)
