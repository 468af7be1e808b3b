"""How an account does among accounts of its size, from the installation's own pool over all tenants.

Nothing is kept that names anybody: for each size and metric only the percentiles, rounded, and about how many accounts
they are of; and these only where enough accounts of enough tenants stand behind them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

import orjson
from django.db import connection

from accounts.selectors import schemas
from snapshots.analytics.engagement import read_growth
from snapshots.analytics.metrics import compute, metric
from snapshots.analytics.windows import NEWEST_DAYS, NEWEST_POSTS, Window, read_windows
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput
from tikdash.redis import Server, where_there
from tikdash.words import N_, gettext

FEWEST_ACCOUNTS, FEWEST_TENANTS = 20, 5
#: With more than this share of the accounts a tenant would see itself, and others would see it.
LARGEST_SHARE = 0.5
PEER_METRICS = ("er_views", "views_per_follower", "follower_growth")
#: Classes of size by followers: name and the first number that is too many.
SIZES = (
    (N_("under 10k"), 10_000),
    (N_("10k–100k"), 100_000),
    (N_("100k–1M"), 1_000_000),
    (N_("1M and more"), None),
)
#: Numbers that were read longer ago say nothing about now.
READ_WITHIN = timedelta(days=14)
STEP = 5
_DIGITS = 2
_AT_ONCE = 500
#: One text, renewed every day; what is older is no longer told.
KEY = "analytics:peers:1"
KEPT_S = 3 * 86_400

CREATORS = """
    SELECT id, tenant_id, tiktok_user_id, measured_at FROM accounts
     WHERE id > %s AND follower_count IS NOT NULL AND measured_at >= %s AND state <> 'not_found'
           AND removed_at IS NULL
     ORDER BY id LIMIT %s
"""
WANTED = (
    "SELECT id, tenant_id, follower_count, video_count, measured_at FROM accounts WHERE id = ANY(%(ids)s::bigint[])"
)
THESE = "a.id = ANY(%(ids)s::bigint[])"


@dataclass(frozen=True, slots=True)
class Peer:
    """`percent` of the accounts of the same size do worse, in steps of 5; None where nothing can be said and why.

    `n_accounts` is how many accounts the answer is of, rounded down to tens.
    """

    size: str
    percent: int | None
    n_accounts: int
    as_of: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """The 5th to the 95th percentile of one metric in one class of size, every fifth."""

    n_accounts: int
    percentiles: list[float]


@dataclass(frozen=True)
class Pool:
    """All percentiles, read once for as many accounts as a page shows."""

    as_of: datetime | None = None
    cells: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)

    def percentile(self, metric_id: str, followers: int | None, value: float | None) -> Peer:
        """Where `value` stands among accounts with about as many followers. Raises BadInput for another metric."""
        if metric_id not in PEER_METRICS:
            raise BadInput(
                gettext("“{name}” is not compared. Choose one of: {choices}.").format(
                    name=metric(metric_id).name, choices=", ".join(PEER_METRICS)
                )
            )
        if followers is None:
            return Peer("", None, 0, self.as_of, gettext("The followers of this account are not known."))
        size = size_of(followers)
        cell = self.cells.get(size, {}).get(metric_id)
        if cell is None:
            reason = gettext("There are too few accounts with {size} followers to compare with.")
            return Peer(size, None, 0, self.as_of, reason.format(size=gettext(size)))
        if value is None:
            return Peer(size, None, cell.n_accounts, self.as_of, gettext("The account itself has no such number."))
        return Peer(size, STEP * bisect_right(cell.percentiles, value), cell.n_accounts, self.as_of)


@dataclass(frozen=True, slots=True)
class Creator:
    """One tenant's numbers of a creator."""

    tenant_id: int
    measured_at: datetime
    size: str
    values: dict[str, float]


def percentile(metric_id: str, followers: int | None, value: float | None) -> Peer:
    """Where `value` stands among accounts of the same size. Raises BadInput for a metric that is not compared."""
    return load().percentile(metric_id, followers, value)


def load() -> Pool:
    """The percentiles that were counted last; an empty pool without Redis, or where nothing was counted for days."""
    text = where_there(_read, None)
    if text is None:
        return Pool()
    kept = orjson.loads(text)
    return Pool(
        datetime.fromisoformat(kept["as_of"]),
        {size: {name: Cell(**cell) for name, cell in cells.items()} for size, cells in kept["cells"].items()},
    )


def count_peers() -> int:
    """Counts the percentiles anew over all tenants of all schemas; returns of how many creators.

    For a daily task: it reads 500 accounts at a time. A creator that several tenants track is counted once, with the
    numbers that were read last.
    """
    creators: dict[str, Creator] = {}
    for schema in schemas():
        with all_tenants(schema):
            for tiktok_user_id, creator in _creators():
                known = creators.get(tiktok_user_id)
                if known is None or _precedes(creator, known):
                    creators[tiktok_user_id] = creator
    kept = {"as_of": clock.now().isoformat(), "cells": cells_of(creators.values())}
    where_there(lambda server: _keep(server, orjson.dumps(kept)), None)
    return len(creators)


def size_of(followers: int) -> str:
    """The class of size of an account with so many followers."""
    return next(name for name, too_many in SIZES if too_many is None or followers < too_many)


def cells_of(creators: Iterable[Creator]) -> dict[str, dict[str, dict[str, Any]]]:
    """What is kept of these creators, by size and metric; cells that would tell too much are not there."""
    values: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for creator in creators:
        for metric_id, value in creator.values.items():
            values[creator.size, metric_id].append((value, creator.tenant_id))
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for (size, metric_id), found in values.items():
        if _tells_nobody([tenant_id for _, tenant_id in found]):
            points = quantiles([value for value, _ in found], n=100 // STEP, method="inclusive")
            cells.setdefault(size, {})[metric_id] = {
                "n_accounts": len(found) // 10 * 10,
                "percentiles": [_rounded(point) for point in points],
            }
    return cells


def _tells_nobody(tenant_ids: Sequence[int]) -> bool:
    """True where so many accounts of so many tenants are behind a cell that none of them can be told from it."""
    per_tenant, n = Counter(tenant_ids), len(tenant_ids)
    if n < FEWEST_ACCOUNTS or len(per_tenant) < FEWEST_TENANTS:
        return False
    return max(per_tenant.values()) <= LARGEST_SHARE * n


def _creators() -> Iterator[tuple[str, Creator]]:
    """Every creator of the present schema that was read lately, with its numbers, by the upstream's id."""
    last, since = 0, clock.now() - READ_WITHIN
    while True:
        with connection.cursor() as cursor:
            cursor.execute(CREATORS, [last, since, _AT_ONCE])
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        ids = {"ids": [row[0] for row in rows]}
        found = read_windows(WANTED, ids, NEWEST_POSTS, NEWEST_DAYS, False)
        growths = read_growth(THESE, ids)
        for account_id, tenant_id, tiktok_user_id, measured_at in rows:
            window = found.get(account_id)
            if window is not None and window.followers is not None:
                growth = growths.get(account_id, {}).get(30)
                values = _values(window, growth.value.value if growth else None)
                yield tiktok_user_id, Creator(tenant_id, measured_at, size_of(window.followers), values)


def _values(window: Window, growth: float | None) -> dict[str, float]:
    values = {
        metric_id: compute(metric_id, window.posts, followers=window.followers).value
        for metric_id in ("er_views", "views_per_follower")
    } | {"follower_growth": growth}
    return {metric_id: value for metric_id, value in values.items() if value is not None}


def _precedes(creator: Creator, known: Creator) -> bool:
    """True where `creator` was read later, or by chance of the tenant's id at the same time."""
    return (creator.measured_at, -creator.tenant_id) > (known.measured_at, -known.tenant_id)


def _rounded(point: float) -> float:
    """To two significant digits: nobody's own number."""
    return float(f"{point:.{_DIGITS - 1}e}")


def _read(server: Server) -> bytes | str | None:
    with server.reached() as redis:
        return redis.get(KEY)


def _keep(server: Server, text: bytes) -> None:
    with server.reached() as redis:
        redis.set(KEY, text, ex=KEPT_S)
