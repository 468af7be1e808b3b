"""Making exports: a worker writes the file into the private storage.

A worker has an export for `EXPORT_LEASE_S` and says every second that it goes on; when it is killed another one begins
anew. What it writes has no name until it is whole, and which file a row has is written down before the file is there,
so that nothing half is ever given out or left behind.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from io import SEEK_END
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO, Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

import structlog
from django.conf import settings
from django.core.files import File
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import translation

from accounts.models import Export, Membership
from accounts.selectors import tenant_by_id
from accounts.services.auditing import Target, record
from accounts.services.export_files import OPERATORS, drop_files_of, private_files
from accounts.services.export_kinds import Making, Stopped, export_kind
from accounts.services.exports import wake_worker
from accounts.services.hosts import workspace_url
from accounts.services.mails import send_mail
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import TikdashError
from tikdash.words import N_

log = structlog.get_logger(__name__)

#: How often whoever makes an export says how far it is.
BEAT_S = 1.0
MOST_IN_A_ROUND = 100
State = Export.State
#: Kept in English, told in the reader's language.
STOPPED_TOO_OFTEN = N_("The worker that made it was stopped too often. Try again.")
WENT_WRONG = N_("It could not be made. Try again; if that does not help, tell the operators.")


def make_export(export_id: UUID) -> bool:
    """Makes the file of an export; False where somebody else does, it is not wanted any more, or it failed.

    Killed at any moment, it is begun anew when the lease is over.
    """
    row = _claimed(export_id)
    if row is None:
        return False
    settled = False
    with TemporaryFile() as file:
        try:
            settled = _make(row, file)
        except Stopped:
            log.info("export_stopped", export=str(row.pk))
            return False
        except TikdashError as error:
            _fail(row, str(error))
            settled = True
            return False
        finally:
            if not settled:
                # What went wrong goes on to the log; the next round tries again, a few times.
                _give_back(row)
    return True


def go_on_with_exports() -> int:
    """Wakes workers for exports whose message or worker got lost, the oldest first; returns for how many."""
    with all_tenants():
        waiting = Q(state=State.WAITING) | Q(state=State.RUNNING, lease_until__lt=clock.now())
        due = list(Export.objects.filter(waiting).order_by("created_at").values_list("pk", flat=True)[:MOST_IN_A_ROUND])
    for export_id in due:
        wake_worker(export_id)
    return len(due)


def _make(row: Export, file: IO[bytes]) -> bool:
    tenant = tenant_by_id(row.tenant_id) if row.tenant_id else None
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        making = Making(archive, tenant, row.subject, row.parameters)
        with _Heart(row, making):
            export_kind(row.kind).write(making)
            archive.close()
            size = file.seek(0, SEEK_END)
            file.seek(0)
            name = f"{row.tenant_id or OPERATORS}/{secrets.token_urlsafe(24)}.zip"
            if not _update_mine(row, file=name):
                raise Stopped
            private_files().save(name, File(file))
    if not _finished(row, making, size):
        private_files().delete(name)
        raise Stopped
    return True


class _Heart:
    """While it beats, the row says how far the export is and whose it is; when the row says otherwise, making ends.

    A thread of its own: the connection of the maker is busy with the rows that it reads.
    """

    def __init__(self, row: Export, making: Making) -> None:
        self._row, self._making, self._ended = row, making, Event()
        self._thread = Thread(target=self._beat, name=f"export-{row.pk}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._ended.wait(BEAT_S):
                try:
                    going_on = _update_mine(
                        self._row,
                        done=self._making.done,
                        total=self._making.total,
                        size=self._making.size,
                        lease_until=_lease(),
                    )
                except DatabaseError as error:
                    # The lease has room for some of these.
                    log.warning("export_not_told", export=str(self._row.pk), why=type(error).__name__)
                    continue
                if not going_on:
                    self._making.is_over = True
                    return
        finally:
            connection.close()


def _update_mine(row: Export, **values: Any) -> bool:
    """Writes into the row as long as this very attempt has it; False where it is called off, gone, or another's."""
    with all_tenants():
        mine = Export.objects.filter(pk=row.pk, state=State.RUNNING, attempts=row.attempts)
        return bool(mine.update(**values))


def _claimed(export_id: UUID) -> Export | None:
    """The row, with this attempt's number in it; None where nothing is to be done, or too many are made already."""
    now = clock.now()
    with all_tenants(), transaction.atomic():
        free = Q(state=State.WAITING) | Q(state=State.RUNNING, lease_until__lt=now)
        row = Export.objects.select_for_update(skip_locked=True).filter(free, pk=export_id).first()
        if row is None:
            return None
        if Export.objects.filter(state=State.RUNNING, lease_until__gte=now).count() >= settings.EXPORTS_AT_ONCE:
            return None
        left = row.file
        if row.attempts >= settings.EXPORT_ATTEMPTS:
            row.state, row.error, row.finished_at, row.lease_until = State.FAILED, STOPPED_TOO_OFTEN, now, None
        else:
            row.state, row.attempts, row.started_at, row.lease_until = State.RUNNING, row.attempts + 1, now, _lease()
        row.done, row.total, row.size, row.file = 0, 0, 0, ""
        row.save()
    if left:
        private_files().delete(left)
    return row if row.state == State.RUNNING else None


def _finished(row: Export, making: Making, size: int) -> bool:
    now = clock.now()
    expires_at = now + timedelta(hours=settings.EXPORT_KEPT_HOURS)
    with all_tenants(), transaction.atomic():
        if not _update_mine(
            row, state=State.READY, done=making.done, total=making.done, size=size, error="", lease_until=None,
            finished_at=now, expires_at=expires_at,
        ):  # fmt: skip
            return False
        # One file of a kind a person: what is old goes as soon as there is a new one. A token's programs may need the
        # same kind for several tags.
        whose = ("tenant_id", "kind", "subject", "asked_by_id", "asked_label", "token_id")
        same = {name: getattr(row, name) for name in whose} | ({"parameters": row.parameters} if row.token_id else {})
        before = Export.objects.filter(**same, state=State.READY).exclude(pk=row.pk)
        former = list(before.values_list("pk", flat=True))
        before.update(state=State.EXPIRED)
        if row.tenant_id:
            record(
                "workspace.export_made",
                tenant_id=row.tenant_id,
                target=Target("export", str(row.pk), row.kind),
                after={"kind": row.kind},
            )
            _tell(row, expires_at)
    drop_files_of(former)
    return True


def _tell(row: Export, expires_at: datetime) -> None:
    """A mail to the person who asked, where that is still a member. No link to the file itself: mails are kept."""
    if row.tenant_id is None or row.asked_by_id is None:
        return
    member = Membership.objects.filter(tenant_id=row.tenant_id, user_id=row.asked_by_id, user__is_active=True)
    found = member.select_related("user", "tenant").first()
    if found is None:
        return
    language = found.user.language or settings.LANGUAGE_CODE
    with translation.override(language):
        label = str(export_kind(row.kind).label)
    context = {
        "workspace": found.tenant.name,
        "kind": label,
        "expires_at": expires_at,
        "page": f"{workspace_url(found.tenant_id)}/settings/exports/",
    }
    send_mail(template="emails/export_ready", to=found.user.email, context=context, language=language)


def _fail(row: Export, why: str) -> None:
    _update_mine(row, state=State.FAILED, error=why[:300], finished_at=clock.now(), lease_until=None)


def _give_back(row: Export) -> None:
    if row.attempts >= settings.EXPORT_ATTEMPTS:
        _fail(row, WENT_WRONG)
    else:
        _update_mine(row, state=State.WAITING, lease_until=None)


def _lease() -> datetime:
    return clock.now() + timedelta(seconds=settings.EXPORT_LEASE_S)
