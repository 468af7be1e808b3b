"""The upstream's endpoints as a table: a path, its parameters and the function that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .cast import DAY
from .creators import Creator
from .reply import Reply, Request, bad_request, json_reply, not_found
from .rows import fill_addresses, post_row, user_body
from .world import World

POSTS_DEFAULT, POSTS_MAX = 10, 35


@dataclass(frozen=True, slots=True)
class Upstream:
    """What an endpoint needs to answer."""

    world: World
    rounded: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API. `answer` is called only when every required parameter is there."""

    slug: str
    required: tuple[str, ...]
    answer: Callable[[Upstream, Request], Reply]


def userid(upstream: Upstream, request: Request) -> Reply:
    """The id of a handle."""
    creator = upstream.world.find(request.params["username"], request.at)
    if creator is None:
        return not_found("user")
    return json_reply({"id": str(creator.id)}, billable=True, handle=creator.handle)


def userinfo_by_username(upstream: Upstream, request: Request) -> Reply:
    """Profile and counters by handle."""
    creator = upstream.world.find(request.params["username"], request.at)
    return _userinfo(upstream, request, creator) if creator else not_found("user")


def user_posts(upstream: Upstream, request: Request) -> Reply:
    """One page of posts, pinned first, then newest first; a private account has none to show."""
    creator = _by_id(upstream, request)
    if creator is None:
        return not_found("user")
    cursor = request.params.get("cursor") or "0"
    if not cursor.isdecimal():
        return bad_request("cursor must be a number")
    if creator.private:
        return json_reply({"videos": [], "cursor": "0", "hasMore": False}, billable=True, handle=creator.handle)
    # The cursor is the last row's time in milliseconds; a page holds what is strictly older.
    before = -(-int(cursor) // 1000) if cursor != "0" else None
    page = upstream.world.page(creator, request.at, before, count_of(request, POSTS_DEFAULT, POSTS_MAX))
    if page.posts:
        cursor = f"{page.posts[-1][0].create_time}000"
    rows = b",".join([post_row(creator, plan, request.at, pinned) for plan, pinned in page.posts])
    body = b'{"videos":[%b],"cursor":"%b","hasMore":%b}' % (
        rows,
        cursor.encode(),
        b"true" if page.has_more else b"false",
    )
    return Reply(fill_addresses(body, request.base_url, request.at), billable=True, handle=creator.handle)


def count_of(request: Request, default: int, most: int) -> int:
    """The page size asked for, within what the endpoint gives."""
    text = request.params.get("count", "")
    return min(int(text), most) if text.isdecimal() and int(text) else default


def _by_id(upstream: Upstream, request: Request) -> Creator | None:
    text = request.params["userid"]
    return upstream.world.by_id(int(text), request.at) if text.isdecimal() and len(text) < 20 else None


def _userinfo(upstream: Upstream, request: Request, creator: Creator) -> Reply:
    counts = upstream.world.counts(creator, request.at)
    broken_day = creator.negative_hearts_day
    day = (request.at - upstream.world.epoch) // DAY
    sign = -1 if broken_day is not None and day == broken_day else 1
    reply = json_reply(user_body(creator, counts, upstream.rounded, sign), billable=True, handle=creator.handle)
    return replace(reply, body=fill_addresses(reply.body, request.base_url, request.at))


ENDPOINTS = {
    endpoint.slug: endpoint
    for endpoint in (
        Endpoint("userid", ("username",), userid),
        Endpoint("userinfo-by-username", ("username",), userinfo_by_username),
        Endpoint("user-posts", ("userid",), user_posts),
    )
}
