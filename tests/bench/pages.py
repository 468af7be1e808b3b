"""The customer's pages on much data: an agency with 500 accounts and half a million posts among many other tenants.

`full` is 10 M posts with 100 M rows of the day, of which the agency has half a million posts; a hundredth of it is the
agency alone, with as many accounts, as large a largest account and as many days, and a fifth of the posts.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from statistics import median
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import override_settings
from django.urls import path

from accounts.models import User
from accounts.selectors import tenant_by_slug
from tests.bench.data import Member, bare, connected_to
from tests.bench.frame import Figure, Options, at_most, interleaved
from tests.bench.pages_data import HUNDREDTH, LARGE_ACCOUNTS, SIZES, pages_database
from tests.bench.requesting import as_member, without_middleware
from tikdash import clock

ROUNDS, TIMES = 5, 20
MOST_MS, MOST_TIMES_BARE, MOST_GROWTH = 150, 5, 1.5
#: The link to the rows behind the last one.
MORE = re.compile(r'data-more="([^"]+)"')
Ask = Callable[[], Any]

#: The bare view shows as much of an account as its page does first: who it is, and its newest posts.
ROWS = """
    SELECT a.username, a.nickname, a.follower_count, a.heart_count, a.video_count, p.id, p.title, p.kind, p.posted_at,
           p.play_count, p.digg_count, p.comment_count, p.share_count, p.collect_count, p.measured_at
      FROM accounts a JOIN posts p ON p.tenant_id = a.tenant_id AND p.account_id = a.id
     WHERE a.tenant_id = %s AND a.id = %s ORDER BY p.posted_at DESC, p.id DESC LIMIT 25
"""
BARE = """
    <!doctype html><title>{{ rows.0.nickname }}</title><h1>{{ rows.0.nickname }} @{{ rows.0.username }}</h1>
    <p>{{ rows.0.follower_count }} {{ rows.0.heart_count }} {{ rows.0.video_count }}</p>
    <table>{% for row in rows %}<tr><td>{{ row.title }}</td><td>{{ row.kind }}</td><td>{{ row.posted_at|date:"c" }}</td>
    <td>{{ row.play_count }}</td><td>{{ row.digg_count }}</td><td>{{ row.comment_count }}</td>
    <td>{{ row.share_count }}</td><td>{{ row.collect_count }}</td><td>{{ row.measured_at|date:"c" }}</td></tr>
    {% endfor %}</table>
"""


def run(options: Options) -> Iterator[Figure]:
    full = pages_database(SIZES[options.size], options)
    hundredth = pages_database(HUNDREDTH, options)
    facts = {"posts": SIZES[options.size].all_posts, "of_the_agency": SIZES[options.size].posts_of_agency}
    yield _account_vs_bare(full, facts)
    pages = {name: (_Page(full, name), _Page(hundredth, name, valkey=1)) for name in ADDRESSES}
    figures = []
    for name, (on_full, on_hundredth) in pages.items():
        measured = interleaved(on_full.p95_ms, on_hundredth.p95_ms, ROUNDS)
        figures.append(
            Figure(
                "pages",
                f"{name}_full_vs_hundredth",
                "ms",
                measured.value,
                measured.baseline,
                ROUNDS,
                at_most(MOST_GROWTH),
                facts | {"slowest": on_full.slowest()},
            )
        )
    yield from figures
    worst = max(figures, key=lambda figure: figure.value)
    yield Figure(
        "pages", "worst_ms", "ms", worst.value, None, ROUNDS, at_most(MOST_MS), facts | {"page": worst.metric}
    )  # fmt: skip


def bare_account(request: HttpRequest, tenant_id: int, account_id: int) -> HttpResponse:
    """What a Django view with one query, without tenants, log-in and analytics does for an account."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [tenant_id, account_id])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return HttpResponse(_TEMPLATE.render({"rows": rows}, request))


urlpatterns = [path("<int:tenant_id>/<int:account_id>/", bare_account)]
_TEMPLATE = engines["django"].from_string(BARE)


def _account_addresses() -> list[str]:
    return [f"/accounts/{number}/" for number in range(1, LARGE_ACCOUNTS + 1)]


def _overview_addresses() -> list[str]:
    return ["/overview/", "/overview/", "/overview/?reason=own", "/overview/?tag=tier-3"]


def _compare_addresses() -> list[str]:
    groups = [range(first, first + 10) for first in (1, 21, 101, 301, 491)]
    return [f"/compare/?accounts={','.join(map(str, ids))}&days=365" for ids in groups]


def _posts_addresses() -> list[str]:
    """What somebody asks of all posts: each order, each kind of filter, common and rare."""
    month, year = (clock.today() - timedelta(days=days) for days in (30, 300))
    sound = "6" + "7".rjust(18, "0")
    wishes = (
        "", "sort=posted_at", "sort=-plays", "sort=plays", "sort=-er", "sort=-comments&tag=tier-3",
        "sort=-diggs&kind=photo", "sort=-plays&kind=photo&reason=own", "sort=-shares&account=creator.1,creator.77",
        "sort=-er&min_plays=100000", "sort=-posted_at&min_plays=1500000", "sort=-plays&min_er=18&min_plays=10000",
        "q=loaf&sort=-plays", "q=friends+crumb&sort=-er", "q=brioche", "hashtag=tag7&sort=-plays",
        f"sound={sound}&sort=-plays", "artist=artist+7&sort=-er", f"from={month}&sort=-plays",
        f"from={year}&to={month}&kind=photo&min_plays=50000&sort=-er",
    )  # fmt: skip
    return [f"/posts/?{wish}" for wish in wishes]


ADDRESSES = {
    "overview": _overview_addresses,
    "account": _account_addresses,
    "posts": _posts_addresses,
    "compare": _compare_addresses,
}


@dataclass
class _Page:
    """A page of the agency in one database, asked at each of its addresses in turn, logged in, through everything."""

    database: str
    name: str
    valkey: int = 0
    asks: dict[str, Ask] = field(default_factory=dict)
    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        with self._everything():
            owner = agency()
            addresses = ADDRESSES[self.name]()
            if self.name == "posts":
                addresses += [_far_down(owner, f"/posts/?sort={sort}") for sort in ("-posted_at", "-plays", "-er")]
            self.asks = {address: as_member(owner, address) for address in addresses}
            for ask in self.asks.values():
                ask()

    def p95_ms(self) -> float:
        addresses = list(self.asks)
        found = []
        with self._everything():
            for number in range(max(TIMES, len(addresses))):
                address = addresses[number % len(addresses)]
                began = time.perf_counter()
                self.asks[address]()
                found.append(1_000 * (time.perf_counter() - began))
                self.taken[address].append(found[-1])
        return _p95(found)

    @contextmanager
    def _everything(self) -> Iterator[None]:
        """The database with a Valkey of its own: both agencies have the same ids, and would take what is kept of each
        other for outdated."""
        address = settings.REDIS_URL.rpartition("/")[0]
        with connected_to(self.database), override_settings(REDIS_URL=f"{address}/{self.valkey}"):
            yield

    def slowest(self) -> dict[str, float]:
        """The three slowest addresses, each with its median, ms."""
        medians = {address: median(taken) for address, taken in self.taken.items()}
        return {each: round(medians[each], 1) for each in sorted(medians, key=lambda each: -medians[each])[:3]}


def _far_down(owner: Member, address: str, pages: int = 40) -> str:
    """The address of the page that so many clicks on “more” lead to."""
    for _ in range(pages):
        found = MORE.search(as_member(owner, address)().text)
        assert found is not None
        address = unescape(found.group(1))
    return address


def _account_vs_bare(name: str, facts: dict[str, Any]) -> Figure:
    with connected_to(name):
        tenant = agency().tenant
    ids = range(1, LARGE_ACCOUNTS + 1)
    plain = [without_middleware(f"/{tenant.id}/{number}/", __name__) for number in ids]
    ours = _Page(name, "account")

    def bare_p95_ms() -> float:
        found = []
        with bare(name):
            for number in range(TIMES):
                began = time.perf_counter()
                plain[number % len(plain)]()
                found.append(1_000 * (time.perf_counter() - began))
        return _p95(found)

    measured = interleaved(ours.p95_ms, bare_p95_ms, ROUNDS)
    return Figure(
        "pages", "account_vs_bare", "ms", measured.value, measured.baseline, ROUNDS, at_most(MOST_TIMES_BARE), facts
    )  # fmt: skip


def agency() -> Member:
    """The owner of the tenant with 500 accounts."""
    tenant = tenant_by_slug("bench-1")
    user = User.objects.get(email=f"owner@{tenant.slug}.example")
    return Member(tenant, f"{tenant.slug}.{settings.BASE_DOMAIN}", user, account_id=1)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * len(values)) - 1]
