"""Endpoints about who follows an account and whom it follows."""

from __future__ import annotations

from typing import Any

from .creators import Creator
from .follows import FollowPage, follower_moments, following_moments, page_of
from .people import follow_row, is_bot, person_at
from .reply import Reply, Request, bad_request, not_found
from .upstream import Upstream, count_of, creator_of, data_reply, start_of

FOLLOWS_DEFAULT, FOLLOWS_MAX = 50, 200


def user_followers(upstream: Upstream, request: Request) -> Reply:
    """One page of followers, the newest first; a hidden list is an empty one."""
    creator = creator_of(upstream, request)
    if creator is None:
        return not_found("user")
    before = start_of(request, "time")
    if before is None:
        return bad_request("time must be a number")
    total = 0 if creator.hides_follows else upstream.world.counts(creator, request.at).followers
    moment = follower_moments(creator, total, request.at)
    page = page_of(total, moment, before, count_of(request, FOLLOWS_DEFAULT, FOLLOWS_MAX))
    people = (person_at(creator, "followers", place, is_bot(creator, place)) for place in page.places)
    return _reply(request, creator, "followers", [follow_row(creator, person) for person in people], total, page)


def user_following(upstream: Upstream, request: Request) -> Reply:
    """One page of those the account follows, the newest first; a hidden list is an empty one."""
    creator = creator_of(upstream, request)
    if creator is None:
        return not_found("user")
    before = start_of(request, "time")
    if before is None:
        return bad_request("time must be a number")
    total = 0 if creator.hides_follows else upstream.world.counts(creator, request.at).following
    moment = following_moments(creator, total, request.at)
    page = page_of(total, moment, before, count_of(request, FOLLOWS_DEFAULT, FOLLOWS_MAX))
    people = (person_at(creator, "followings", place) for place in page.places)
    return _reply(request, creator, "followings", [follow_row(creator, person) for person in people], total, page)


def _reply(
    request: Request, creator: Creator, name: str, rows: list[dict[str, Any]], total: int, page: FollowPage
) -> Reply:
    payload = {name: rows, "total": total, "time": page.time, "hasMore": page.has_more}
    return data_reply(request, payload, creator)
