"""Error reports to Sentry, where SENTRY_DSN is set: what went wrong and where, never a secret or a person's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from tikdash.redaction import redacted_value

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport

#: Names under which requests carry what opens a door, as headers are written and as WSGI writes them. Query strings,
#: because the ticket from the public host to a workspace is one.
_DROPPED = frozenset(
    {"x-api-key", "authorization", "proxy-authorization", "cookie", "cookies", "set-cookie", "query-string"}
)
_TAGS = ("tenant", "request_id")


def configure(dsn: str, environment: str, release: str, transport: Transport | None = None) -> None:
    """Has errors reported from now on; without a `dsn` nothing is imported, patched or sent.

    `transport` takes the envelopes instead of the network.
    """
    if not dsn:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        environment=environment or None,
        release=release or None,
        transport=transport,
        # Nothing about persons: that is so unless `send_default_pii` (deprecated) or Spotlight, a tool for developers,
        # say otherwise.
        spotlight=False,
        include_local_variables=False,
        # No headers of Sentry's in requests to others: the upstream is not to learn our releases.
        trace_propagation_targets=[],
        max_request_body_size="never",
        # Texts are cut before they come to us, and half a key cannot be recognised.
        max_value_length=None,
        before_send=_event,
        before_send_transaction=_clean_event,
        before_breadcrumb=_breadcrumb,
    )


def _event(event: Any, hint: dict[str, Any]) -> Any:
    """An event as it is sent: named by what was logged, with tenant and request, without secrets."""
    bound = structlog.contextvars.get_contextvars()
    tags = event.get("tags") or {}
    event["tags"] = tags | {name: bound[name] for name in _TAGS if name in bound}
    logged = _logged(hint)
    if logged is not None:
        # By its name alone: with time and ids in it no two events would be the same issue.
        event["logentry"] = {"message": str(logged.pop("event", "")), "params": []}
        event["extra"] = {name: str(value) for name, value in logged.items()}
    return _clean(event)


def _clean_event(event: Any, hint: dict[str, Any]) -> Any:
    return _clean(event)


def _breadcrumb(crumb: Any, hint: dict[str, Any]) -> Any:
    logged = _logged(hint)
    if logged is not None:
        crumb = crumb | {"message": str(logged.pop("event", "")), "data": {n: str(v) for n, v in logged.items()}}
    return _clean(crumb)


def _logged(hint: dict[str, Any]) -> dict[str, Any] | None:
    """The facts of a line of structlog, without what the report has in places of its own."""
    message = getattr(hint.get("log_record"), "msg", None)
    if not isinstance(message, dict):
        return None
    elsewhere = {"exc_info", "exception", "level", "logger", "timestamp"}
    return {name: value for name, value in message.items() if name not in elsewhere}


def _clean(value: Any) -> Any:
    return redacted_value(_without_headers(value))


def _without_headers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_headers(item) for name, item in value.items() if not _is_dropped(name)}
    if isinstance(value, list):
        return [_without_headers(item) for item in value]
    return value


def _is_dropped(name: object) -> bool:
    return isinstance(name, str) and name.lower().replace("_", "-").removeprefix("http-") in _DROPPED
