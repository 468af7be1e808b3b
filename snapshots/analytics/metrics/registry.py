"""The one place where a metric is defined: tooltips, exports and answers of the API read it. Pure.

The texts are plain English; whoever shows them passes them through `gettext`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tikdash.errors import BadInput
from tikdash.words import gettext

Unit = Literal["count", "%", "ratio", "x", "per_week", "plays_per_hour"]
#: Which way is better, for arrows and colours; `neither` where more is not better and less is not either.
Direction = Literal["more", "less", "neither"]

NEWEST_POSTS = "newest 30 posts or 90 days, older than 24 h"
NOW = "newest sound reading"
SUM_OF_VIEWS = "sum of views"


@dataclass(frozen=True)
class Metric:
    """What a number means.

    Values of unit `%` are fractions: 0.0616 is 6.16 %. `version` rises when the formula changes. With fewer than
    `at_least` posts (or rows, where the formula counts rows) there is no value but a reason.
    """

    id: str
    name: str
    short: str
    formula: str
    denominator: str
    window: str
    unit: Unit
    direction: Direction = "more"
    at_least: int = 1
    may_head: bool = False
    version: int = 1


def _counter(id: str, name: str, *, direction: Direction = "more") -> Metric:
    return Metric(id, name, name, "as TikTok counts them", "", NOW, "count", direction)


def _rate(id: str, name: str, short: str, formula: str, denominator: str, *, at_least: int = 1) -> Metric:
    return Metric(id, name, short, formula, denominator, NEWEST_POSTS, "%", at_least=at_least, may_head=True)


_ALL = (
    _counter("followers", "Followers"),
    _counter("following", "Following", direction="neither"),
    _counter("hearts", "Hearts"),
    _counter("videos", "Videos"),
    _counter("likes_given", "Likes given", direction="neither"),
    _counter("plays", "Views"),
    _counter("diggs", "Likes"),
    _counter("comments", "Comments"),
    _counter("shares", "Shares"),
    _counter("collects", "Saves"),
    Metric(
        "er_views_post",
        "Engagement rate by views of a post",
        "ER views",
        "(likes + comments + shares) / views",
        "views",
        "one post",
        "%",
    ),
    _rate(
        "er_views",
        "Engagement rate by views",
        "ER views",
        "Σ(likes + comments + shares) / Σ views",
        SUM_OF_VIEWS,
    ),
    _rate(
        "er_views_mean",
        "Engagement rate by views, mean of posts",
        "ER views, mean",
        "mean of (likes + comments + shares) / views",
        "views of each post",
    ),
    _rate(
        "er_views_median",
        "Engagement rate by views, median of posts",
        "ER views, median",
        "median of (likes + comments + shares) / views",
        "views of each post",
        at_least=3,
    ),
    _rate(
        "er_views_saves",
        "Engagement rate by views, with saves",
        "ER views + saves",
        "Σ(likes + comments + shares + saves) / Σ views",
        SUM_OF_VIEWS,
    ),
    Metric(
        "er_followers_post",
        "Engagement rate by followers of a post",
        "ER followers",
        "(likes + comments + shares) / followers",
        "followers at the time of posting",
        "one post",
        "%",
    ),
    _rate(
        "er_followers",
        "Engagement rate by followers, mean of posts",
        "ER followers",
        "mean of (likes + comments + shares) / followers",
        "followers at the time of posting",
    ),
    _rate(
        "er_followers_median",
        "Engagement rate by followers, median of posts",
        "ER followers, median",
        "median of (likes + comments + shares) / followers",
        "followers at the time of posting",
        at_least=3,
    ),
    Metric("like_rate", "Like rate", "Like rate", "mean(likes) / mean(views)", "mean of views", NEWEST_POSTS, "%"),
    Metric("views_mean", "Mean views", "Mean views", "mean(views)", "posts", NEWEST_POSTS, "count"),
    Metric("views_median", "Median views", "Median views", "median(views)", "posts", NEWEST_POSTS, "count", at_least=3),
    Metric(
        "posts_per_week",
        "Posts a week",
        "Posts/week",
        "posts / (days / 7)",
        "weeks of the window",
        NEWEST_POSTS,
        "per_week",
        at_least=0,
    ),
    Metric(
        "follower_growth",
        "Growth of followers",
        "Growth",
        "(followers at the end − at the start) / followers at the start",
        "followers at the start",
        "30, 90 or 365 days, by capture date",
        "%",
        at_least=2,
    ),
    Metric(
        "views_per_follower",
        "Views per follower",
        "Views/follower",
        "median(views) / followers",
        "newest followers",
        NEWEST_POSTS,
        "ratio",
        at_least=3,
    ),
    Metric(
        "outlier",
        "Multiple of the usual views",
        "Multiple",
        "views / median(views of the other posts)",
        "median of the other posts",
        NEWEST_POSTS,
        "x",
        at_least=3,
    ),
    Metric(
        "velocity",
        "Views an hour",
        "Views/h",
        "(later views − earlier views) / hours",
        "hours between two readings",
        "two readings of a post",
        "plays_per_hour",
        at_least=2,
    ),
    Metric(
        "bot_share",
        "Share of likely bots among followers",
        "Bots",
        "followers with no posts, the default picture and a handle like user123456 / followers read",
        "followers read",
        "one sample, with its Wilson interval of 95 %",
        "%",
        "less",
        at_least=50,
    ),
    Metric(
        "follow_ratio",
        "Followers per followed account",
        "Follow ratio",
        "followers / following",
        "following",
        NOW,
        "ratio",
        "neither",
    ),
    Metric(
        "share_of_voice",
        "Share of voice",
        "Share",
        "x / Σx of the compared accounts; x = views, engagement or posts",
        "sum over the compared accounts",
        "7, 30 or 90 days by post date, posts older than 24 h",
        "%",
        at_least=0,
    ),
    Metric(
        "uplift",
        "Uplift of views",
        "Uplift",
        "median(views with it) / median(views without it) − 1",
        "median of the posts without it",
        "90 days by post date, posts older than 24 h",
        "%",
        at_least=3,
    ),
    Metric(
        "comments_per_1k_likes",
        "Comments per 1,000 likes",
        "Comments/1k likes",
        "1,000 × Σ comments / Σ likes",
        "sum of likes",
        NEWEST_POSTS,
        "count",
        "neither",
    ),
    Metric(
        "shares_per_1k_likes",
        "Shares per 1,000 likes",
        "Shares/1k likes",
        "1,000 × Σ shares / Σ likes",
        "sum of likes",
        NEWEST_POSTS,
        "count",
    ),
    Metric(
        "consistency",
        "Variation of views",
        "Variation",
        "standard deviation(views) / mean(views)",
        "mean of views",
        NEWEST_POSTS,
        "ratio",
        "less",
        at_least=5,
    ),
)
METRICS: dict[str, Metric] = {metric.id: metric for metric in _ALL}

#: Columns of accounts and posts by the metric that people know them as.
ACCOUNT_COLUMNS = {
    "followers": "follower_count",
    "following": "following_count",
    "hearts": "heart_count",
    "videos": "video_count",
    "likes_given": "digg_count",
}
POST_COLUMNS = {
    "plays": "play_count",
    "diggs": "digg_count",
    "comments": "comment_count",
    "shares": "share_count",
    "collects": "collect_count",
}

DEFAULT_HEADLINE = "er_views"
#: What a tenant may choose as its headline engagement rate.
HEADLINES = tuple(metric.id for metric in _ALL if metric.may_head)


def metric(metric_id: str) -> Metric:
    """Raises BadInput for an id that does not exist."""
    found = METRICS.get(metric_id)
    if found is None:
        raise BadInput(
            gettext("There is no metric “{metric_id}”. Choose one of: {choices}.").format(
                metric_id=metric_id[:40], choices=", ".join(METRICS)
            )
        )
    return found


def headline(chosen: str = "") -> Metric:
    """The headline engagement rate: the tenant's choice, or by views, pooled. Raises BadInput for another metric."""
    if not chosen:
        return METRICS[DEFAULT_HEADLINE]
    if chosen not in HEADLINES:
        raise BadInput(
            gettext("“{chosen}” cannot be the headline rate. Choose one of: {choices}.").format(
                chosen=chosen[:40], choices=", ".join(HEADLINES)
            )
        )
    return METRICS[chosen]
