"""From the bytes of a page of posts to the rows that are stored, against the standard library's parser alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from snapshots.ingest.normalise import PostRows, post_rows
from tests.bench.frame import Figure, Options, at_most, interleaved, seconds
from tests.bench.upstream import KEY, page_of_posts, upstream
from tests.simulating import NOW
from tikdash.tiklive.endpoints import USER_POSTS
from tikdash.tiklive.transport import Response

#: Posts on a page of about 50 KB, and on one of about 97 KB, the size of the largest pages that are recorded.
SIZES = {"page_vs_json": 18, "page97k_vs_json": 35}
TIMES, ROUNDS = 100, 41
HEADERS = {"Content-Type": "application/json"}


def run(options: Options) -> Iterator[Figure]:
    with upstream() as caller:
        pages = {metric: page_of_posts(caller, count) for metric, count in SIZES.items()}
    for metric, (account_id, body) in pages.items():
        yield _figure(metric, account_id, body)


def _figure(metric: str, account_id: str, body: bytes) -> Figure:
    now = datetime.fromisoformat(NOW)

    def ours() -> PostRows:
        page = USER_POSTS.value(Response(200, HEADERS, body, 0), secret=KEY)
        return post_rows(page, author_id=account_id, now=now)

    def parsed() -> Any:
        return json.loads(body)

    _check_same(ours(), parsed())
    measured = interleaved(seconds(ours, TIMES), seconds(parsed, TIMES), ROUNDS)
    facts = {"bytes": len(body), "posts": SIZES[metric]}
    return Figure("decode", metric, "s", measured.value, measured.baseline, measured.rounds, at_most(0.6), facts)


def _check_same(ours: PostRows, parsed: Any) -> None:
    assert (ours.refused, ours.author_handle) == (0, parsed["videos"][0]["author"]["unique_id"])
    assert [(row.aweme_id, row.title, row.counters["play_count"]) for row in ours.rows] == [
        (video["video_id"], video["title"], video["play_count"]) for video in parsed["videos"]
    ]
