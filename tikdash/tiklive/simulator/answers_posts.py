"""Endpoints about one post: itself, its comments, its files."""

from __future__ import annotations

from .comments import comment_count, comment_row
from .reply import Reply, Request, bad_request, not_found
from .rows import film_address, post_body
from .upstream import Upstream, count_of, data_reply, post_of, start_of

COMMENTS_DEFAULT, COMMENTS_MAX = 10, 50


def post_detail(upstream: Upstream, request: Request) -> Reply:
    """One post, flat, with `id` where rows of lists have `video_id`."""
    found = post_of(upstream, request)
    if found is None:
        return not_found("post")
    creator, plan = found
    pinned = plan.id in {pin.id for pin in upstream.world.pinned(creator, request.at)}
    return data_reply(request, post_body(creator, plan, request.at, pinned), creator)


def post_comments(upstream: Upstream, request: Request) -> Reply:
    """One page of comments; `total` is the counter of the post, and paging reaches that many."""
    found = post_of(upstream, request)
    if found is None:
        return not_found("post")
    start = start_of(request)
    if start is None:
        return bad_request("cursor must be a number")
    creator, plan = found
    total = comment_count(plan, request.at)
    end = min(total, start + count_of(request, COMMENTS_DEFAULT, COMMENTS_MAX))
    payload = {
        "comments": [comment_row(creator, plan, place, request.at) for place in range(start, end)],
        "total": total,
        "cursor": max(start, end),
        "hasMore": end < total,
    }
    return data_reply(request, payload, creator)


def download_video(upstream: Upstream, request: Request) -> Reply:
    """Addresses of the film in two qualities."""
    found = post_of(upstream, request)
    if found is None:
        return not_found("post")
    creator, plan = found
    return data_reply(request, {"video": film_address(plan, ""), "video_hd": film_address(plan, "-hd")}, creator)
