"""A long list as CSV, through the real view, against PostgreSQL's COPY of the same rows and nothing else."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

from django.db import connection

from snapshots.exports import lists
from tests.bench.data import Member, Shape, bare, connected_to, database, member
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Measure, Options, at_least, interleaved
from tests.bench.requesting import as_member

POSTS = {"small": 50_000, "full": 500_000}
ROUNDS = 9
#: The same rows in the same order, the values as they are.
RAW = """
    COPY (SELECT p.aweme_id, a.username, p.title, p.kind, p.posted_at, p.duration_s, p.play_count, p.digg_count,
                 p.comment_count, p.share_count, p.collect_count, p.sound_id, p.deleted_at, p.measured_at
            FROM posts p JOIN accounts a ON a.id = p.account_id
           WHERE p.tenant_id = {tenant} AND p.account_id = {account}
           ORDER BY p.posted_at DESC, p.id DESC) TO STDOUT (FORMAT csv, HEADER)
"""
KIB = 1024


def run(options: Options) -> Iterator[Figure]:
    posts = POSTS[options.size]
    name = database(f"{DATABASE}_export", Shape(tenants=1, posts=posts, days=1), options)
    with connected_to(name):
        one = member(1)
    product, raw = _product(name, one, posts), _raw(name, one, posts)
    product()
    before = _peak()
    measured = interleaved(product, raw, ROUNDS)
    facts = {"posts": posts, "columns": len(lists.POSTS), "peak_rss_growth_mb": round((_peak() - before) / KIB**2, 1)}
    yield Figure(
        "export", "csv_vs_copy", "1/s", measured.value, measured.baseline, measured.rounds, at_least(0.3), facts
    )  # fmt: skip


def _product(name: str, one: Member, posts: int) -> Measure:
    """Rows a second from the request to the last byte of its answer."""

    def measure() -> float:
        with connected_to(name):
            ask = as_member(one, f"/accounts/{one.account_id}/posts/export.csv")
            began = time.perf_counter()
            response = ask()
            lines = sum(block.count(b"\n") for block in response.streaming_content)
            taken = time.perf_counter() - began
            response.close()
        assert lines == posts + 1
        return posts / taken

    return measure


def _raw(name: str, one: Member, posts: int) -> Measure:
    statement = RAW.format(tenant=one.tenant.id, account=one.account_id)

    def measure() -> float:
        with bare(name), connection.cursor() as cursor:
            began = time.perf_counter()
            with cursor.copy(statement) as rows:
                lines = sum(bytes(block).count(b"\n") for block in rows)
            taken = time.perf_counter() - began
        assert lines == posts + 1
        return posts / taken

    return measure


def _peak() -> int:
    """The most memory that this process has held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
