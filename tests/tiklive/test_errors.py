"""Which error an answer stands for, over all statuses and all forms of bodies."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tikdash import errors as root
from tikdash.errors import TikdashError
from tikdash.tiklive import errors
from tikdash.tiklive.errors import TikLiveError, error_for, parse_retry_after

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
KEY = "sk-live-51-Zq8wNfR2vXy7"
BODIES = {
    "none": b"",
    "empty object": b"{}",
    "data": b'{"id":"107955"}',
    "no key": b'{"message":"Please sign up to tikliveapi.com"}',
    "unknown key": b'{"message":"Api-Key is not available"}',
    "not found": b'{"status":"error","message":"Not found post"}',
    "private": b'{"status":"error","message":"This account is private"}',
    "credits": b'{"message":"Not enough credits"}',
    "sibling": b'{"code":-1,"msg":"Url parsing is failed! Please check url.","processed_time":0.1}',
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "list": b"[]",
    "truncated": b'{"videos":[{"id":"1"',
    "bytes": bytes(range(256)),
}


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> TikLiveError | None:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_for("user-posts", status, headers or {}, sent, secret=KEY, now=NOW)


def leaf(body: object, status: int = 200, headers: dict[str, str] | None = None) -> type[TikLiveError] | None:
    error = answer(body, status, headers)
    return None if error is None else type(error)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("hundred", range(1, 6))
def test_every_status_with_every_body_has_a_verdict(hundred: int, body: bytes) -> None:
    for status in range(hundred * 100, hundred * 100 + 100):
        error = answer(body, status)
        if error is None:
            assert 200 <= status < 300
            assert body == BODIES["data"]
            continue
        assert type(error) is not TikLiveError
        assert (error.endpoint, error.http_status) == ("user-posts", status)
        assert len(error.detail) <= 200
        assert error.detail.isprintable()
        assert isinstance(error, errors.BadPayload) == error.billable
        if status >= 500:
            assert isinstance(error, errors.UpstreamDown)
            assert error.retryable


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Please sign up to tikliveapi.com", errors.BadKey),
        ("Api-Key is not available", errors.BadKey),
        ("apikey limit", errors.BadKey),
        ("Unauthorized", errors.BadKey),
        ("Insufficient credits", errors.OutOfCredits),
        ("Your balance is empty", errors.OutOfCredits),
        ("Monthly quota exceeded", errors.OutOfCredits),
        ("Limit reached, nothing not found", errors.OutOfCredits),
        ("Free Api Limit: 10000 request/ 1 day.", errors.OutOfCredits),
        ("Free Api Limit: 1 request/second.", errors.RateLimited),
        ("Rate limit exceeded", errors.RateLimited),
        ("Too many requests", errors.RateLimited),
        ("Not found user", errors.EntityNotFound),
        ("Account is private or not found", errors.EntityNotFound),
        ("This account is private", errors.PrivateEntity),
        ("Internal server error", errors.UpstreamDown),
    ],
)
def test_words_decide_in_the_order_key_credits_gone(message: str, expected: type[TikLiveError]) -> None:
    assert leaf({"message": message}) is expected
    assert leaf({"status": "error", "message": message}) is expected


def test_unknown_words_neither_retire_the_key_nor_are_retried() -> None:
    bare = answer({"message": "Something new"})
    assert type(bare) is errors.BadRequest
    assert not bare.retryable
    assert bare.detail == "Something new"
    assert leaf({"status": "error", "message": "Something new"}) is errors.EntityNotFound
    assert leaf({"status": "error"}) is errors.BadRequest
    assert leaf({"status": "error", "message": None}) is errors.BadRequest


@pytest.mark.parametrize(
    "data",
    [
        {"message": "hello", "id": "1"},
        {"message": None},
        {"message": {"text": "not found"}},
        {"status": 1, "message": "not found"},
        {"status": "ok", "id": "1"},
        {"code": 0, "msg": "success", "data": {"id": "1"}},
        {"videos": [], "hasMore": False, "cursor": "0"},
    ],
)
def test_data_that_looks_a_little_like_an_error_is_data(data: object) -> None:
    assert answer(data) is None


def test_data_with_broken_text_is_data() -> None:
    assert answer(b'{"id":"1","title":"\\ud800 "}') is None
    assert answer(b'\xef\xbb\xbf{"id":"1"}') is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b'{"id":"1"', "truncated"),
        (b'{"id":"1', "truncated"),
        (b"[" * 100_000, "not_json"),
        (b"{}", "empty_object"),
        (b"[]", "wrong_shape"),
        (b"null", "wrong_shape"),
        (b'"text"', "wrong_shape"),
    ],
)
def test_good_status_with_a_body_that_cannot_be_used(body: bytes, reason: str) -> None:
    error = answer(body)
    assert isinstance(error, errors.BadPayload)
    assert error.reason == reason
    assert error.retryable
    assert error.billable
    assert reason in error.summary


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b"", errors.BadRequest),
        (401, b"", errors.BadKey),
        (402, b"", errors.OutOfCredits),
        (403, b"", errors.Forbidden),
        (403, BODIES["credits"], errors.OutOfCredits),
        (403, BODIES["private"], errors.PrivateEntity),
        (404, b"<html>", errors.EntityNotFound),
        (404, BODIES["private"], errors.PrivateEntity),
        (400, BODIES["unknown key"], errors.BadKey),
        (408, b"", errors.UpstreamTimeout),
        (410, b"", errors.EntityNotFound),
        (422, b"", errors.BadRequest),
        (429, b"", errors.RateLimited),
        (429, b'{"message":"Request limit reached"}', errors.RateLimited),
        (429, BODIES["credits"], errors.OutOfCredits),
        (500, BODIES["not found"], errors.UpstreamDown),
        (503, b"", errors.UpstreamDown),
        (304, b"", errors.UpstreamDown),
    ],
)
def test_status_and_words_together(status: int, body: bytes, expected: type[TikLiveError]) -> None:
    assert leaf(body, status) is expected


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_unsafe_and_its_target_is_not_quoted(status: int) -> None:
    error = answer(b"", status, {"location": f"http://evil.test/?k={KEY}"})
    assert type(error) is errors.UnsafeRedirect
    assert not error.retryable
    assert "evil" not in error.detail


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("nan", None),
        ("٣", None),
        ("9" * 400, 86_400.0),
        ("Sat, 21 Nov 2026 08:01:30 GMT", 90.0),
        ("Sat, 21 Nov 2026 10:01:30 +0200", 90.0),
        ("Saturday, 21-Nov-26 08:01:30 GMT", 90.0),
        ("Sat, 21 Nov 2026 07:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2099 07:00:00 GMT", 86_400.0),
        ("Sat, 99 Nov 2026 07:00:00 GMT", None),
        ("Sat, 21 Nov 99999 07:00:00 GMT", None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=40))
def test_retry_after_never_raises(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


def test_retry_after_date_is_counted_from_the_date_of_the_answer() -> None:
    headers = {"date": "Sat, 21 Nov 2026 09:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 09:00:20 GMT"}
    error = answer(b"", 429, headers)
    assert error is not None
    assert error.retry_after == 20.0
    without_date = answer(b"", 503, {"Retry-After": "Sat, 21 Nov 2026 08:00:20 GMT"})
    assert without_date is not None
    assert without_date.retry_after == 20.0


@pytest.mark.parametrize("status", [200, 400, 403, 404, 429, 500])
@pytest.mark.parametrize("lead", ["", "x" * 190, " " * 4090])
def test_echoed_key_is_taken_out_of_the_detail(status: int, lead: str) -> None:
    for body in (
        f"{lead} {KEY} <html>".encode(),
        json.dumps({"message": f"{lead} bad {KEY}"}).encode(),
        f'{{"status":"error","message":"{lead}bad \\u0073{KEY[1:]}"}}'.encode(),
        f"bad sk-live\x00{KEY[7:]}".encode(),
    ):
        error = answer(body, status)
        assert error is not None
        shown = repr(error) + str(error) + error.summary + repr(error.data) + repr(vars(error))
        assert KEY not in shown
        assert KEY[:10] not in shown


@given(st.binary(max_size=200), st.integers(100, 599))
def test_any_bytes_have_a_verdict(body: bytes, status: int) -> None:
    error = answer(body, status)
    assert error is None or (len(error.detail) <= 200 and error.detail.isprintable())


def leaves(kind: type[TikdashError]) -> list[type[TikdashError]]:
    return [below for child in kind.__subclasses__() for below in (child, *leaves(child))]


def test_codes_tell_errors_apart_and_sentences_are_for_people() -> None:
    kinds: list[type[TikdashError]] = [root.TikdashError, *leaves(root.TikdashError)]
    ours = [kind for kind in kinds if kind.__module__ in ("tikdash.errors", "tikdash.tiklive.errors")]
    assert len({kind.code for kind in ours}) == len(ours) >= 17
    for kind in ours:
        assert str(kind()).endswith(".")
        assert 400 <= kind.status < 600


def test_root_errors_carry_sentence_and_data() -> None:
    error = root.LimitReached("Your plan holds 5 accounts.", limit=5)
    assert (str(error), error.code, error.status, error.data) == (
        "Your plan holds 5 accounts.",
        "limit_reached",
        409,
        {"limit": 5},
    )


def test_errors_survive_copying_and_pickling() -> None:
    limited = errors.RateLimited("slow down", endpoint="userid", http_status=429, retry_after=2.5)
    for error in (limited, errors.BadPayload("x", reason="truncated"), errors.ConnectionFailed(reached=True)):
        for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
            assert type(twin) is type(error)
            assert vars(twin) == vars(error)
            assert str(twin) == str(error)
