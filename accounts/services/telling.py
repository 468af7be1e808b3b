"""What we tell all customers: announcements above their pages, and that only reading works for a while."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import Announcement, Dismissal, Maintenance
from accounts.selectors import TenantRef
from accounts.services.auditing import Target, record
from tikdash import clock
from tikdash.db.scope import no_scope
from tikdash.errors import BadInput

LONGEST_SENTENCE = 200


def announced(announcement: Announcement, *, changed: bool) -> None:
    """Writes down for operators what customers are told from now on."""
    facts: dict[str, str | datetime | None] = {
        "text": announcement.text,
        "plan": announcement.plan or "all",
        "only_for": announcement.only_for.slug if announcement.only_for else "all",
        "starts_at": announcement.starts_at,
        "ends_at": announcement.ends_at,
    }
    event = "operations.announcement_changed" if changed else "operations.announced"
    record(event, target=Target("announcement", announcement.pk), after=facts)


def dismiss(*, announcement_id: int, tenant: TenantRef, user_id: int) -> bool:
    """The person does not see it any more; False where the tenant is told no such thing. Twice: nothing changes."""
    told = Announcement.objects.filter(Q(only_for=None) | Q(only_for=tenant.id), plan__in=["", tenant.plan])
    with no_scope(), transaction.atomic():
        if not told.filter(pk=announcement_id).exists():
            return False
        Dismissal.objects.bulk_create(
            [Dismissal(announcement_id=announcement_id, user_id=user_id)], ignore_conflicts=True
        )
    return True


def begin_maintenance(*, sentence: str, work_stops: bool) -> None:
    """From now on customers can only read; with `work_stops` no job begins. Again: the sentence is the new one.

    Raises BadInput, with the field, without a sentence.
    """
    sentence = " ".join(sentence.split())
    if not sentence or len(sentence) > LONGEST_SENTENCE:
        raise BadInput(f"Say in at most {LONGEST_SENTENCE} characters what happens, and until when.", field="sentence")
    with no_scope(), transaction.atomic():
        facts = {"sentence": sentence, "work_stops": work_stops}
        Maintenance.objects.update_or_create(
            pk=Maintenance.THE_ONE, defaults=facts, create_defaults=facts | {"began_at": clock.now()}
        )
        record("operations.maintenance_began", after=facts, reason=sentence)


def end_maintenance() -> bool:
    """Everything works again; False where it did."""
    with no_scope(), transaction.atomic():
        ended, _ = Maintenance.objects.filter(pk=Maintenance.THE_ONE).delete()
        if ended:
            record("operations.maintenance_ended")
    return bool(ended)


def maintenance_now() -> Maintenance | None:
    """What lasts, or None."""
    with no_scope():
        return Maintenance.objects.filter(pk=Maintenance.THE_ONE).first()
