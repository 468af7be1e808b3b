"""All 17 endpoints through the client: what is asked, what comes back, what is metered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.test import override_settings

from tests.tiklive.bodies import BODIES, FOLLOW, ROW, encoded
from tests.tiklive.ports import ListMeter, client_to
from tests.tiklive.upstream import Answer, Upstream, running_upstream
from tikdash.errors import BadInput
from tikdash.tiklive import errors
from tikdash.tiklive.client import Client
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.paging import Caps, Stop, Walk

URL = "https://www.tiktok.com/@placeholder/video/7201234567890123456"
ID = "107955"
Call = Callable[[Client], Any]

CALLS: dict[str, tuple[Call, dict[str, str]]] = {
    "userid": (lambda c: c.userid("@lena"), {"username": "lena"}),
    "userinfo-by-username": (lambda c: c.userinfo_by_username(" lena "), {"username": "lena"}),
    "userinfo-by-id": (lambda c: c.userinfo_by_id(ID), {"userid": ID}),
    "user-posts": (lambda c: c.user_posts(ID, count=99), {"userid": ID, "count": "35", "cursor": "0"}),
    "post-detail": (lambda c: c.post_detail(URL), {"url": URL}),
    "post-comments": (lambda c: c.post_comments(URL, cursor="10"), {"url": URL, "count": "50", "cursor": "10"}),
    "user-followers": (
        lambda c: c.user_followers(ID, count=999, time="1700000000"),
        {"userid": ID, "count": "200", "time": "1700000000"},
    ),
    "user-following": (lambda c: c.user_following(ID, count=0), {"userid": ID, "count": "1", "time": "0"}),
    "challenge-info-name": (lambda c: c.challenge_info_by_name("#খাবার"), {"name": "খাবার"}),
    "challenge-info-id": (lambda c: c.challenge_info_by_id("9261"), {"id": "9261"}),
    "challenge-posts": (
        lambda c: c.challenge_posts("9261", region="us"),
        {"challenge_id": "9261", "count": "35", "cursor": "0", "region": "US"},
    ),
    "music-info": (lambda c: c.music_info("71"), {"music_id": "71"}),
    "search-video": (
        lambda c: c.search_video("sour dough", count=35, publish_time=7, sort_by=1),
        {"keyword": "sour dough", "count": "30", "cursor": "0", "publish_time": "7", "sort_by": "1"},
    ),
    "user-stories": (lambda c: c.user_stories(ID), {"userid": ID, "count": "30", "cursor": "0"}),
    "playlist-info": (lambda c: c.playlist_info("71"), {"playlist_id": "71"}),
    "collection-info": (lambda c: c.collection_info("71"), {"collection_id": "71"}),
    "download-video": (lambda c: c.download_video(URL), {"url": URL}),
}
WALKS: dict[str, tuple[Callable[[Client, Caps], Walk[Any]], str, str, dict[str, Any]]] = {
    "user-posts": (lambda c, caps: c.walk_user_posts(ID, caps=caps), "videos", "cursor", {**ROW, "video_id": None}),
    "post-comments": (lambda c, caps: c.walk_comments(URL, caps=caps), "comments", "cursor", {"text": "x"}),
    "user-followers": (lambda c, caps: c.walk_followers(ID, caps=caps), "followers", "time", FOLLOW),
    "user-following": (lambda c, caps: c.walk_followings(ID, caps=caps), "followings", "time", FOLLOW),
    "challenge-posts": (lambda c, caps: c.walk_challenge_posts("9261", caps=caps), "videos", "cursor", ROW),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as server:
        yield server


@pytest.fixture(autouse=True)
def _one_attempt() -> Iterator[None]:
    """What one request gives; repeating it is the matter of test_calling.py."""
    with override_settings(TIKLIVE_ATTEMPTS=1):
        yield


@pytest.fixture
def meter() -> ListMeter:
    return ListMeter()


@pytest.fixture
def client(upstream: Upstream, meter: ListMeter) -> Client:
    upstream.asked.clear()
    return client_to(upstream.base_url, meter)


def test_every_endpoint_of_the_catalogue_is_called_here() -> None:
    assert sorted(CALLS) == sorted(CATALOGUE) and len(CALLS) == 17
    paged = {slug for slug, endpoint in CATALOGUE.items() if endpoint.paging}
    assert set(WALKS) == paged - {"search-video", "user-stories"}


@pytest.mark.parametrize("slug", sorted(CALLS))
def test_endpoint_is_asked_for_what_was_meant_and_its_answer_is_decoded(
    client: Client, upstream: Upstream, meter: ListMeter, slug: str
) -> None:
    call, params = CALLS[slug]
    upstream.answer = Answer(encoded(BODIES[slug]))
    assert call(client) == CATALOGUE[slug].decode(encoded(BODIES[slug]))
    [asked] = upstream.asked
    assert urlsplit(asked.path).path == f"/{slug}/"
    assert dict(parse_qsl(urlsplit(asked.path).query)) == params
    [event] = meter.events
    assert (event.endpoint, event.outcome, event.credits) == (slug, "ok", 1)


@pytest.mark.parametrize("slug", sorted(CALLS))
def test_endpoint_refuses_a_body_it_cannot_use_and_knows_what_is_gone(
    client: Client, upstream: Upstream, meter: ListMeter, slug: str
) -> None:
    call, _ = CALLS[slug]
    upstream.answer = Answer(b'{"nothing": "of use", "here": 0}')
    with pytest.raises(errors.BadPayload) as caught:
        call(client)
    assert (caught.value.endpoint, bool(caught.value.reason)) == (slug, True)
    upstream.answer = Answer(b'{"status": "error", "message": "Not found post"}')
    with pytest.raises(errors.EntityNotFound):
        call(client)
    assert [(event.outcome, event.credits) for event in meter.events] == [("bad_payload", 1), ("entity_not_found", 0)]


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.userinfo_by_id("lena"),
        lambda c: c.user_followers("MS4w"),
        lambda c: c.user_following("-1"),
        lambda c: c.user_stories(""),
        lambda c: c.user_posts(ID, cursor=""),
        lambda c: c.post_detail(" "),
        lambda c: c.post_comments("two words"),
        lambda c: c.download_video("\x00"),
        lambda c: c.challenge_info_by_name(" # "),
        lambda c: c.challenge_info_by_id("bread"),
        lambda c: c.challenge_posts("9" * 20),
        lambda c: c.challenge_posts("1", region="USA"),
        lambda c: c.music_info("٣"),
        lambda c: c.playlist_info(""),
        lambda c: c.collection_info("x"),
        lambda c: c.search_video(""),
        lambda c: c.search_video("bread", publish_time=8),
        lambda c: c.search_video("bread", sort_by=-1),
        lambda c: c.call(CATALOGUE["user-posts"], {"userid": ID, "count": "many"}),
    ],
)
def test_what_cannot_be_asked_for_is_told_before_anything_is_sent(
    client: Client, upstream: Upstream, meter: ListMeter, call: Call
) -> None:
    with pytest.raises(BadInput):
        call(client)
    assert not upstream.asked and not meter.events


def test_parameters_that_an_endpoint_does_not_have_are_a_mistake_of_the_caller(
    client: Client, upstream: Upstream
) -> None:
    for params in ({}, {"userid": ID, "secUid": "x"}, {"userid": ID, "time": "0"}):
        with pytest.raises(ValueError, match="user-posts"):
            client.call(CATALOGUE["user-posts"], params)
    assert not upstream.asked


class Paged(Upstream):
    """An upstream with one list in pages of two rows, the second of which comes again on the next page."""

    key, paging, row, last = "videos", "cursor", ROW, 3

    def _give(self, handler: Any, answer: Answer) -> None:
        query = parse_qs(urlsplit(self.asked[-1].path).query)
        number = int(query[self.paging][0])
        rows = [self.row | {"id": str(71 + number + n), "video_id": str(71 + number + n)} for n in range(2)]
        body = {self.key: rows, self.paging: number + 1, "hasMore": int(number < self.last), "total": 99}
        super()._give(handler, Answer(json.dumps(body).encode()))


@pytest.fixture(scope="module")
def paged() -> Iterator[Paged]:
    with running_upstream(Paged) as server:
        yield server  # type: ignore[misc]


@pytest.fixture
def walk_of(paged: Paged, meter: ListMeter) -> Callable[[str, Caps], Walk[Any]]:
    def start(slug: str, caps: Caps) -> Walk[Any]:
        begin, paged.key, paged.paging, paged.row = WALKS[slug]
        paged.asked.clear()
        return begin(client_to(paged.base_url, meter), caps)

    return start


@pytest.mark.parametrize("slug", sorted(WALKS))
def test_walk_goes_through_all_pages_and_pays_for_each(
    walk_of: Callable[[str, Caps], Walk[Any]], paged: Paged, meter: ListMeter, slug: str
) -> None:
    walk = walk_of(slug, Caps(pages=50))
    assert not paged.asked
    assert [row.id for row in walk] == ["71", "72", "73", "74", "75"]
    assert (walk.stopped, walk.pages, walk.duplicates, walk.credits) == (Stop.END, 4, 3, 4)
    sent = [parse_qs(urlsplit(asked.path).query) for asked in paged.asked]
    assert [query[paged.paging] for query in sent] == [["0"], ["1"], ["2"], ["3"]]
    assert {query["count"][0] for query in sent} == {str(CATALOGUE[slug].page_size_max)}
    assert [(event.endpoint, event.credits) for event in meter.events] == [(slug, 1)] * 4


@pytest.mark.parametrize(
    ("caps", "why", "pages"),
    [
        (Caps(pages=2), Stop.PAGE_CAP, 2),
        (Caps(pages=9, credits=1), Stop.CREDIT_CAP, 1),
        (Caps(pages=9, items=3), Stop.ITEM_CAP, 2),
    ],
)
def test_walk_asks_for_nothing_beyond_its_caps(
    walk_of: Callable[[str, Caps], Walk[Any]], paged: Paged, caps: Caps, why: Stop, pages: int
) -> None:
    walk = walk_of("user-followers", caps)
    assert len(list(walk)) == walk.items
    assert (walk.stopped, len(paged.asked)) == (why, pages)


def test_error_within_a_walk_comes_out_of_it(client: Client, upstream: Upstream, meter: ListMeter) -> None:
    upstream.answer = Answer(b"<html>", status=500)
    walk = client.walk_user_posts(ID, caps=Caps(pages=3))
    with pytest.raises(errors.UpstreamDown):
        next(walk)
    assert (walk.stopped, walk.pages, len(meter.events)) == (None, 0, 1)
