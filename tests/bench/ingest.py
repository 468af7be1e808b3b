"""Pages of posts from the upstream to the tables, by one thread: the product against loops by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime

from django.test import override_settings

from accounts.selectors import TenantRef, tenant_by_slug
from snapshots.ingest.normalise import post_rows
from snapshots.ingest.upsert import store_posts
from tests.bench.byhand import POSTS, ByHand
from tests.bench.client import PLENTY, plenty_of_plan
from tests.bench.data import connected_to, vacuum
from tests.bench.frame import Figure, Measure, Options, at_least, interleaved
from tests.bench.posting import TABLES, Creator, Days, creators_of, posts_database, tracked_by
from tests.bench.upstream import upstream
from tests.simulating import Caller
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.redis import server
from tikdash.tiklive.client import client_for

#: Pages a round.
PAGES = {"small": 40, "full": 100}
ROUNDS, ROWWISE_ROUNDS = 15, 7

Store = Callable[[Creator, datetime], object]


def run(options: Options) -> Iterator[Figure]:
    name = posts_database(options)
    server().connection.flushdb()
    with connected_to(name), upstream() as caller, override_settings(**PLENTY), plenty_of_plan("pro"):
        ours, theirs, plain = (tenant_by_slug(f"bench-{number}") for number in (1, 2, 3))
        with (
            closing(ByHand(name, theirs, caller.base_url)) as raw,
            closing(ByHand(name, plain, caller.base_url)) as rows,
        ):
            product = _days_of(ours, caller, _product(ours, caller), options)
            by_hand = _days_of(theirs, caller, raw.in_one_statement, options)
            rowwise = _days_of(plain, caller, rows.row_by_row, options)
            for table in TABLES:
                vacuum(table)
            measured = interleaved(product, by_hand, ROUNDS)
            yield Figure(
                "ingest",
                "pages_vs_raw",
                "1/s",
                measured.value,
                measured.baseline,
                ROUNDS,
                at_least(0.6),
                {"posts": POSTS},
            )
            measured = interleaved(product, rowwise, ROWWISE_ROUNDS)
            yield Figure(
                "ingest", "pages_vs_rowwise", "1/s", measured.value, measured.baseline, ROWWISE_ROUNDS, at_least(3)
            )
    server().connection.flushdb()


def _product(tenant: TenantRef, caller: Caller) -> Store:
    """What a worker does with a page of posts."""

    def store(creator: Creator, at: datetime) -> None:
        client = client_for(tenant.id, feature="posts", priority="pro", base_url=caller.base_url)
        page = client.user_posts(creator.userid, count=POSTS)
        rows = post_rows(page, author_id=creator.userid, now=at)
        store_posts(creator.account_id, rows.rows, measured_at=at)
        assert len(rows.rows) == POSTS

    return store


def _days_of(tenant: TenantRef, caller: Caller, store: Store, options: Options) -> Measure:
    """A round is one day's pages of all creators, as pages a second."""
    creators, days = tracked_by(tenant, creators_of(caller, PAGES[options.size])), Days(caller)

    def measure() -> float:
        at = days.next()
        with clock.at(at), tenant_scope(tenant):
            began = time.perf_counter()
            for creator in creators:
                store(creator, at)
            return len(creators) / (time.perf_counter() - began)

    return measure
