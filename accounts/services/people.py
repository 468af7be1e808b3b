"""What people change of themselves."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Membership, Session, User
from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.sessions import hash_of_key
from tikdash import clock
from tikdash.db.scope import no_scope


def rename_person(*, user_id: int, name: str) -> None:
    """The name that others see; empty, they see the address."""
    with no_scope():
        User.objects.filter(pk=user_id).update(name=" ".join(name.split()))


def end_sessions(*, user_id: int, but: str = "") -> int:
    """Signs the person out on every host and browser; the session with the key `but` stays. Returns how many ended."""
    with no_scope():
        return Session.objects.filter(user_id=user_id).exclude(key_hash=hash_of_key(but)).delete()[0]


def sign_out_everybody(*, tenant: TenantRef, reason: str) -> int:
    """Signs all members of the tenant out, on every host and browser; returns how many sessions ended."""
    with no_scope(), transaction.atomic():
        members = Membership.objects.filter(tenant_id=tenant.id).values("user_id")
        ended = Session.objects.filter(user_id__in=members).delete()[0]
        record("person.signed_out", tenant_id=tenant.id, after={"sessions": ended}, reason=reason)
    return int(ended)


def forget_ended_sessions() -> int:
    """Deletes sessions whose time is over; returns how many."""
    with no_scope():
        return Session.objects.filter(expires_at__lt=clock.now()).delete()[0]
