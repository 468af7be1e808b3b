"""The one place where a metric is defined: tooltips, exports and answers of the API read it. Pure.

The texts are plain English; whoever shows them passes them through `gettext`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tikdash.errors import BadInput
from tikdash.words import N_, gettext

Unit = Literal["count", "%", "ratio", "x", "per_week", "plays_per_hour"]
#: Which way is better, for arrows and colours; `neither` where more is not better and less is not either.
Direction = Literal["more", "less", "neither"]

NEWEST_POSTS = N_("newest 30 posts or 90 days, older than 24 h")
NOW = N_("newest sound reading")
SUM_OF_VIEWS = N_("sum of views")


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
    return Metric(id, name, name, N_("as TikTok counts them"), "", NOW, "count", direction)


def _rate(id: str, name: str, short: str, formula: str, denominator: str, *, at_least: int = 1) -> Metric:
    return Metric(id, name, short, formula, denominator, NEWEST_POSTS, "%", at_least=at_least, may_head=True)


_ALL = (
    _counter("followers", N_("Followers")),
    _counter(N_("following"), N_("Following"), direction="neither"),
    _counter("hearts", N_("Hearts")),
    _counter("videos", N_("Videos")),
    _counter("likes_given", N_("Likes given"), direction="neither"),
    _counter("plays", N_("Views")),
    _counter("diggs", N_("Likes")),
    _counter("comments", N_("Comments")),
    _counter("shares", N_("Shares")),
    _counter("collects", N_("Saves")),
    Metric(
        "er_views_post",
        N_("Engagement rate by views of a post"),
        N_("ER views"),
        N_("(likes + comments + shares) / views"),
        N_("views"),
        N_("one post"),
        "%",
    ),
    _rate(
        "er_views",
        N_("Engagement rate by views"),
        N_("ER views"),
        N_("Σ(likes + comments + shares) / Σ views"),
        SUM_OF_VIEWS,
    ),
    _rate(
        "er_views_mean",
        N_("Engagement rate by views, mean of posts"),
        N_("ER views, mean"),
        N_("mean of (likes + comments + shares) / views"),
        N_("views of each post"),
    ),
    _rate(
        "er_views_median",
        N_("Engagement rate by views, median of posts"),
        N_("ER views, median"),
        N_("median of (likes + comments + shares) / views"),
        N_("views of each post"),
        at_least=3,
    ),
    _rate(
        "er_views_saves",
        N_("Engagement rate by views, with saves"),
        N_("ER views + saves"),
        N_("Σ(likes + comments + shares + saves) / Σ views"),
        SUM_OF_VIEWS,
    ),
    Metric(
        "er_followers_post",
        N_("Engagement rate by followers of a post"),
        N_("ER followers"),
        N_("(likes + comments + shares) / followers"),
        N_("followers at the time of posting"),
        N_("one post"),
        "%",
    ),
    _rate(
        "er_followers",
        N_("Engagement rate by followers, mean of posts"),
        N_("ER followers"),
        N_("mean of (likes + comments + shares) / followers"),
        N_("followers at the time of posting"),
    ),
    _rate(
        "er_followers_median",
        N_("Engagement rate by followers, median of posts"),
        N_("ER followers, median"),
        N_("median of (likes + comments + shares) / followers"),
        N_("followers at the time of posting"),
        at_least=3,
    ),
    Metric(
        "like_rate",
        N_("Like rate"),
        N_("Like rate"),
        N_("mean(likes) / mean(views)"),
        N_("mean of views"),
        NEWEST_POSTS,
        "%",
    ),
    Metric("views_mean", N_("Mean views"), N_("Mean views"), N_("mean(views)"), N_("posts"), NEWEST_POSTS, "count"),
    Metric(
        "views_median",
        N_("Median views"),
        N_("Median views"),
        N_("median(views)"),
        N_("posts"),
        NEWEST_POSTS,
        "count",
        at_least=3,
    ),
    Metric(
        "posts_per_week",
        N_("Posts a week"),
        N_("Posts/week"),
        N_("posts / (days / 7)"),
        N_("weeks of the window"),
        NEWEST_POSTS,
        "per_week",
        at_least=0,
    ),
    Metric(
        "follower_growth",
        N_("Growth of followers"),
        N_("Growth"),
        N_("(followers at the end − at the start) / followers at the start"),
        N_("followers at the start"),
        N_("30, 90 or 365 days, by capture date"),
        "%",
        at_least=2,
    ),
    Metric(
        "views_per_follower",
        N_("Views per follower"),
        N_("Views/follower"),
        N_("median(views) / followers"),
        N_("newest followers"),
        NEWEST_POSTS,
        "ratio",
        at_least=3,
    ),
    Metric(
        "outlier",
        N_("Multiple of the usual views"),
        N_("Multiple"),
        N_("views / median(views of the other posts)"),
        N_("median of the other posts"),
        NEWEST_POSTS,
        "x",
        at_least=3,
    ),
    Metric(
        "velocity",
        N_("Views an hour"),
        N_("Views/h"),
        N_("(later views − earlier views) / hours"),
        N_("hours between two readings"),
        N_("two readings of a post"),
        "plays_per_hour",
        at_least=2,
    ),
    Metric(
        "bot_share",
        N_("Share of likely bots among followers"),
        N_("Bots"),
        N_("followers with no posts, the default picture and a handle like user123456 / followers read"),
        N_("followers read"),
        N_("one sample, with its Wilson interval of 95 %"),
        "%",
        "less",
        at_least=50,
    ),
    Metric(
        "follow_ratio",
        N_("Followers per followed account"),
        N_("Follow ratio"),
        N_("followers / following"),
        N_("following"),
        NOW,
        "ratio",
        "neither",
    ),
    Metric(
        "share_of_voice",
        N_("Share of voice"),
        N_("Share"),
        N_("x / Σx of the compared accounts; x = views, engagement or posts"),
        N_("sum over the compared accounts"),
        N_("7, 30 or 90 days by post date, posts older than 24 h"),
        "%",
        at_least=0,
    ),
    Metric(
        "uplift",
        N_("Uplift of views"),
        N_("Uplift"),
        N_("median(views with it) / median(views without it) − 1"),
        N_("median of the posts without it"),
        N_("90 days by post date, posts older than 24 h"),
        "%",
        at_least=3,
    ),
    Metric(
        "comments_per_1k_likes",
        N_("Comments per 1,000 likes"),
        N_("Comments/1k likes"),
        N_("1,000 × Σ comments / Σ likes"),
        N_("sum of likes"),
        NEWEST_POSTS,
        "count",
        "neither",
    ),
    Metric(
        "shares_per_1k_likes",
        N_("Shares per 1,000 likes"),
        N_("Shares/1k likes"),
        N_("1,000 × Σ shares / Σ likes"),
        N_("sum of likes"),
        NEWEST_POSTS,
        "count",
    ),
    Metric(
        "consistency",
        N_("Variation of views"),
        N_("Variation"),
        N_("standard deviation(views) / mean(views)"),
        N_("mean of views"),
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
