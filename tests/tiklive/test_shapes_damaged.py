"""Every decoder before damaged bodies: a valid value or BadPayload with a reason, and never an invented number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from tests.tiklive.bodies import BODIES, JSON_VALUES, encoded, places_in, with_value_at, without_value_at
from tikdash.tiklive.endpoints import CATALOGUE
from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes import DownloadLinks, PostDetail, UserInfo, clean_text

SLUGS = sorted(CATALOGUE)
REASONS = {"not_json", "wrong_shape", "no_user_id", "no_stats", "no_usable_rows", "no_usable_fields", "no_id"}
ROWS = {"videos", "comments", "users"}


def decoded(slug: str, body: bytes) -> object:
    """What the endpoint's decoder makes of `body`; None for BadPayload with a known reason."""
    try:
        return CATALOGUE[slug].decode(body)
    except BadPayload as error:
        reason = error.reason
    assert reason in REASONS
    return None


def parts_of(value: object) -> Iterator[object]:
    yield value
    inner: list[object] = []
    if isinstance(value, Struct):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    elif isinstance(value, dict):
        inner = [*value, *value.values()]
    elif isinstance(value, tuple):
        inner = list(value)
    for part in inner:
        yield from parts_of(part)


def assert_valid(value: object) -> None:
    for part in parts_of(value):
        assert part is None or isinstance(part, Struct | str | int | tuple | dict), part
        if isinstance(part, str):
            assert part == clean_text(part)
            part.encode()
        if isinstance(part, int):
            assert -(2**63) <= part < 2**63
    for rows in ROWS.intersection(getattr(value, "__struct_fields__", ())):
        assert all(isinstance(row.id, str) and row.id for row in getattr(value, rows))
    if isinstance(value, PostDetail):
        assert value.id or value.play_count is not None
    elif isinstance(value, DownloadLinks):
        assert value.video or value.video_hd
    elif isinstance(value, UserInfo):
        assert value.user.id
    elif hasattr(value, "id"):
        assert value.id.isdigit()


def test_every_endpoint_has_a_body_here() -> None:
    assert sorted(BODIES) == SLUGS
    for slug in SLUGS:
        assert_valid(CATALOGUE[slug].decode(encoded(BODIES[slug])))


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_missing_or_null_never_becomes_a_zero(slug: str) -> None:
    zeros = sum(1 for part in parts_of(decoded(slug, encoded(BODIES[slug]))) if type(part) is int and part == 0)
    for path in places_in(BODIES[slug])[1:]:
        for damaged in (without_value_at(BODIES[slug], path), with_value_at(BODIES[slug], path, None)):
            value = decoded(slug, encoded(damaged))
            assert_valid(value)
            assert sum(1 for part in parts_of(value) if type(part) is int and part == 0) <= zeros, path


@pytest.mark.parametrize("slug", SLUGS)
@settings(max_examples=120)
@given(data=st.data())
def test_any_value_anywhere(slug: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places_in(BODIES[slug])))
    value = decoded(slug, encoded(with_value_at(BODIES[slug], place, data.draw(JSON_VALUES))))
    assert_valid(value)


@pytest.mark.parametrize("slug", SLUGS)
@settings(max_examples=80)
@given(data=st.data())
def test_any_bytes_anywhere(slug: str, data: st.DataObject) -> None:
    body = encoded(BODIES[slug])
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    value = decoded(slug, body[:start] + data.draw(st.binary(max_size=8)) + body[end:])
    assert_valid(value)


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_no_object_at_all(slug: str) -> None:
    for body in (b"", b"<html>", b"null", b"[]", b'"text"', b"5", b"{", b"[" * 100_000, b'{"a":' * 5_000, b"{} x"):
        assert decoded(slug, body) is None


@pytest.mark.parametrize("slug", SLUGS)
def test_unknown_fields_change_nothing(slug: str) -> None:
    body = BODIES[slug]
    if slug not in ("playlist-info", "collection-info"):
        assert decoded(slug, encoded({**body, "new_field": {"deep": [1.5]}})) == decoded(slug, encoded(body))
