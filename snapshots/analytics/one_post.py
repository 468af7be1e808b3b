"""What is known of one post: its counters, its rates, how far ahead it is of the others, how fast it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from snapshots.analytics.all_posts import FoundPost
from snapshots.analytics.metrics import (
    POST_COLUMNS,
    PostNumbers,
    Value,
    compute,
    er_followers_post,
    er_views_post,
    outlier,
    velocity,
)
from snapshots.analytics.metrics.values import given, none
from snapshots.analytics.windows import windows
from tikdash.words import gettext

#: Nearer to each other two readings say more about their moments than about the post.
SHORTEST_S = 3_600


def values_of_post(*, tenant_id: int, row: FoundPost, points: Sequence[tuple[int, int]]) -> dict[str, Value]:
    """The metrics of a post by id; `points` are ages in seconds and views of its curve. One statement.

    The others are the account's newest posts, as for metrics of the account.
    """
    post = row.post
    own = PostNumbers(post.plays, post.diggs, post.comments, post.shares, post.collects)
    window = windows(tenant_id=tenant_id, account_ids=[row.account_id]).get(row.account_id)
    posts = list(window.posts) if window else []
    # Without the post itself, which stands among them once it is a day old; it knows its followers of that day.
    place = next((place for place, each in enumerate(posts) if each[:5] == own[:5]), None)
    mine = posts.pop(place) if place is not None else own
    made = (
        er_views_post(own),
        er_followers_post(mine),
        outlier(own, posts),
        _velocity(points),
        compute("comments_per_1k_likes", [own]),
        compute("shares_per_1k_likes", [own]),
    )
    counters = {metric_id: _counter(metric_id, getattr(post, metric_id)) for metric_id in POST_COLUMNS}
    return {value.metric_id: replace(value, as_of=post.as_of) for value in (*counters.values(), *made)}


def _counter(metric_id: str, value: int | None) -> Value:
    return none(metric_id, 0, gettext("no number")) if value is None else given(metric_id, value, 1)


def _velocity(points: Sequence[tuple[int, int]]) -> Value:
    if not points:
        return velocity(None, None, 0)
    last_age, last = points[-1]
    earlier = next(((age, plays) for age, plays in reversed(points) if last_age - age >= SHORTEST_S), None)
    return velocity(earlier[1], last, (last_age - earlier[0]) / 3_600) if earlier else velocity(None, last, 0)
