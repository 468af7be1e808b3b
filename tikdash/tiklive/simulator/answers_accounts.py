"""Endpoints about one account: who it is, its posts, its stories."""

from __future__ import annotations

from .cast import DAY
from .creators import Creator
from .reply import Reply, Request, bad_request, json_reply, not_found
from .rows import post_row, user_body
from .stories import stories_between
from .upstream import Upstream, count_of, creator_of, data_reply, start_of, videos_reply

POSTS_DEFAULT, POSTS_MAX = 10, 35


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


def userinfo_by_id(upstream: Upstream, request: Request) -> Reply:
    """Profile and counters by id."""
    creator = creator_of(upstream, request)
    return _userinfo(upstream, request, creator) if creator else not_found("user")


def user_posts(upstream: Upstream, request: Request) -> Reply:
    """One page of posts, pinned first, then newest first; a private account has none to show."""
    creator = creator_of(upstream, request)
    if creator is None:
        return not_found("user")
    start = start_of(request)
    if start is None:
        return bad_request("cursor must be a number")
    if creator.private:
        return videos_reply(request, (), "0", False, creator)
    # The cursor is the last row's time in milliseconds; a page holds what is strictly older.
    page = upstream.world.page(creator, request.at, _before(start), count_of(request, POSTS_DEFAULT, POSTS_MAX))
    cursor = f"{page.posts[-1][0].create_time}000" if page.posts else str(start)
    rows = [post_row(creator, plan, request.at, pinned) for plan, pinned in page.posts]
    return videos_reply(request, rows, cursor, page.has_more, creator)


def user_stories(upstream: Upstream, request: Request) -> Reply:
    """Stories of the last 24 hours, newest first, in the shape and with the cursor of posts."""
    creator = creator_of(upstream, request)
    if creator is None:
        return not_found("user")
    start = start_of(request)
    if start is None:
        return bad_request("cursor must be a number")
    before = _before(start)
    stories = [
        story
        for story in ([] if creator.private else stories_between(creator, request.at - DAY, request.at))
        if before is None or story.create_time < before
    ]
    count = count_of(request, POSTS_DEFAULT, POSTS_MAX)
    shown = stories[:count]
    cursor = f"{shown[-1].create_time}000" if shown else str(start)
    rows = [post_row(creator, story, request.at, False) for story in shown]
    return videos_reply(request, rows, cursor, len(stories) > count, creator)


def _before(cursor: int) -> int | None:
    return -(-cursor // 1000) or None


def _userinfo(upstream: Upstream, request: Request, creator: Creator) -> Reply:
    counts = upstream.world.counts(creator, request.at)
    broken_day = creator.negative_hearts_day
    day = (request.at - upstream.world.epoch) // DAY
    sign = -1 if broken_day is not None and day == broken_day else 1
    return data_reply(request, user_body(creator, counts, upstream.rounded, sign), creator)
