"""Writing the audit log: who did what, before and after, never a secret.

Who acts is known to the thread (`acting`): a request's middleware, a task's signal and a command say so once, and
services need not be told. An entry is written in the transaction of what it tells of, so that neither is without the
other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog

from accounts.audit_events import EVENTS
from accounts.models import AuditEntry
from tikdash import clock
from tikdash.db.backend.base import OPS_ROLE
from tikdash.db.partitions import drop_months, first_of_month, make_ahead
from tikdash.db.scope import all_tenants, current_scope, owner
from tikdash.redaction import PLACEHOLDER, redacted
from tikdash.tiklive.ports import uuid7
from tikdash.tiklive.text import clean_text

#: Names of facts that are never written down, whatever their value is.
SECRET_NAMES = re.compile(r"secret|password|passwd|token$|api_?key|authorization|cookie|otp|recovery", re.IGNORECASE)
#: What a secret of ours looks like where nobody has told `redaction` of it: tokens, and what Fernet made.
SECRET_LOOKS = re.compile(r"tkd_[a-z0-9]{12}_[A-Za-z0-9]{8,}|gAAAA[A-Za-z0-9_=-]{40,}")
LONGEST_TEXT, MOST_ITEMS = 400, 50
#: So many targets are named; of more, how many.
MOST_NAMED = 5


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, a token, staff (perhaps as somebody else), a task, a command, or nobody in particular."""

    kind: str
    id: int | None = None
    label: str = ""
    as_user_id: int | None = None
    as_user_label: str = ""


@dataclass(frozen=True)
class Target:
    """To what something was done."""

    kind: str
    id: str | int = ""
    label: str = ""


NOBODY = Actor(AuditEntry.ActorKind.SYSTEM)
_actor: ContextVar[Callable[[], Actor] | None] = ContextVar("audit_actor", default=None)


def set_actor(actor: Actor | Callable[[], Actor]) -> Token[Callable[[], Actor] | None]:
    """From now on this thread acts as `actor`, or as whoever the function names once somebody asks."""
    return _actor.set(actor if callable(actor) else lambda: actor)


def forget_actor(token: Token[Callable[[], Actor] | None] | None = None) -> None:
    """Takes `set_actor` back; without its token nobody acts."""
    if token is None:
        _actor.set(None)
    else:
        _actor.reset(token)


@contextmanager
def acting(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """What the block does, `actor` has done."""
    token = set_actor(actor)
    try:
        yield
    finally:
        forget_actor(token)


def current_actor() -> Actor:
    """Who acts in this thread."""
    found = _actor.get()
    return found() if found else NOBODY


def record(
    event: str,
    *,
    target: Target | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    tenant_id: int | None = None,
) -> None:
    """Writes one entry, of the tenant `tenant_id` or of the present scope; without either it is for operators only.

    ValueError for an event that is not registered, and for one without a tenant that is not for operators only.
    """
    known = EVENTS.get(event)
    if known is None:
        raise ValueError(f"“{event}” is not in accounts.audit_events")
    scope = current_scope()
    tenant_id = None if known.ops_only else tenant_id or scope.tenant_id
    if tenant_id is None and not known.ops_only:
        raise ValueError(f"“{event}” needs a tenant")
    actor, target = current_actor(), target or Target("")
    is_visible = scope.role == OPS_ROLE or (scope.tenant_id is not None and scope.tenant_id == tenant_id)
    with nullcontext() if is_visible else all_tenants():
        AuditEntry.objects.create(
            id=uuid7(),
            tenant_id=tenant_id,
            occurred_at=clock.now(),
            event=event,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=_text(actor.label, 254),
            as_user_id=actor.as_user_id,
            as_user_label=_text(actor.as_user_label, 254),
            target_kind=target.kind,
            target_id=_text(str(target.id), 64),
            target_label=_text(target.label, 200),
            before=None if before is None else without_secrets(before),
            after=None if after is None else without_secrets(after),
            reason=_text(reason, 400),
            request_id=_text(str(structlog.contextvars.get_contextvars().get("request_id", "")), 40),
        )


def named(labels: Sequence[str]) -> str:
    """The first few of many targets, and how many more there are."""
    rest = len(labels) - MOST_NAMED
    return ", ".join(labels[:MOST_NAMED]) + (f" +{rest}" if rest > 0 else "")


def without_secrets(value: Any, name: str = "") -> Any:
    """A copy that JSON can hold, bounded in size, with `[key]` in place of whatever is or looks like a secret."""
    if name and SECRET_NAMES.search(name):
        return None if value is None else PLACEHOLDER
    if isinstance(value, Mapping):
        return {_text(str(key), 60): without_secrets(item, str(key)) for key, item in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(item) for item in list(value)[:MOST_ITEMS]]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return _text(str(value), LONGEST_TEXT)


def _text(text: str, longest: int) -> str:
    # `str`: a `Secret` of the client shows a placeholder.
    text = clean_text(SECRET_LOOKS.sub(PLACEHOLDER, redacted(str(text))))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def make_partitions(months_ahead: int) -> list[str]:
    """Makes the log's partitions of this and the next months; returns the names of the new ones."""
    with owner():
        return make_ahead("audit_log", months_ahead)


def drop_old_partitions(months_kept: int) -> list[str]:
    """Drops the log's months that lie wholly before the last `months_kept`; returns their names."""
    with owner():
        return drop_months("audit_log", first_of_month(clock.today(), -months_kept))
