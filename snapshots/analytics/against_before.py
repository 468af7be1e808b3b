"""Metrics of an account's newest posts beside those of the posts before them, for the head of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from snapshots.analytics.engagement import BY_FOLLOWERS_THEN, values_of
from snapshots.analytics.metrics import Value
from snapshots.analytics.windows import MOST_DAYS, NEWEST_DAYS, NEWEST_POSTS, SETTLED_AFTER, Window, windows
from tikdash import clock
from tikdash.errors import NotFound
from tikdash.words import gettext

#: How long a window is that its number of posts does not end: the last day is left out.
LONGEST = timedelta(days=NEWEST_DAYS) - SETTLED_AFTER
#: One post more than both windows hold shows how long the earlier one was.
READ = 2 * NEWEST_POSTS + 1


@dataclass(frozen=True, slots=True)
class Beside:
    """A metric of the newest window and of the one before, by one rule.

    `before` is None where the posts were not read that far back, or say too little; `change` is `now` less `before` in
    the unit of the metric.
    """

    now: Value
    before: Value | None
    change: float | None


def against_before(*, tenant_id: int, account_id: int, metric_ids: Sequence[str]) -> dict[str, Beside]:
    """These metrics by id, as `engagement.summary` gives them, each beside its earlier value. One statement.

    Raises NotFound, and BadInput for a metric that is not made of posts.
    """
    then = not BY_FOLLOWERS_THEN.isdisjoint(metric_ids)
    found = windows(tenant_id=tenant_id, account_ids=[account_id], posts=READ, days=MOST_DAYS, followers_then=then).get(
        account_id
    )
    if found is None:
        raise NotFound(gettext("There is no such account in this workspace."))
    newest, begin = _cut(found, 0, clock.now() - SETTLED_AFTER)
    earlier, _ = _cut(found, len(newest.posts), begin)
    reached = len(newest.posts) + len(earlier.posts) < len(found.posts) or len(earlier.posts) == NEWEST_POSTS
    now = values_of(newest, metric_ids)
    before = values_of(earlier, metric_ids) if reached else {}
    return {metric_id: _beside(now[metric_id], before.get(metric_id)) for metric_id in metric_ids}


def _cut(found: Window, start: int, end: datetime) -> tuple[Window, datetime]:
    """The window of at most 30 posts from the place `start` on, ending at `end`, and when it begins."""
    begin, posted = end - LONGEST, found.posted_at
    stop = start
    while stop < min(len(posted), start + NEWEST_POSTS) and posted[stop] >= begin:
        stop += 1
    if stop - start == NEWEST_POSTS and stop < len(posted) and posted[stop] >= begin:
        # It begins right after the post before.
        begin = posted[stop]
    cut = replace(
        found,
        posts=found.posts[start:stop],
        posted_us=found.posted_us[start:stop],
        days=(end - begin) / timedelta(days=1),
    )
    return cut, begin


def _beside(now: Value, before: Value | None) -> Beside:
    if before is None or before.value is None or now.value is None:
        return Beside(now, None, None)
    return Beside(now, before, now.value - before.value)
