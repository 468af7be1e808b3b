"""Exports: asked for, called off, fetched through a link that ends. A worker makes them (`export_making`)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import IntegrityError, transaction
from django.db.models import Q
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.export_list import of_token
from accounts.models import Export
from accounts.roles import refuse_unless
from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from accounts.services.export_files import drop_files_of, private_files
from accounts.services.export_kinds import ExportKind, export_kind
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import LimitReached, NotFound, TikdashError
from tikdash.plans import plan_service
from tikdash.words import N_, gettext

log = structlog.get_logger(__name__)

TASK = "accounts.make_export"
State = Export.State
OPEN = (State.WAITING, State.RUNNING)
_links = TimestampSigner(salt="accounts.exports")
_links_of_tokens = TimestampSigner(salt="accounts.exports.tokens")
#: So many files a token may have at a time.
MOST_OF_A_TOKEN = 10


class LinkOver(TikdashError):
    """The link was good; it has ended."""

    code = "link_over"
    status = 410
    message = N_("This link has ended. Open the list of exports for a fresh one.")


class TokenLinkOver(LinkOver):
    message = "This link has ended. Get the export again: its download_url is a fresh one."


@dataclass(frozen=True)
class Asker:
    """Who asks for an export: a person (with the role), a token (as a member, with its name), an operator (no role)."""

    label: str
    role: str = ""
    user_id: int | None = None
    token_id: int | None = None


@dataclass(frozen=True)
class Opened:
    """The file of an export, to be given out and closed by whoever opened it."""

    file: IO[bytes]
    name: str
    size: int


def ask_for_export(
    *,
    tenant: TenantRef | None,
    kind: str,
    asker: Asker,
    subject: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> UUID:
    """Keeps the wish and wakes a worker; returns the export's id.

    Raises NotFound for an unknown kind, NotAllowed, NotInPlan, BadInput for parameters that cannot be, and LimitReached
    while one of the kind is being made, or a token has too many.
    """
    known = export_kind(kind)
    if known.of_operators is not (tenant is None):
        raise NotFound(gettext("There is no such export."))
    _refuse_unless_allowed(tenant, known, asker.role)
    kept = known.checked(parameters or {})
    try:
        with _scope(tenant), transaction.atomic():
            _refuse_too_many(asker)
            whose: dict[str, Any] = {} if tenant else {"tenant": None}
            row = Export.objects.create(
                kind=kind, subject=subject, parameters=kept, asked_by_id=asker.user_id, asked_label=asker.label[:254],
                token_id=asker.token_id, created_at=clock.now(), **whose,
            )  # fmt: skip
            if tenant is not None:
                record("workspace.export_asked", target=_target(row), after={"kind": kind} | kept)
            transaction.on_commit(partial(wake_worker, row.pk))
    except IntegrityError:
        raise LimitReached(gettext("This export is being made already. It is in the list.")) from None
    return row.pk


def cancel_export(*, tenant: TenantRef | None, export_id: UUID) -> None:
    """It is made no further; whoever makes it notices within a second. Raises NotFound for one that is not open."""
    with _scope(tenant), transaction.atomic():
        row = _locked(export_id, Q(state__in=OPEN))
        row.state, row.finished_at, row.lease_until = State.CANCELLED, clock.now(), None
        row.save(update_fields=["state", "finished_at", "lease_until"])
        if tenant is not None:
            record("workspace.export_cancelled", target=_target(row), after={"kind": row.kind})


def retry_export(*, tenant: TenantRef | None, export_id: UUID, asker: Asker) -> UUID:
    """Asks for the same once more, after one that failed, was called off or is gone. Raises as `ask_for_export`."""
    with _scope(tenant):
        over = Q(state__in=[State.FAILED, State.CANCELLED, State.EXPIRED])
        over |= Q(state=State.READY, expires_at__lte=clock.now())
        row = Export.objects.filter(over, pk=export_id).first()
    if row is None:
        raise _unknown()
    return ask_for_export(tenant=tenant, kind=row.kind, asker=asker, subject=row.subject, parameters=row.parameters)


def delete_export(*, tenant: TenantRef | None, export_id: UUID) -> None:
    """Its file goes before its time. Raises NotFound for one that is not ready."""
    with _scope(tenant), transaction.atomic():
        row = _locked(export_id, Q(state=State.READY))
        row.state = State.EXPIRED
        row.save(update_fields=["state"])
        if tenant is not None:
            record("workspace.export_deleted", target=_target(row), after={"kind": row.kind})
    drop_files_of([export_id])


def wake_worker(export_id: UUID) -> None:
    """Where the message gets lost, the timetable's round finds the row."""
    try:
        current_app.send_task(TASK, args=[str(export_id)])
    except (BrokerError, RedisError, OSError) as error:
        log.warning("message_not_sent", task=TASK, why=type(error).__name__)


def link_key(export_id: UUID, user_id: int) -> str:
    """What a link to the file carries: good for `EXPORT_LINK_S`, for this export and this person."""
    return _links.sign_object([str(export_id), user_id])


def refuse_unless_link(key: str, export_id: UUID, user_id: int) -> None:
    """Raises NotFound for a link that is not ours, or another's, and LinkOver for one that has ended."""
    try:
        whose = _links.unsign_object(key, max_age=settings.EXPORT_LINK_S)
    except SignatureExpired:
        raise LinkOver from None
    except (BadSignature, ValueError):
        raise _unknown() from None
    if whose != [str(export_id), user_id]:
        raise _unknown()


def token_link(export_id: UUID, token_id: int) -> tuple[str, datetime]:
    """What a link to the file carries that needs no token beside it, and when it ends: for this export, made with
    this token."""
    until = clock.now() + timedelta(seconds=settings.EXPORT_LINK_S)
    return _links_of_tokens.sign_object([str(export_id), token_id]), until


def token_of_link(key: str, export_id: UUID) -> int:
    """Which token made the link. Raises NotFound for one that is not ours, or another export's, and LinkOver."""
    try:
        named, token_id = _links_of_tokens.unsign_object(key, max_age=settings.EXPORT_LINK_S)
    except SignatureExpired:
        raise TokenLinkOver from None
    except (BadSignature, ValueError):
        raise _unknown() from None
    if named != str(export_id):
        raise _unknown()
    return int(token_id)


def open_export(
    *,
    tenant: TenantRef | None,
    export_id: UUID,
    role: str = "",
    user_id: int | None = None,
    token_id: int | None = None,
) -> Opened:
    """The file of an export that is ready, for the person (`user_id`) or the token that asked for it.

    Raises NotFound for one that is not there (any more) or somebody else's, NotAllowed for a role that has changed.
    """
    with _scope(tenant):
        whose = Q(asked_by_id=user_id, token_id=None) if token_id is None else of_token(token_id)
        row = Export.objects.filter(whose, pk=export_id, state=State.READY, expires_at__gt=clock.now()).first()
        if row is None or not row.file:
            raise _unknown()
        known = export_kind(row.kind)
        _refuse_unless_allowed(tenant, known, role)
        try:
            file = private_files().open(row.file)
        except FileNotFoundError:
            raise _unknown() from None
        if known.downloaded.startswith("privacy."):
            record(known.downloaded, after={"request": row.subject})
        else:
            record(known.downloaded, target=_target(row), after={"kind": row.kind})
    day = (row.finished_at or row.created_at).date()
    return Opened(file, f"{tenant.slug if tenant else 'tikdash'}-{row.kind}-{day}.zip", row.size)


def _refuse_unless_allowed(tenant: TenantRef | None, kind: ExportKind, role: str) -> None:
    if tenant is None:
        return
    refuse_unless(role, kind.capability)
    if kind.feature:
        with tenant_scope(tenant):
            plan_service().require(tenant, kind.feature)


def _refuse_too_many(asker: Asker) -> None:
    if asker.token_id is None:
        return
    if Export.objects.filter(token_id=asker.token_id, state=State.READY).count() >= MOST_OF_A_TOKEN:
        text = gettext("A token has at most {n} files of exports at a time. Delete one that was fetched.")
        raise LimitReached(text.format(n=MOST_OF_A_TOKEN))


def _locked(export_id: UUID, condition: Q) -> Export:
    row: Export | None = Export.objects.select_for_update(of=("self",)).filter(condition, pk=export_id).first()
    if row is None:
        raise _unknown()
    return row


def _scope(tenant: TenantRef | None) -> AbstractContextManager[None]:
    return tenant_scope(tenant) if tenant is not None else all_tenants()


def _target(row: Export) -> Target:
    return Target("export", str(row.pk), row.kind)


def _unknown() -> NotFound:
    return NotFound(gettext("This export is not there, or no longer. Ask for it again."))
