"""Notes that people write at a day of an account: written, changed, removed, and back for a while at a click."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.selectors import TenantRef, schemas
from accounts.services.auditing import Target, record
from snapshots.models import AccountNote, TrackedAccount
from snapshots.models.notes import LONGEST_NOTE
from snapshots.selectors import UNDO_FOR
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput, LimitReached, NotFound
from tikdash.tiklive.text import clean_text

MOST_NOTES = 500
#: TikTok is not older.
FIRST_DAY = date(2016, 9, 1)


@dataclass(frozen=True)
class NoteText:
    """A note as it may be kept."""

    day: date
    text: str


def clean_note(*, tenant: TenantRef, day: str, text: str) -> NoteText:
    """The note that a person typed. Raises BadInput for what is no day, a day to come, and for no or too many words."""
    words = " ".join(clean_text(text).split())
    if not words:
        raise BadInput(_("Write what happened."))
    if len(words) > LONGEST_NOTE:
        raise BadInput(_("A note has at most %(most)d characters.") % {"most": LONGEST_NOTE})
    try:
        parsed = date.fromisoformat(day.strip())
    except ValueError:
        raise BadInput(_("Choose the day of the note, for example 2026-03-31.")) from None
    if not FIRST_DAY <= parsed <= latest_day(tenant):
        raise BadInput(_("Choose a day between 1 September 2016 and today."))
    return NoteText(parsed, words)


def latest_day(tenant: TenantRef) -> date:
    """Today, in UTC or where the workspace is, whichever has come further."""
    return max(clock.today(), clock.now().astimezone(ZoneInfo(tenant.time_zone)).date())


def write_note(*, account_id: int, author: str, note: NoteText) -> int:
    """Keeps a note; returns its id. Raises NotFound, and LimitReached where the account has 500 of them."""
    with transaction.atomic():
        account = TrackedAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
        if account is None:
            raise NotFound(_("There is no such account in this workspace."))
        if AccountNote.objects.filter(account_id=account_id, removed_at=None).count() >= MOST_NOTES:
            raise LimitReached(_("This account has %(most)d notes. Remove some first.") % {"most": MOST_NOTES})
        kept = AccountNote.objects.create(
            account=account, day=note.day, text=note.text, author=author, created_at=clock.now()
        )
        target = Target("account", account_id, f"@{account.username}")
        record("account.note_written", target=target, after={"day": note.day, "text": note.text})
    return kept.pk


def edit_note(*, account_id: int, note_id: int, note: NoteText) -> None:
    """Gives a note another day or text. Raises NotFound."""
    with transaction.atomic():
        kept = _locked(account_id, note_id)
        if kept is None or kept.removed_at is not None:
            raise NotFound(_("This note is not there any more."))
        before = {"day": kept.day, "text": kept.text}
        kept.day, kept.text, kept.edited_at = note.day, note.text, clock.now()
        kept.save(update_fields=["day", "text", "edited_at"])
        record("account.note_changed", target=_target(kept), before=before, after={"day": note.day, "text": note.text})


def remove_note(*, account_id: int, note_id: int) -> datetime:
    """Hides a note; returns until when `restore_note` brings it back. Twice: as once. Raises NotFound."""
    with transaction.atomic():
        kept = _locked(account_id, note_id)
        if kept is None:
            raise NotFound(_("This note is not there any more."))
        if kept.removed_at is None:
            kept.removed_at = clock.now()
            kept.save(update_fields=["removed_at"])
            record("account.note_removed", target=_target(kept), before={"day": kept.day, "text": kept.text})
    return kept.removed_at + UNDO_FOR


def restore_note(*, account_id: int, note_id: int) -> None:
    """Shows a removed note again. Twice: as once. Raises NotFound, also once the time for that is over."""
    with transaction.atomic():
        kept = _locked(account_id, note_id)
        if kept is None or (kept.removed_at is not None and kept.removed_at <= clock.now() - UNDO_FOR):
            raise NotFound(_("It is too late to undo that: the note has been deleted."))
        if kept.removed_at is not None:
            kept.removed_at = None
            kept.save(update_fields=["removed_at"])
            record("account.note_restored", target=_target(kept), after={"day": kept.day, "text": kept.text})


def _locked(account_id: int, note_id: int) -> AccountNote | None:
    return AccountNote.objects.select_for_update().filter(pk=note_id, account_id=account_id).first()


def _target(note: AccountNote) -> Target:
    handle = TrackedAccount.objects.filter(pk=note.account_id).values_list("username", flat=True).first()
    return Target("account", note.account_id, f"@{handle}")


def delete_removed_notes() -> int:
    """Deletes the notes, of all tenants, that can no longer be brought back; returns how many."""
    deleted = 0
    for schema in schemas():
        with all_tenants(schema):
            old = AccountNote.objects.filter(removed_at__lt=clock.now() - UNDO_FOR - timedelta(minutes=1))
            deleted += old.delete()[0]
    return deleted
