"""Metrics of an account that are made of its posts. Pure.

Posts whose counters are not all known, or suspect, are left out of the metrics that need them; `n` says how many were
left, and the value's state is `missing` then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from math import sqrt
from statistics import fmean, median

from snapshots.analytics.metrics.registry import METRICS, metric
from snapshots.analytics.metrics.values import MISSING, OK, PostNumbers, Value, given, none
from tikdash.errors import BadInput
from tikdash.words import N_, gettext, ngettext

NO_VIEWS = N_("None of these posts has views.")
NO_FOLLOWERS_THEN = N_("The followers at the time of posting are not known.")
NO_RATES = N_("None of these posts has views and known likes, comments and shares.")
NO_LIKES = N_("None of these posts has likes.")

OTHERS = "other post"


class Sample:
    """The posts of one window; what several metrics need is picked out once."""

    def __init__(
        self,
        posts: Sequence[PostNumbers],
        followers: int | None = None,
        days: float | None = None,
        as_of: datetime | None = None,
    ) -> None:
        self.posts = posts
        self.followers = followers
        self.days = days
        self.as_of = as_of

    @cached_property
    def views(self) -> list[int]:
        return [post.plays for post in self.posts if post.plays is not None]

    @cached_property
    def rated(self) -> list[tuple[int, int]]:
        """(engagement, views) of each post that has both."""
        return [(sum_, post.plays) for sum_, post in self._engaged if post.plays is not None]

    @cached_property
    def rates(self) -> list[float]:
        """Engagement by views of each post that was seen."""
        return [engagement / views for engagement, views in self.rated if views]

    @cached_property
    def rated_with_saves(self) -> list[tuple[int, int]]:
        return [
            (sum_ + post.collects, post.plays)
            for sum_, post in self._engaged
            if post.plays is not None and post.collects is not None
        ]

    @cached_property
    def by_followers(self) -> list[float]:
        """Engagement by the followers at the time of posting, of each post for which they are known."""
        return [sum_ / post.followers for sum_, post in self._engaged if post.followers]

    @cached_property
    def _engaged(self) -> list[tuple[int, PostNumbers]]:
        return [(sum_, post) for post in self.posts if (sum_ := post.engagement) is not None]


def compute(
    metric_id: str, posts: Sequence[PostNumbers], *, followers: int | None = None, days: float | None = None
) -> Value:
    """The metric `metric_id` of a window of posts.

    `followers` are the newest ones (for `views_per_follower`), `days` the length of the window (for `posts_per_week`).
    Raises BadInput for an id that does not exist or is not made of posts.
    """
    return _maker(metric_id)(Sample(posts, followers, days))


def compute_all(
    posts: Sequence[PostNumbers],
    *,
    followers: int | None = None,
    days: float | None = None,
    as_of: datetime | None = None,
    metric_ids: Iterable[str] | None = None,
) -> dict[str, Value]:
    """The metrics `metric_ids` of a window of posts, or all that are made of one, by id; `as_of` is passed on.

    Raises BadInput as `compute`.
    """
    sample = Sample(posts, followers, days, as_of)
    return {metric_id: _maker(metric_id)(sample) for metric_id in (OF_POSTS if metric_ids is None else metric_ids)}


def er_views_post(post: PostNumbers) -> Value:
    """The engagement rate of one post by its views."""
    nothing = gettext("Its views, likes, comments and shares are not all known, or nobody saw it yet.")
    sample = Sample([post])
    return _of("er_views_post", sample, sample.rates, fmean, known=len(sample.rated), nothing=nothing)


def er_followers_post(post: PostNumbers) -> Value:
    """The engagement rate of one post by the followers that the account had when it was posted."""
    sample = Sample([post])
    return _of("er_followers_post", sample, sample.by_followers, fmean, nothing=NO_FOLLOWERS_THEN)


def outlier(post: PostNumbers, others: Sequence[PostNumbers], *, as_of: datetime | None = None) -> Value:
    """How many times the median views of the account's `others` the post has; `n` counts the others."""
    sample = Sample(others, as_of=as_of)
    n = len(sample.views)
    if post.plays is None:
        return none("outlier", n, gettext("The views of this post are not known."), state=MISSING, as_of=as_of)
    plays = post.plays
    if n >= METRICS["outlier"].at_least and not median(sample.views):
        return none("outlier", n, gettext("The other posts have no views."), as_of=as_of)
    return _of("outlier", sample, sample.views, lambda views: plays / median(views), noun=OTHERS)


def _maker(metric_id: str) -> Callable[[Sample], Value]:
    make = OF_POSTS.get(metric_id)
    if make is None:
        raise BadInput(gettext("“{name}” is not made of a window of posts.").format(name=metric(metric_id).name))
    return make


def _too_few(metric_id: str, usable: int, total: int, noun: str) -> str:
    """The sentence that says so, or nothing."""
    needed = METRICS[metric_id].at_least
    if usable >= needed:
        return ""
    others = noun == OTHERS
    if not total:
        return gettext("There is no other post to go by yet.") if others else gettext("There is no post to go by yet.")
    if total < needed:
        few = (
            ngettext(
                "Only {n} other post to go by; it takes at least {needed}.",
                "Only {n} other posts to go by; it takes at least {needed}.",
                total,
            )
            if others
            else ngettext(
                "Only {n} post to go by; it takes at least {needed}.",
                "Only {n} posts to go by; it takes at least {needed}.",
                total,
            )
        )
        return few.format(n=total, needed=needed)
    unknown = (
        gettext("The numbers of only {usable} of {total} other posts are known; it takes at least {needed}.")
        if others
        else gettext("The numbers of only {usable} of {total} posts are known; it takes at least {needed}.")
    )
    return unknown.format(usable=usable, total=total, needed=needed)


def _of(
    metric_id: str,
    sample: Sample,
    values: Sequence[float],
    make: Callable[[Sequence[float]], float],
    *,
    known: int | None = None,
    nothing: str = "",
    noun: str = "post",
) -> Value:
    """One number made of one number a post. `known` is of how many posts the counters are known, where that is another
    number; `nothing` is the reason where no post has a number."""
    n, total, as_of = len(values), len(sample.posts), sample.as_of
    state = OK if (n if known is None else known) == total else MISSING
    if total and not n and nothing:
        return none(metric_id, 0, nothing, state=state, as_of=as_of)
    if reason := _too_few(metric_id, n, total, noun):
        return none(metric_id, n, reason, state=state, as_of=as_of)
    return given(metric_id, make(values), n, state=state, as_of=as_of)


def _pooled(metric_id: str, sample: Sample, pairs: Sequence[tuple[int, int]], nothing: str, times: int = 1) -> Value:
    """Σ of the first over Σ of the second; `nothing` is the reason where that is 0."""
    n, total, as_of = len(pairs), len(sample.posts), sample.as_of
    state = OK if n == total else MISSING
    whole = sum(below for _, below in pairs)
    if reason := _too_few(metric_id, n, total, "post") or ("" if whole else nothing):
        return none(metric_id, n, reason, state=state, as_of=as_of)
    return given(metric_id, times * sum(above for above, _ in pairs) / whole, n, state=state, as_of=as_of)


def _er_views(sample: Sample) -> Value:
    return _pooled("er_views", sample, sample.rated, NO_VIEWS)


def _er_views_mean(sample: Sample) -> Value:
    return _of("er_views_mean", sample, sample.rates, fmean, known=len(sample.rated), nothing=NO_RATES)


def _er_views_median(sample: Sample) -> Value:
    return _of("er_views_median", sample, sample.rates, median, known=len(sample.rated), nothing=NO_RATES)


def _er_views_saves(sample: Sample) -> Value:
    return _pooled("er_views_saves", sample, sample.rated_with_saves, NO_VIEWS)


def _er_followers(sample: Sample) -> Value:
    return _of("er_followers", sample, sample.by_followers, fmean, nothing=NO_FOLLOWERS_THEN)


def _er_followers_median(sample: Sample) -> Value:
    return _of("er_followers_median", sample, sample.by_followers, median, nothing=NO_FOLLOWERS_THEN)


def _like_rate(sample: Sample) -> Value:
    pairs = [(post.diggs, post.plays) for post in sample.posts if post.diggs is not None and post.plays is not None]
    return _pooled("like_rate", sample, pairs, NO_VIEWS)


def _views_mean(sample: Sample) -> Value:
    return _of("views_mean", sample, sample.views, fmean)


def _views_median(sample: Sample) -> Value:
    return _of("views_median", sample, sample.views, median)


def _posts_per_week(sample: Sample) -> Value:
    n = len(sample.posts)
    if not sample.days or sample.days <= 0:
        return none("posts_per_week", n, gettext("The length of the window is not known."), as_of=sample.as_of)
    return given("posts_per_week", n / (sample.days / 7), n, as_of=sample.as_of)


def _views_per_follower(sample: Sample) -> Value:
    n, followers = len(sample.views), sample.followers
    if followers is None:
        reason = gettext("The followers have not been read yet.")
        return none("views_per_follower", n, reason, state=MISSING, as_of=sample.as_of)
    if not followers:
        return none("views_per_follower", n, gettext("The account has no followers."), as_of=sample.as_of)
    return _of("views_per_follower", sample, sample.views, lambda views: median(views) / followers)


def _comments_per_1k_likes(sample: Sample) -> Value:
    pairs = [(p.comments, p.diggs) for p in sample.posts if p.comments is not None and p.diggs is not None]
    return _pooled("comments_per_1k_likes", sample, pairs, NO_LIKES, 1000)


def _shares_per_1k_likes(sample: Sample) -> Value:
    pairs = [(p.shares, p.diggs) for p in sample.posts if p.shares is not None and p.diggs is not None]
    return _pooled("shares_per_1k_likes", sample, pairs, NO_LIKES, 1000)


def _consistency(sample: Sample) -> Value:
    views = sample.views
    if views and not any(views):
        return none("consistency", len(views), NO_VIEWS, as_of=sample.as_of)
    return _of("consistency", sample, views, _variation)


def _variation(views: Sequence[float]) -> float:
    # The posts are a sample of what the account posts, so by n − 1. `statistics.stdev` counts with fractions, which
    # takes ten times as long.
    mean = fmean(views)
    return sqrt(sum((each - mean) ** 2 for each in views) / (len(views) - 1)) / mean


OF_POSTS: dict[str, Callable[[Sample], Value]] = {
    "er_views": _er_views,
    "er_views_mean": _er_views_mean,
    "er_views_median": _er_views_median,
    "er_views_saves": _er_views_saves,
    "er_followers": _er_followers,
    "er_followers_median": _er_followers_median,
    "like_rate": _like_rate,
    "views_mean": _views_mean,
    "views_median": _views_median,
    "posts_per_week": _posts_per_week,
    "views_per_follower": _views_per_follower,
    "comments_per_1k_likes": _comments_per_1k_likes,
    "shares_per_1k_likes": _shares_per_1k_likes,
    "consistency": _consistency,
}
