"""A call through the whole client against a bare one with requests, and a cached read against a bare GET."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import requests
from django.conf import settings
from django.db import connection
from django.test import override_settings

from billing.gate import gate
from tests.bench.data import Member, connected_to, main_database, member
from tests.bench.frame import Figure, Options, a_second, at_least, interleaved
from tests.bench.upstream import HANDLE, upstream
from tests.simulating import Caller
from tikdash.db.scope import owner, tenant_scope
from tikdash.redis import Server, server
from tikdash.tiklive.client import Client, client_for

#: Limits that never refuse; the work of asking them stays.
PLENTY = {"TIKLIVE_KEY_PER_MINUTE": 10_000_000, "TIKLIVE_KEY_BURST": 10_000, "TIKLIVE_KEY_IN_FLIGHT": 10_000}
PLENTY_OF_PLAN = {"requests_per_minute": 1_000_000, "requests_burst": 10_000, "daily_credits": 1_000_000_000}
#: Milliseconds before which posts are asked for: every page lies behind a cursor of its own, so none is kept already.
NEWEST = 1_794_700_000_000
HASHTAG = "baking"
CALLS, READS = {"small": 30, "full": 100}, {"small": 200, "full": 500}
ROUNDS = 15


def run(options: Options) -> Iterator[Figure]:
    name = main_database(options)
    server().connection.flushdb()
    with connected_to(name), upstream() as caller, override_settings(**PLENTY), plenty_of_plan("pro"):
        one = member(700)
        with tenant_scope(one.tenant):
            yield _calls(caller, _client(one, caller), CALLS[options.size])
            yield from _cached(caller, _client(one, caller), server(), READS[options.size])
    server().connection.flushdb()


def _calls(caller: Caller, client: Client, times: int) -> Figure:
    account_id = caller.account_id(HANDLE)
    session, key = requests.Session(), settings.TIKLIVE_KEY
    ours_before, theirs_before = count(NEWEST, -2), count(NEWEST - 1, -2)

    def ours() -> None:
        page = client.user_posts(account_id, cursor=str(next(ours_before)))
        assert len(page.videos) == settings.POSTS_PER_PAGE_UPSTREAM

    def theirs() -> None:
        params: dict[str, str | int] = {
            "userid": account_id,
            "count": settings.POSTS_PER_PAGE_UPSTREAM,
            "cursor": str(next(theirs_before)),
        }
        answer = session.get(f"{caller.base_url}/user-posts/", params=params, headers={"X-Api-Key": key}, timeout=20)
        assert len(answer.json()["videos"]) == settings.POSTS_PER_PAGE_UPSTREAM

    measured = interleaved(a_second(ours, times), a_second(theirs, times), ROUNDS)
    facts = {"posts": settings.POSTS_PER_PAGE_UPSTREAM}
    return Figure(
        "client", "calls_vs_requests", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.5), facts
    )


def _cached(caller: Caller, client: Client, redis: Server, times: int) -> Iterator[Figure]:
    account_id, key = caller.account_id(HANDLE), settings.TIKLIVE_KEY
    page = caller.raw("/user-posts/", key=key, userid=account_id, count=settings.POSTS_PER_PAGE_UPSTREAM).data
    hashtag = caller.raw("/challenge-info-name/", key=key, name=HASHTAG).data
    for metric, body, read, aim in (
        ("cached_vs_get", page, lambda: client.user_posts(account_id), at_least(0.4)),
        ("cached_hashtag_vs_get", hashtag, lambda: client.challenge_info_by_name(HASHTAG), None),
    ):
        redis.connection.set("bench:body", body)
        read()
        measured = interleaved(a_second(read, times), a_second(_bare_get(redis), times), ROUNDS)
        facts = {"bytes": len(body)}
        yield Figure("client", metric, "1/s", measured.value, measured.baseline, measured.rounds, aim, facts)


def _bare_get(redis: Server) -> Callable[[], Any]:
    return lambda: json.loads(redis.connection.get("bench:body"))


def _client(one: Member, caller: Caller) -> Client:
    return client_for(one.tenant.id, feature="posts", priority="pro", base_url=caller.base_url)


@contextmanager
def plenty_of_plan(code: str) -> Iterator[None]:
    """Inside the block the plan allows more than a bench can use."""
    before = _set_plan(code, PLENTY_OF_PLAN)
    try:
        yield
    finally:
        _set_plan(code, before)


def _set_plan(code: str, values: dict[str, Any]) -> dict[str, Any]:
    """Sets these columns of a plan; gives what was in them."""
    names = ", ".join(values)
    with owner(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM public.plans WHERE code = %s", [code])
        before = dict(zip(values, cursor.fetchone(), strict=True))
        cursor.execute(
            f"UPDATE public.plans SET {', '.join(f'{name} = %s' for name in values)} WHERE code = %s",
            [*values.values(), code],
        )
    gate.forget()
    return before
