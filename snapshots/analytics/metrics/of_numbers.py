"""Metrics that are made of a few plain numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from snapshots.analytics.intervals import wilson
from snapshots.analytics.metrics.registry import METRICS
from snapshots.analytics.metrics.values import MISSING, OK, Value, given, none
from snapshots.analytics.uplift import uplift as measure_uplift
from tikdash.words import gettext

#: A smaller fall is usually the upstream's cache: it stays in sums, and gets neither arrow nor alert.
SMALLEST_FALL = 0.001


def is_noise(change: int | None, base: int | None) -> bool:
    """True for a fall of less than 0.1 % of `base`."""
    return change is not None and base is not None and -abs(base) * SMALLEST_FALL < change < 0


def follower_growth(start: int | None, end: int | None, *, state: str = OK, as_of: datetime | None = None) -> Value:
    """(end − start) / start; `state` and `as_of` are passed on."""
    n = sum(value is not None for value in (start, end))
    if start is None or end is None:
        reason = gettext("The followers are not known at both ends of this time.")
        return none("follower_growth", n, reason, state=MISSING, as_of=as_of)
    if start <= 0:
        return none(
            "follower_growth", n, gettext("The account had no followers at the start of this time."), as_of=as_of
        )
    return given("follower_growth", (end - start) / start, n, state=state, as_of=as_of)


def follow_ratio(followers: int | None, following: int | None) -> Value:
    """followers / following."""
    if followers is None or following is None:
        return none("follow_ratio", 0, gettext("Followers and following are not both known."), state=MISSING)
    if not following:
        return none("follow_ratio", 1, gettext("The account follows nobody."))
    return given("follow_ratio", followers / following, 1)


def velocity(earlier: int | None, later: int | None, hours: float) -> Value:
    """Views an hour between two readings that lie `hours` apart."""
    n = sum(value is not None for value in (earlier, later))
    if earlier is None or later is None:
        return none("velocity", n, gettext("It takes two readings of the post with known views."), state=MISSING)
    if hours <= 0:
        return none("velocity", n, gettext("The two readings are of the same time."))
    return given("velocity", (later - earlier) / hours, n)


def bot_share(bots: int, n: int) -> Value:
    """The share of likely bots in a sample of `n` followers, with its interval; `audience` refuses small ones."""
    if n <= 0:
        return none("bot_share", 0, gettext("No followers have been read yet."))
    low, high = wilson(bots, n)
    return Value("bot_share", METRICS["bot_share"].version, bots / n, n, low=low, high=high)


def share_of_voice(part: int | None, whole: int, n: int, *, state: str = OK, as_of: datetime | None = None) -> Value:
    """`part` of `whole`; `n` is the number of posts in the part. `state` and `as_of` are passed on."""
    if part is None:
        reason = gettext("The posts of this account have not been read yet.")
        return none("share_of_voice", n, reason, state=MISSING, as_of=as_of)
    if whole <= 0:
        reason = gettext("There is nothing to share out: the sum over all accounts is 0.")
        return none("share_of_voice", n, reason, state=state, as_of=as_of)
    return given("share_of_voice", part / whole, n, state=state, as_of=as_of)


def uplift(with_it: Sequence[float], without_it: Sequence[float]) -> Value:
    """median(views with it) / median(views without it) − 1, with its interval; `n` counts the posts with it."""
    found = measure_uplift(with_it, without_it)
    n, version = found.n_with, METRICS["uplift"].version
    return Value("uplift", version, found.value, n, found.reason, low=found.low, high=found.high)
