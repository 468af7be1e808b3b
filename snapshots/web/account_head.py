"""The head of an account's page: who it is, six numbers with their change, what is odd, and the refresh button."""

from __future__ import annotations

from typing import Any

from snapshots.analytics import accounts as analytics
from snapshots.analytics import peers
from snapshots.analytics.against_before import Beside, against_before
from snapshots.analytics.growth import COUNTERS
from snapshots.analytics.metrics import ACCOUNT_COLUMNS
from snapshots.selectors import refresh_state
from snapshots.web import metric_words
from tikdash.ui import numbers
from tikdash.words import N_, gettext

#: Tiles of counters: the metric, and how its tile is called.
COUNTER_TILES = {"followers": N_("Followers"), "hearts": N_("Hearts"), "videos": N_("Posts")}
#: What the account is compared by with others of its size.
PEER_WORDS = {
    "er_views": N_("engagement rate"),
    "views_per_follower": N_("views per follower"),
    "follower_growth": N_("growth"),
}
POST_TILES = {"views_median": N_("Median views"), "posts_per_week": N_("Posts a week")}


def head(request: Any, account_id: int) -> dict[str, Any]:
    """The context of `_account_header.html`. Raises NotFound."""
    found = analytics.head(account_id)
    account, counters = found.account, dict(zip(COUNTERS, found.tiles, strict=True))
    tiles = [
        _of_counter(metric_id, gettext(label), counters[ACCOUNT_COLUMNS[metric_id]], account)
        for metric_id, label in COUNTER_TILES.items()
    ]
    rate = metric_words.headline_of(request.tenant)
    labels = {rate.id: N_("Engagement rate")} | POST_TILES
    beside = against_before(tenant_id=request.tenant.id, account_id=account_id, metric_ids=list(labels))
    tiles += [_of_posts(gettext(label), beside[metric_id]) for metric_id, label in labels.items()]
    return {
        "account": account,
        "tiles": tiles,
        "peers": _among_peers(counters[ACCOUNT_COLUMNS["followers"]], beside, rate.id),
        "notes": found.notes,
        "refresh": refresh_state(account_id),
    }


def _among_peers(followers: analytics.Tile, beside: dict[str, Beside], rate_id: str) -> str:
    """How the account does among those of its size in the installation's own pool; empty where that cannot be said."""
    usual = beside["views_median"].now.value
    values = {
        "views_per_follower": usual / followers.value if usual is not None and followers.value else None,
        "follower_growth": _growth(followers),
    }
    if rate_id in peers.PEER_METRICS:
        values = {rate_id: beside[rate_id].now.value} | values
    pool = peers.load()
    found = {name: pool.percentile(name, followers.value, value) for name, value in values.items()}
    known = {name: peer for name, peer in found.items() if peer.percent is not None}
    if not known:
        return ""
    first = next(iter(known.values()))
    parts = [
        gettext("{metric} better than {percent}").format(
            metric=gettext(PEER_WORDS[name]), percent=numbers.percent((peer.percent or 0) / 100)
        )
        for name, peer in known.items()
    ]
    said = gettext("Among about {n} accounts with {size} followers: {parts}.")
    n = min(peer.n_accounts for peer in known.values())
    return said.format(n=numbers.exact(n), size=gettext(first.size), parts=", ".join(parts))


def _growth(tile: analytics.Tile) -> float | None:
    if tile.value is None or tile.change is None or tile.change_days != analytics.SPARKLINE_DAYS:
        return None
    before = tile.value - tile.change
    return tile.change / before if before else None


def _of_counter(metric_id: str, label: str, tile: analytics.Tile, account: analytics.AccountHeader) -> dict[str, Any]:
    days = (
        gettext("Change over {change_days} by capture date.").format(
            change_days=metric_words.counted(tile.change_days, "day")
        )
        if tile.change_days
        else ""
    )
    return {
        "key": metric_id,
        "label": label,
        "counter": True,
        "value": tile.value,
        "change": tile.change,
        "change_days": tile.change_days,
        "neutral": tile.neutral,
        "state": tile.state,
        "note": tile.note,
        "tip": metric_words.tip_of(
            metric_id, n=0 if tile.value is None else 1, noun="reading", as_of=account.as_of, more=days
        ),
    }


def _of_posts(label: str, beside: Beside) -> dict[str, Any]:
    now, before = beside.now, beside.before
    words = metric_words.shown(now)
    change, way = metric_words.change_in_words(beside.change, before.value if before else None, now.metric)
    more = gettext("The posts before these were not read, or are too few, so there is no change to show.")
    if before is not None:
        posts = metric_words.counted(before.n, "post")
        more = gettext("{value} with the {posts} before these.").format(
            value=metric_words.in_unit(before.value, now.metric), posts=posts
        )
    if now.state == "missing" and now.value is not None:
        more += " " + gettext("Some posts are left out because a counter is not known.")
    return {
        "key": now.metric_id,
        "label": label,
        "counter": False,
        "text": words.text,
        "exact": words.exact,
        "has_value": now.value is not None,
        "change_text": change,
        "way": way,
        "n": metric_words.counted(now.n, "post"),
        "state": "ok",
        "note": now.reason,
        "tip": metric_words.tip_of(now.metric_id, n=now.n, noun="post", as_of=now.as_of, more=more),
    }
