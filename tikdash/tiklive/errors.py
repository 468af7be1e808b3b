"""What can go wrong with the upstream, by status and by body: some errors come as HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import msgspec

from tikdash.errors import TikdashError
from tikdash.tiklive.text import clean_text, loads_tolerant
from tikdash.words import N_

_EXCERPT_CHARACTERS = 200
_LOOKED_AT = 4_096
_LONGEST_RETRY_AFTER_S = 86_400.0


class TikLiveError(TikdashError):
    """An attempt that gave no usable answer.

    `retryable`: the same request may succeed a little later. `billable`: the upstream has probably charged
    for it. `reached`: the request got as far as the upstream, so it counts as usage. `retry_after` is in
    seconds. `detail` is for operators and logs, at most 200 characters, never with the key in it; `str()`
    is for people.
    """

    code: ClassVar[str] = "tiklive_error"
    status: ClassVar[int] = 502
    message = N_("TikTok data could not be fetched.")
    retryable: bool = False
    billable: bool = False
    reached: bool = True

    def __init__(
        self,
        detail: str = "",
        *,
        endpoint: str = "",
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__()
        self.detail = excerpt(detail)
        self.endpoint = endpoint
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def data(self) -> dict[str, Any]:
        """Endpoint, status, request id and waiting time; without the detail, which is not for customers."""
        return {
            "endpoint": self.endpoint,
            "http_status": self.http_status,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
        }

    @property
    def summary(self) -> str:
        """One line for logs and for a job's last error."""
        where = " ".join(str(part) for part in (self.endpoint, self.http_status) if part)
        return ": ".join(part for part in (self.code, where, self.detail) if part)


class BadKey(TikLiveError):
    """The upstream does not know the API key, or none was sent."""

    code = "bad_key"
    message = N_("TikLiveAPI does not accept the API key.")


class Forbidden(TikLiveError):
    """The key is known but may not ask for this."""

    code = "forbidden"
    message = N_("TikLiveAPI does not allow this request with the API key in use.")


class OutOfCredits(TikLiveError):
    """The key's credits are used up."""

    code = "out_of_credits"
    status = 503
    message = N_("The TikLiveAPI credits of this key are used up.")


class EntityNotFound(TikLiveError):
    """The account, post, hashtag or sound does not exist, or no longer."""

    code = "entity_not_found"
    status = 404
    message = N_("TikTok does not know this account or post. It may have been renamed or deleted.")


class PrivateEntity(TikLiveError):
    """It exists, but its owner has made it private."""

    code = "entity_private"
    status = 403
    message = N_("This TikTok account or post is private.")


class BadRequest(TikLiveError):
    """The upstream refuses the request as it is."""

    code = "bad_request"
    message = N_("TikLiveAPI refused the request.")


class RateLimited(TikLiveError):
    """Too many requests with this key."""

    code = "rate_limited"
    status = 503
    message = N_("TikLiveAPI asks us to slow down. We will try again shortly.")
    retryable = True


class UpstreamDown(TikLiveError):
    """The upstream has trouble of its own."""

    code = "upstream_down"
    status = 503
    message = N_("TikLiveAPI has a problem at the moment. We will try again shortly.")
    retryable = True


class UpstreamTimeout(TikLiveError):
    """The request was sent and no whole answer came in time."""

    code = "upstream_timeout"
    status = 504
    message = N_("TikLiveAPI took too long to answer. We will try again shortly.")
    retryable = True


class ConnectionFailed(TikLiveError):
    """No answer began: refused, unknown host, TLS, cut off. `reached` says if the request was sent."""

    code = "connection_failed"
    status = 503
    message = N_("TikLiveAPI cannot be reached at the moment. We will try again shortly.")
    retryable = True
    reached = False

    def __init__(self, detail: str = "", *, reached: bool = False, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.reached = reached


class BadPayload(TikLiveError):
    """An answer with a good status that cannot be used; `reason` says why, in a word.

    Reasons: not_json, truncated, too_large, empty_object, wrong_shape, no_user_id, no_stats, no_usable_rows,
    no_usable_fields, no_id. Counted as billable, because the upstream answered 200 and charges for that; too much is
    safer here than too little.
    """

    code = "bad_payload"
    message = N_("TikLiveAPI sent an answer that cannot be used.")
    retryable = True
    billable = True

    def __init__(self, detail: str = "", *, reason: str = "wrong_shape", **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.reason = reason
        self.retryable = reason != "too_large"

    @property
    def summary(self) -> str:
        """One line for logs, with the reason."""
        return f"{super().summary} ({self.reason})"


class UnsafeRedirect(TikLiveError):
    """The upstream points elsewhere; the key must not follow it there."""

    code = "unsafe_redirect"
    message = N_("TikLiveAPI answered with a redirect, which is not followed.")


class NotAdmitted(TikLiveError):
    """Nothing was sent: the call has to wait `retry_after` seconds. No failure of the call or of its job."""

    code = "not_admitted"
    status = 503
    message = N_("It is not this request's turn yet. We will try again shortly.")
    retryable = True
    reached = False


class TooBusy(NotAdmitted):
    """The key's requests of this minute, the tenant's share of them, or the places in flight are in use.

    `reason` says which, in the words of `tikdash.tiklive.admission.Reason`.
    """

    code = "too_busy"
    message = N_("Many requests are waiting for TikLiveAPI. This one will be made as soon as it is its turn.")

    def __init__(self, detail: str = "", *, reason: str = "", **facts: Any) -> None:
        super().__init__(detail or reason, **facts)
        self.reason = reason


class BreakerOpen(NotAdmitted):
    """Too many requests in a row have failed; one is let through now and then to see whether that is over."""

    code = "breaker_open"
    message = N_("TikLiveAPI does not answer as it should at the moment. We look again every minute.")


class LimiterGone(NotAdmitted):
    """Redis, which counts requests, does not answer, and without it background work must not go on."""

    code = "limiter_gone"
    message = N_("The request cannot be counted at the moment. We will try again shortly.")


class FlightLost(NotAdmitted):
    """Somebody else was fetching the same thing, and neither an answer nor an error came of it in time."""

    code = "flight_lost"
    message = N_("Somebody else has asked for the same, and the answer is late. We will try again shortly.")


class BudgetReached(NotAdmitted):
    """The budget does not allow this call now; the sentence is for the customer and says why and until when."""

    code = "budget_reached"
    status = 402
    message = N_("The credits of this workspace for today are used up.")

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(**facts)
        if message:
            self.message = message


# The order is that of client C3 in upstream-api.md §2 (key, credits, gone). Two rules of our own stand
# around it: words on the pace are no matter of credits although they say "limit", and trouble must not look
# like a deleted post.
_KEY_WORDS = re.compile(r"api.?key|sign up|unauthor", re.IGNORECASE)
_PACE_WORDS = re.compile(r"too many requests|rate.?limit|\bper (?:second|minute)|/ ?(?:second|minute)", re.IGNORECASE)
_CREDIT_WORDS = re.compile(r"credit|balance|quota|limit", re.IGNORECASE)
_ABSENT_WORDS = re.compile(r"not found|is failed|no longer|not exist|deleted", re.IGNORECASE)
_GONE_WORDS = re.compile(_ABSENT_WORDS.pattern + "|private", re.IGNORECASE)
_TROUBLE_WORDS = re.compile(r"internal|server error|unavailable|temporar|time.?out|try again|busy", re.IGNORECASE)
_MONEY_WORDS = re.compile(r"credit|balance|top.?up", re.IGNORECASE)


def error_for(
    endpoint: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret: str = "",
    now: datetime | None = None,
) -> TikLiveError | None:
    """The error that an answer stands for, or None when it is data.

    `secret` is taken out of whatever is quoted. `now` (aware) is what a `Retry-After` date is counted from
    when the answer has no `Date` of its own; the present by default. Nothing is raised.
    """
    if 200 <= status < 300:
        error = _error_in_good_status(body, secret)
    else:
        error = _error_of_status(status, headers, body, secret)
    if error is None:
        return None
    error.endpoint, error.http_status = endpoint, status
    if isinstance(error, RateLimited | UpstreamDown):
        clock = http_date(header(headers, "Date")) or now or datetime.now(UTC)
        error.retry_after = parse_retry_after(header(headers, "Retry-After"), clock)
    return error


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a `Retry-After` in seconds or as an HTTP date; None when absent or unreadable.

    A date in the past is 0; more than a day counts as a day. `now` is aware.
    """
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), _LONGEST_RETRY_AFTER_S)
    moment = http_date(value)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER_S)


def http_date(value: str | None) -> datetime | None:
    """An HTTP date as an aware datetime, or None when absent or unreadable."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header's value whatever the case of its name, or None."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def excerpt(text: str, secret: str = "") -> str:
    """`text` on one line of printable characters, without `secret`, at most 200 characters."""
    line = " ".join(clean_text(_without(text, secret)).split())
    line = "".join(filter(str.isprintable, line[:_LOOKED_AT]))
    line = _without(line, secret)
    return line if len(line) <= _EXCERPT_CHARACTERS else line[: _EXCERPT_CHARACTERS - 1] + "…"


def without_secret(body: bytes, secret: str) -> bytes:
    """`body` with a placeholder for `secret`: an upstream may echo what it was sent."""
    return body.replace(secret.encode("utf-8", "replace"), b"[key]") if secret else body


def _error_in_good_status(body: bytes, secret: str) -> TikLiveError | None:
    try:
        envelope = _envelope(body)
    except ValueError as error:
        reason = "truncated" if body.lstrip()[:1] in (b"{", b"[") and "truncated" in str(error) else "not_json"
        return BadPayload(_body_excerpt(body, secret), reason=reason)
    if envelope is None:
        return BadPayload(_body_excerpt(body, secret), reason="wrong_shape")
    if not envelope:
        return BadPayload("{}", reason="empty_object")
    message = _message_in_place_of_data(envelope)
    return None if message is None else _error_of_message(message, envelope, secret)


def _error_of_status(status: int, headers: Mapping[str, str], body: bytes, secret: str) -> TikLiveError:
    message = _message_of_body(body)
    detail = excerpt(message, secret) if message else _body_excerpt(body, secret)
    if 300 <= status < 400 and header(headers, "Location") is not None:
        return UnsafeRedirect("redirect not followed")
    if status < 400 or status >= 500:
        return UpstreamDown(detail)
    if status == 429:
        return OutOfCredits(detail) if _MONEY_WORDS.search(message) else RateLimited(detail)
    if status == 408:
        return UpstreamTimeout(detail)
    if status == 401:
        return BadKey(detail)
    if status == 402:
        return OutOfCredits(detail)
    by_words = _class_for_words(message)
    if by_words is not None:
        return by_words(detail)
    if status in (404, 410):
        return EntityNotFound(detail)
    return Forbidden(detail) if status == 403 else BadRequest(detail)


def _message_in_place_of_data(envelope: dict[str, Any]) -> str | None:
    """The message of an answer that is an error in spite of its status (E1 to E3, the sibling's)."""
    message = envelope.get("message")
    if len(envelope) == 1 and isinstance(message, str):
        return message
    status = envelope.get("status")
    if isinstance(status, str) and status.lower() == "error":
        return message if isinstance(message, str) else ""
    code, text = envelope.get("code"), envelope.get("msg")
    if isinstance(code, int) and code != 0 and isinstance(text, str) and not envelope.get("data"):
        return text
    return None


def _error_of_message(message: str, envelope: dict[str, Any], secret: str) -> TikLiveError:
    detail = excerpt(message, secret)
    by_words = _class_for_words(message)
    if by_words is not None:
        return by_words(detail)
    # A bare message is about the key, one with a status or code is about the entity. Unknown words must
    # neither retire a key nor be retried, and no words must not look like a deleted account.
    return EntityNotFound(detail) if message and len(envelope) > 1 else BadRequest(detail)


def _class_for_words(message: str) -> type[TikLiveError] | None:
    if _KEY_WORDS.search(message):
        return BadKey
    if _PACE_WORDS.search(message):
        return RateLimited
    if _CREDIT_WORDS.search(message):
        return OutOfCredits
    if _GONE_WORDS.search(message):
        return EntityNotFound if _ABSENT_WORDS.search(message) else PrivateEntity
    return UpstreamDown if _TROUBLE_WORDS.search(message) else None


def _message_of_body(body: bytes) -> str:
    """The message of an error body, or an empty text."""
    try:
        envelope = _envelope(body)
    except ValueError:
        return ""
    texts = (envelope.get(name) for name in ("message", "msg", "error", "detail")) if envelope else ()
    return next((text for text in texts if isinstance(text, str)), "")


_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENVELOPE_FIELDS = ("message", "status", "code", "msg", "data", "error", "detail")


def _envelope(body: bytes) -> dict[str, Any] | None:
    """The top level of a JSON object, None for JSON of another kind; ValueError when it is not JSON.

    Only the fields that tell errors from data are decoded: a page of posts passes through here on its way.
    """
    try:
        raw = _ENVELOPE.decode(body)
        return {name: msgspec.json.decode(raw[name]) if name in _ENVELOPE_FIELDS else ... for name in raw}
    except (ValueError, RecursionError) as strict:
        try:
            value = loads_tolerant(body)
        except ValueError:
            raise ValueError(str(strict)) from None
        return value if isinstance(value, dict) else None


def _body_excerpt(body: bytes, secret: str) -> str:
    return excerpt(without_secret(body, secret)[:_LOOKED_AT].decode("utf-8", "replace"), secret)


def _without(text: str, secret: str) -> str:
    return text.replace(secret, "[key]") if secret else text
