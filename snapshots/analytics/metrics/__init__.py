"""What every number means and how it is made. Pure: neither Django nor I/O.

`registry` says what metrics there are, `of_posts` and `of_numbers` make them.
"""

from snapshots.analytics.metrics.of_numbers import (
    bot_share,
    follow_ratio,
    follower_growth,
    is_noise,
    share_of_voice,
    uplift,
    velocity,
)
from snapshots.analytics.metrics.of_posts import (
    OF_POSTS,
    compute,
    compute_all,
    er_followers_post,
    er_views_post,
    outlier,
)
from snapshots.analytics.metrics.registry import (
    ACCOUNT_COLUMNS,
    HEADLINES,
    METRICS,
    POST_COLUMNS,
    Metric,
    headline,
    metric,
)
from snapshots.analytics.metrics.values import PostNumbers, Value

__all__ = [
    "ACCOUNT_COLUMNS",
    "HEADLINES",
    "METRICS",
    "OF_POSTS",
    "POST_COLUMNS",
    "Metric",
    "PostNumbers",
    "Value",
    "bot_share",
    "compute",
    "compute_all",
    "er_followers_post",
    "er_views_post",
    "follow_ratio",
    "follower_growth",
    "headline",
    "is_noise",
    "metric",
    "outlier",
    "share_of_voice",
    "uplift",
    "velocity",
]
