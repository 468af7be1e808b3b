"""What an answer says, by status and body: a page read in one pass is the page that two careful passes give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiklive.bodies import BODIES, JSON_VALUES, PAGE, ROW, encoded, places_in, with_value_at
from tikdash.tiklive.endpoints import CATALOGUE, USER_POSTS
from tikdash.tiklive.errors import BadKey, EntityNotFound, TikLiveError, UpstreamDown, error_for
from tikdash.tiklive.shapes import plain_post_page
from tikdash.tiklive.transport import Response

WORDS_OF_ERRORS = st.fixed_dictionaries(
    {},
    optional={
        "message": st.sampled_from(["Not found user", "Api-Key is not available", "", None, 5]),
        "status": st.sampled_from(["error", "Error", "ok", 200, None]),
        "code": st.sampled_from([-1, 0, 1, "1", None, True]),
        "msg": st.sampled_from(["Url parsing is failed!", "success", "", None]),
        "data": JSON_VALUES,
    },
)


def in_two_passes(slug: str, status: int, body: bytes) -> Any:
    error = error_for(slug, status, {}, body)
    if error is not None:
        return said_by(error)
    try:
        return CATALOGUE[slug].decode(body)
    except TikLiveError as refused:
        return said_by(refused)


def answered(slug: str, status: int, body: bytes) -> Any:
    try:
        return CATALOGUE[slug].value(Response(status, {}, body, 0))
    except TikLiveError as error:
        return said_by(error)


def said_by(error: TikLiveError) -> Any:
    return type(error), vars(error)


@pytest.mark.parametrize("slug", CATALOGUE)
def test_a_plain_answer_is_its_value_and_the_same_body_with_another_status_is_an_error(slug: str) -> None:
    body = encoded(BODIES[slug])
    assert CATALOGUE[slug].value(Response(200, {}, body, 0)) == CATALOGUE[slug].decode(body)
    with pytest.raises(UpstreamDown):
        CATALOGUE[slug].value(Response(503, {}, body, 0))


def test_an_error_that_brings_a_page_along_is_an_error() -> None:
    for body, expected in (
        ({**PAGE, "status": "error", "message": "Not found user"}, EntityNotFound),
        ({**PAGE, "code": -1, "msg": "Api-Key is not available"}, BadKey),
    ):
        with pytest.raises(expected):
            USER_POSTS.value(Response(200, {}, encoded(body), 0))


def test_a_page_with_a_good_status_of_its_own_is_a_page() -> None:
    for more in ({"status": "ok"}, {"code": 0, "msg": "success"}, {"message": ""}):
        assert USER_POSTS.value(Response(200, {}, encoded({**PAGE, **more}), 0)) == USER_POSTS.decode(encoded(PAGE))


def test_the_single_pass_takes_plain_pages_and_leaves_the_rest_to_the_careful_way() -> None:
    assert plain_post_page(encoded(PAGE)) == USER_POSTS.decode(encoded(PAGE))
    assert plain_post_page(encoded({**PAGE, "videos": []})) == USER_POSTS.decode(encoded({**PAGE, "videos": []}))
    doubtful = ({**PAGE, "status": "ok"}, {**PAGE, "videos": [{}]}, {**PAGE, "videos": [ROW, None]}, {}, [], None)
    assert [plain_post_page(encoded(body)) for body in doubtful] == [None] * len(doubtful)
    assert plain_post_page(encoded(PAGE).replace(b"Sourdough", b"Sour\\u0000dough")) is None
    assert plain_post_page(b"") is None


@pytest.mark.parametrize(
    ("odd", "resolved"),
    [
        ("7201234567890123457", "7201234567890123457"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "5"),
        ("7v01234567890123456", "5"),
        ("7٢01234567890123456", "5"),
        ("7²01234567890123456", "5"),
        ("72", "72"),
        ("", "5"),
        (None, "5"),
        (7201234567890123457, "7201234567890123457"),
    ],
)
def test_one_odd_id_among_many_is_seen(odd: object, resolved: str) -> None:
    page = plain_post_page(encoded({**PAGE, "videos": [ROW, {**ROW, "video_id": odd, "id": "5"}, ROW]}))
    assert page is not None
    assert [post.id for post in page.videos] == [ROW["video_id"], resolved, ROW["video_id"]]


@settings(max_examples=300)
@given(data=st.data(), words=WORDS_OF_ERRORS, status=st.sampled_from([200, 200, 200, 204, 404, 500]))
def test_any_value_and_any_words_give_the_same_in_one_pass_and_in_two(
    data: st.DataObject, words: dict[str, Any], status: int
) -> None:
    page = {**PAGE, "videos": [ROW, {**ROW, "video_id": "72"}], **words}
    body = encoded(with_value_at(page, data.draw(st.sampled_from(places_in(page))), data.draw(JSON_VALUES)))
    assert answered("user-posts", status, body) == in_two_passes("user-posts", status, body)


@settings(max_examples=300)
@given(data=st.data(), words=WORDS_OF_ERRORS)
def test_any_bytes_give_the_same_in_one_pass_and_in_two(data: st.DataObject, words: dict[str, Any]) -> None:
    body = encoded({**PAGE, "videos": [ROW, ROW], **words})
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    body = body[:start] + data.draw(st.binary(max_size=8)) + body[end:]
    assert answered("user-posts", 200, body) == in_two_passes("user-posts", 200, body)
