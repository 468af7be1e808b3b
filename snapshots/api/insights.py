"""What lies behind the numbers: hashtags, sounds, audience, comments, comparison, and what the metrics mean."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from snapshots.analytics import audience as audiences
from snapshots.analytics.all_posts import one_post
from snapshots.analytics.comments import CommentRow, comments
from snapshots.analytics.compare import MOST_ACCOUNTS, VOICE_DAYS, Voice, series_of, table, voices
from snapshots.analytics.engagement import Summary
from snapshots.analytics.hashtags import HashtagRow, hashtags
from snapshots.analytics.metrics import ACCOUNT_COLUMNS, METRICS, Metric, Value
from snapshots.analytics.sounds import SoundRow, sounds
from snapshots.analytics.topics import MOST_TOPICS, ORDERS, Use
from snapshots.api import shapes
from snapshots.api.numbers import number, versions
from snapshots.api.reach import accounts_of, require_account, require_if_limited
from snapshots.api.series import DAYS
from tikdash.api.parameters import Param
from tikdash.api.shapes import page_of
from tikdash.api.views import CURSOR, LIMIT, Listing, Resource, answers
from tikdash.errors import BadInput, NotFound
from tikdash.plans import limits_of

TAG = "Insights"
OF_ACCOUNTS = Param("account", "Ids of accounts, with commas between them; all without.", "ids", most=100)
ORDER = Param(
    "order",
    "Most used, most views, rising, or by uplift.",
    "choice",
    default="posts",
    choices=list(ORDERS),
)
MOST = Param("limit", "How many at most.", "number", default=MOST_TOPICS, least=1, most=MOST_TOPICS)
USE_METRICS = versions(["plays", "views_median", "uplift"])


class Hashtags(Listing):
    """The hashtags of posts."""

    resource = "hashtags"

    @answers(
        "List hashtags",
        page_of(shapes.Hashtag),
        params=[OF_ACCOUNTS, ORDER, MOST],
        about="Of the posts of the last 90 days; one page of at most 50.",
        name="hashtags_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        accounts = accounts_of(self.identity, self.query["account"])
        order, most = self.query["order"], self.query["limit"]
        found = hashtags(self.tenant.id, accounts, order=order, most=most) if accounts != [] else []
        return self.page([_hashtag(row) for row in found], metrics=USE_METRICS, as_of=_newest(found))


class Sounds(Listing):
    """The sounds of posts."""

    resource = "sounds"

    @answers(
        "List sounds",
        page_of(shapes.Sound),
        params=[OF_ACCOUNTS, ORDER, MOST],
        about="Of the posts of the last 90 days; one page of at most 50.",
        name="sounds_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        accounts = accounts_of(self.identity, self.query["account"])
        order, most = self.query["order"], self.query["limit"]
        found = sounds(self.tenant.id, accounts, order=order, most=most) if accounts != [] else []
        return self.page([_sound(row) for row in found], metrics=USE_METRICS, as_of=_newest(found))


def _newest(found: list[Any]) -> Any:
    return max((row.use.as_of for row in found), default=None)


def _hashtag(row: HashtagRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "shown": row.shown,
        "tiktok_views": row.view_count,
        "tiktok_users": row.user_count,
        "tiktok_as_of": row.counted_at,
        "use": _use(row.use),
    }


def _sound(row: SoundRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "music_id": row.music_id,
        "title": row.title,
        "author": row.author,
        "original": row.original,
        "tiktok_videos": row.video_count,
        "tiktok_as_of": row.counted_at,
        "use": _use(row.use),
    }


def _use(use: Use) -> dict[str, Any]:
    found = use.uplift
    value = Value(
        "uplift", METRICS["uplift"].version, found.value, found.n_with, found.reason, low=found.low, high=found.high,
        as_of=use.as_of,
    )  # fmt: skip
    return {
        "posts": use.posts,
        "accounts": use.accounts,
        "views": use.views,
        "median_views": use.median_views,
        "views_n": use.n_views,
        "uses_14d": use.uses_14d,
        "uses_14d_before": use.uses_14d_before,
        "rising": use.rising,
        "uplift": number(value),
        "first_handle": use.first.handle if use.first else None,
        "first_at": use.first.at if use.first else None,
        "as_of": use.as_of,
    }


class Audience(Resource):
    """Who follows an account."""

    resource = "audience"

    @answers("Get an account's audience", shapes.Audience, name="accounts_audience", tag=TAG)
    def get(self, request: Request, account_id: int) -> Response:
        require_if_limited(self.identity, account_id)
        found = audiences.audience(account_id)
        ratio = found.follow_ratio
        value = Value(
            "follow_ratio", METRICS["follow_ratio"].version, ratio.value, 1 if ratio.value is not None else 0,
            ratio.reason, as_of=ratio.as_of,
        )  # fmt: skip
        return Response(
            {
                "account_id": account_id,
                "reason": found.reason,
                "newest": _sample(found.newest) if found.newest else None,
                "follow_ratio": number(value),
                "samples": [_sample(sample) for sample in found.history],
            }
        )


def _sample(sample: audiences.Sample) -> dict[str, Any]:
    share = sample.bot_share
    value = Value(
        "bot_share", METRICS["bot_share"].version, share.value, share.n, share.reason, low=share.low, high=share.high,
        as_of=sample.sampled_at,
    )  # fmt: skip
    names = ("id", "sampled_at", "size", "total", "no_posts", "default_avatar", "generated_handle", "all_three",
             "private", "verified")  # fmt: skip
    return {name: getattr(sample, name) for name in names} | {"bot_share": number(value)}


class Comments(Listing):
    """Comments on an account's posts, or on one post."""

    resource = "comments"

    @answers(
        "Search comments",
        page_of(shapes.Comment),
        params=[
            Param("account", "Id of the account on whose posts they stand.", "number", least=1),
            Param("post", "Id of the post; instead of `account`.", "number", least=1),
            Param("q", "Words that are all in the comment.", most=200, example="sourdough"),
            Param("order", "Newest, or most liked, first.", "choice", default="newest", choices=["newest", "liked"]),
            CURSOR,
            LIMIT,
        ],
        about="Name either an account or a post. A search looks at the newest 1,000 comments with the words.",
        name="comments_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        account_id, post_id = self.query["account"], self.query["post"]
        if (account_id is None) == (post_id is None):
            raise BadInput("Name either an account or a post.", field="account")
        if account_id is None:
            require_account(self.identity, one_post(tenant_id=self.tenant.id, post_id=post_id).account_id)
        else:
            require_account(self.identity, account_id)
        found = comments(
            account_id=account_id,
            post_id=post_id,
            words=self.query["q"] or "",
            order=self.query["order"],
            after=self.place or "",
            most=self.query["limit"],
        )
        rows = [_comment(row) for row in found.rows]
        as_of = max((row.as_of for row in found.rows), default=None)
        return self.page(rows, found.next_key, metrics=versions(["diggs"]), as_of=as_of)


def _comment(row: CommentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "post_id": row.post_id,
        "text": row.text,
        "author": row.author_username,
        "author_name": row.author_nickname,
        "diggs": row.digg_count,
        "replies": row.reply_count,
        "written_at": row.written_at,
        "tone": row.tone,
        "as_of": row.as_of,
    }


class Compare(Resource):
    """Accounts beside each other."""

    resource = "accounts"

    @answers(
        "Compare accounts",
        shapes.Comparison,
        params=[
            Param("accounts", "Ids of up to ten accounts, with commas between them.", "ids", most=MOST_ACCOUNTS),
            Param("metric", "Which counter to draw.", "choice", default="followers", choices=list(ACCOUNT_COLUMNS)),
            DAYS,
            Param("indexed", "Whether all lines are 100 on the first common day.", "flag", default=False),
            Param("voice_days", "Of how many days shares of voice are.", "choice", default="30",
                  choices=[str(days) for days in VOICE_DAYS]),
        ],
        about="One counter by day of capture, metrics of posts, and shares of voice.",
        name="compare",
        tag=TAG,
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        if not self.query["accounts"]:
            raise BadInput("Name at least one account.", field="accounts")
        ids = accounts_of(self.identity, self.query["accounts"]) or []
        metric, tenant_id = METRICS[self.query["metric"]], self.tenant.id
        drawn = series_of(
            tenant_id=tenant_id,
            account_ids=ids,
            metric=ACCOUNT_COLUMNS[metric.id],
            days=limits_of(self.tenant).days_shown(self.query["days"]),
            indexed=self.query["indexed"],
        )
        numbers = table(tenant_id=tenant_id, account_ids=ids)
        heard = voices(tenant_id=tenant_id, account_ids=ids, days=int(self.query["voice_days"]))
        return Response(
            {
                "metric": metric.id,
                "version": metric.version,
                "indexed": drawn.indexed,
                "base_on": drawn.base_on,
                "dates": drawn.dates,
                "lines": [
                    {
                        "account_id": line.account_id,
                        "handle": line.handle,
                        "values": line.values,
                        "n": line.n,
                        "as_of": line.as_of,
                        "reason": line.reason,
                    }
                    for line in drawn.lines
                ],
                "voice_days": heard.days,
                "accounts": [_compared(*each) for each in zip(numbers, heard.voices, strict=True)],
            }
        )


def _compared(found: Summary, voice: Voice) -> dict[str, Any]:
    return {
        "account_id": voice.account_id,
        "handle": voice.handle,
        "numbers": {key: number(value) for key, value in found.values.items()},
        "share_of_voice": {part: number(getattr(voice, part)) for part in ("plays", "engagement", "posts")},
    }


class Metrics(Listing):
    """What the numbers mean."""

    @answers("List metrics", page_of(shapes.Metric), about="The registry, for any token.", name="metrics_list", tag=TAG)
    def get(self, request: Request) -> Response:
        return self.page([_metric(each) for each in METRICS.values()], metrics=versions(METRICS))


class OneMetric(Resource):
    """What a number means."""

    @answers("Get a metric", shapes.Metric, name="metrics_get", tag=TAG)
    def get(self, request: Request, metric_id: str) -> Response:
        found = METRICS.get(metric_id)
        if found is None:
            raise NotFound("There is no such metric.")
        return Response(_metric(found))


def _metric(metric: Metric) -> dict[str, Any]:
    names = ("id", "name", "formula", "denominator", "window", "direction", "at_least", "version")
    unit = "fraction" if metric.unit == "%" else metric.unit
    return {name: getattr(metric, name) for name in names} | {"unit": unit}
