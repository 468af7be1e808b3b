"""Posts: listed, followed, one by one, day by day."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from snapshots.analytics.all_posts import (
    COLUMNS,
    DEFAULT_SORT,
    FIELDS,
    MEASURED,
    MOST_SEARCHED_ACCOUNTS,
    FoundPost,
    PostFilter,
    find_posts,
    found_post,
    one_post,
)
from snapshots.analytics.breakout import curve
from snapshots.analytics.daily_rows import days_of_post
from snapshots.analytics.following import posts_since
from snapshots.analytics.metrics import POST_COLUMNS
from snapshots.analytics.one_post import values_of_post
from snapshots.analytics.states import trust, trust_of
from snapshots.api import shapes
from snapshots.api.following import SINCE, FollowedPage, follow
from snapshots.api.numbers import number, versions
from snapshots.api.reach import accounts_of, require_account
from snapshots.api.rows import POST_METRICS, post_row
from snapshots.api.series import FORM, FROM, LONGEST, TO, days_between
from snapshots.ingest.hashtags import fold
from snapshots.selectors import count_of_accounts
from tikdash.api.parameters import Param
from tikdash.api.views import CURSOR, LIMIT, Listing, Resource, answers, fields_of
from tikdash.errors import BadInput

TAG = "Posts"
FILTERS = [
    Param("account", "Ids of accounts, with commas between them.", "ids", most=20),
    Param("q", "Words that are all in the title.", most=200),
    Param("hashtag", "A hashtag, with or without #.", most=100),
    Param("sound", "TikTok's number of a sound.", most=32),
    Param("artist", "How the name of a sound's author begins.", most=100),
    Param("mentions", "Words that are all in one comment.", most=200),
    Param("reason", "Why the account is tracked.", "choice", default="", choices=shapes.REASONS),
    Param("tag", "A tag of the account.", most=40),
    Param("kind", "Kind of post.", "choice", default="", choices=["video", "photo"]),
    Param("posted_from", "First UTC day of posting, included.", "day"),
    Param("posted_to", "Last UTC day of posting, included.", "day"),
    *(
        Param(f"min_{key}", f"At least so much: {'a fraction, such as 0.065' if key == 'er' else key}.",
              "share" if key == "er" else "number", most=None if key == "er" else 10**15)
        for key in MEASURED
    ),
]  # fmt: skip
SORT = Param("sort", "By which field, the largest first with “-” in front.", "choice", default=DEFAULT_SORT,
             choices=[sign + name for name in COLUMNS for sign in ("", "-")])  # fmt: skip
EXAMPLE = {
    "id": 991, "aweme_id": "7412000000000000991", "account_id": 12, "handle": "lena.bakes", "title": "Rye in an hour",
    "kind": "video", "pinned": False, "url": "https://www.tiktok.com/@lena.bakes/video/7412000000000000991",
    "posted_at": "2026-11-20T17:00:00Z", "duration_s": 34, "deleted_at": None, "plays": 120400, "diggs": 9100,
    "comments": 310, "shares": 220, "collects": 1800, "er_views_post": 0.08, "as_of": "2026-11-27T02:31:00Z",
    "state": "ok", "suspect": {},
}  # fmt: skip
DAY_METRICS = versions(POST_COLUMNS)


class Posts(Listing):
    """The posts of all accounts."""

    resource = "posts"

    @answers(
        "List posts",
        FollowedPage(shapes.Post),
        params=[*FILTERS, SORT, fields_of(shapes.Post), CURSOR, LIMIT, SINCE],
        about="Filters and orders of the page of posts; everything that is set must hold. With `updated_since` the"
        " answer is a list to follow: see “Keeping a copy”.",
        example={
            "data": [EXAMPLE],
            "next": None,
            "as_of": EXAMPLE["as_of"],
            "metrics": POST_METRICS,
            "deleted": [],
            "updated_since": None,
        },
        errors=[410],
        name="posts_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        if self.query["updated_since"]:
            return follow(self, _since, metrics=POST_METRICS)
        found = find_posts(
            tenant_id=self.tenant.id,
            wanted=_wanted(self),
            sort=self.query["sort"],
            after=self.place or "",
            most=self.query["limit"],
        )
        return self.page(
            _shown(found.rows), found.next_key, metrics=POST_METRICS, as_of=found.as_of, deleted=[], updated_since=None
        )


def _wanted(view: Resource) -> PostFilter:
    query = view.query
    if query["posted_from"] and query["posted_to"] and query["posted_from"] > query["posted_to"]:
        raise BadInput("The first day is after the last one.", field="posted_from")
    if query["sound"] and not (query["sound"].isascii() and query["sound"].isdecimal()):
        raise BadInput("A sound is named by TikTok's number of it; for an author use “artist”.", field="sound")
    accounts = accounts_of(view.identity, query["account"])
    if query["mentions"]:
        searched = count_of_accounts() if accounts is None else len(accounts)
        if searched > MOST_SEARCHED_ACCOUNTS and not (query["reason"] or query["tag"]):
            raise BadInput(
                f"Comments of at most {MOST_SEARCHED_ACCOUNTS} accounts can be searched at once: choose accounts.",
                field="mentions",
            )
    least = {key: query[f"min_{key}"] for key in MEASURED if query[f"min_{key}"] is not None}
    return PostFilter(
        text=query["q"] or "",
        hashtag=fold(query["hashtag"].lstrip("#")) if query["hashtag"] else "",
        sound=query["sound"] or "",
        artist=query["artist"] or "",
        mentions=query["mentions"] or "",
        since=query["posted_from"],
        until=query["posted_to"],
        account_ids=None if accounts is None else tuple(accounts),
        reason=query["reason"],
        tag=query["tag"] or "",
        kind=query["kind"],
        least=least,
    )


def _shown(found: list[FoundPost]) -> list[dict[str, Any]]:
    known = trust_of("post", {each.post.id: each.post.as_of for each in found})
    return [post_row(each, known[each.post.id]) for each in found]


def _since(view: Resource, since: int | None, after: Any, most: int) -> Any:
    page = posts_since(
        tenant_id=view.tenant.id,
        since=since,
        tags=view.identity.tags,
        after=tuple(after) if after else (0, 0),
        most=most,
        columns=FIELDS,
    )
    found = [found_post(row) for row in page.rows]
    return page, _shown(found), ([found[-1].account_id, found[-1].post.id] if found else [0, 0])


class Post(Resource):
    """One post."""

    resource = "posts"

    @answers("Get a post", shapes.Post, example=EXAMPLE, name="posts_get", tag=TAG)
    def get(self, request: Request, post_id: int) -> Response:
        return Response(_shown([_found(self, post_id)])[0])


class PostNumbers(Resource):
    """The metrics of one post."""

    resource = "posts"

    @answers("Get a post's metrics", shapes.PostNumbers, name="posts_metrics", tag=TAG)
    def get(self, request: Request, post_id: int) -> Response:
        row = _found(self, post_id)
        values = values_of_post(tenant_id=self.tenant.id, row=row, points=curve(post_id).points)
        return Response({"post_id": post_id, "numbers": {key: number(value) for key, value in values.items()}})


class PostSeries(Resource):
    """A post day by day."""

    resource = "posts"

    @answers("Get a post day by day", shapes.PostSeries, params=[FROM, TO, FORM], name="posts_series", tag=TAG)
    def get(self, request: Request, post_id: int) -> Response:
        _found(self, post_id)
        first, last = days_between(self, LONGEST)
        rows = [_day(*row) for row in days_of_post(post_id, first=first, last=last)]
        head = {
            "post_id": post_id,
            "as_of": max((row["as_of"] for row in rows), default=None),
            "metrics": DAY_METRICS,
        }
        if self.query["form"] == "columns":
            names = ["date", *POST_COLUMNS, "as_of", "state"]
            return Response(head | {"columns": {name: [row[name] for row in rows] for name in names}})
        return Response(head | {"rows": rows})


def _day(day: date, at: Any, state: int, suspect: str | None, *counters: Any) -> dict[str, Any]:
    known = trust("post", state, suspect)
    return {
        "date": day,
        **dict(zip(POST_COLUMNS, counters, strict=True)),
        "as_of": at,
        "state": known.state,
        "suspect": known.suspect,
    }


def _found(view: Resource, post_id: int) -> FoundPost:
    """Raises NotFound, also where the token does not reach its account."""
    found = one_post(tenant_id=view.tenant.id, post_id=post_id)
    if view.identity.tags:
        require_account(view.identity, found.account_id)
    return found
