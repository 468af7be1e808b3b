"""From a form to a workspace: what was asked for is kept until the address is confirmed, and made then.

Nothing shows before: whether an e-mail address has a log-in already cannot be seen from outside.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Protocol, cast

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from accounts.addresses import candidates, is_address
from accounts.models import AuditEntry, Domain, Membership, SignUp, Tenant, User
from accounts.selectors import TenantRef
from accounts.services.auditing import Actor, acting
from accounts.services.tenants import add_member, create_tenant
from tikdash import clock
from tikdash.db.scope import no_scope, tenant_scope
from tikdash.errors import LimitReached, TikdashError

log = structlog.get_logger(__name__)

SUGGESTIONS = 3
UNCONFIRMED_KEPT = timedelta(days=3)


class FirstAccount(Protocol):
    """What `snapshots` does for a new workspace; named in `FIRST_ACCOUNT`."""

    def clean(self, handle: str) -> str:
        """The handle as it is kept. Raises BadInput."""
        ...

    def request(self, tenant: TenantRef, handle: str) -> str:
        """Asks for the handle to be tracked, in the tenant's scope; the path of the page that shows how far it is."""
        ...


@dataclass(frozen=True)
class NewWorkspace:
    """A workspace that was just made, and the path in it where its owner begins."""

    tenant: TenantRef
    path: str


@cache
def first_account() -> FirstAccount:
    return cast(FirstAccount, import_string(settings.FIRST_ACCOUNT))


def is_free(slug: str) -> bool:
    """True where no workspace has, or is reached under, this address."""
    with no_scope():
        return not (
            Tenant.objects.filter(slug=slug).exists()
            or Domain.objects.filter(domain=f"{slug}.{settings.BASE_DOMAIN}").exists()
        )


def suggestions(name: str) -> list[str]:
    """Free addresses for a name, the nearest first."""
    near = list(islice(candidates(name), 40))
    with no_scope():
        taken = set(Tenant.objects.filter(slug__in=near).values_list("slug", flat=True))
        hosts = set(
            Domain.objects.filter(domain__in=[f"{slug}.{settings.BASE_DOMAIN}" for slug in near]).values_list(
                "domain", flat=True
            )
        )
    free = [slug for slug in near if slug not in taken and f"{slug}.{settings.BASE_DOMAIN}" not in hosts]
    return [slug for slug in dict.fromkeys(free) if is_address(slug)][:SUGGESTIONS]


def keep_wish(*, user: User, workspace: str, slug: str, handle: str, time_zone: str) -> None:
    """Keeps what is to be made when `user` has confirmed the address."""
    SignUp.objects.update_or_create(
        user=user,
        defaults={
            "workspace": workspace,
            "slug": slug,
            "handle": handle,
            "time_zone": time_zone,
            "created_at": clock.now(),
        },
    )


def fulfil_wish(*, user: User) -> NewWorkspace | None:
    """Makes what the person asked for at the sign-up; None where there is nothing to be made, or not any more.

    Raises LimitReached where somebody else has taken the address since; the wish is kept.
    """
    with no_scope(), transaction.atomic():
        wish = SignUp.objects.select_for_update().filter(user=user).first()
        if wish is None:
            return None
        with _as(user):
            made = _open(user=user, workspace=wish.workspace, slug=wish.slug, time_zone=wish.time_zone)
        wish.delete()
    with _as(user):
        return NewWorkspace(made, _track_first(made, wish.handle))


def open_another(*, user: User, workspace: str, slug: str, handle: str, time_zone: str = "UTC") -> NewWorkspace:
    """One more workspace on trial for a person who is here already.

    Raises LimitReached for too many, or an address that is taken.
    """
    with no_scope(), transaction.atomic():
        # Two windows at once count each other.
        User.objects.select_for_update().get(pk=user.pk)
        trials = Membership.objects.filter(user=user, role=Membership.Role.OWNER, tenant__state=Tenant.State.TRIAL)
        if trials.count() >= settings.TRIALS_PER_PERSON:
            raise LimitReached(
                gettext("You have %(number)s workspaces on trial. Choose a plan for one of them first.")
                % {"number": settings.TRIALS_PER_PERSON}
            )
        made = _open(user=user, workspace=workspace, slug=slug, time_zone=time_zone)
        SignUp.objects.filter(user=user).delete()
    return NewWorkspace(made, _track_first(made, handle))


def forget_unconfirmed() -> int:
    """Removes people who signed up days ago and never confirmed the address; returns how many."""
    with no_scope():
        stale = User.objects.filter(
            sign_up__created_at__lt=clock.now() - UNCONFIRMED_KEPT, last_login=None, memberships=None
        ).exclude(emailaddress__verified=True)
        number = stale.count()
        for user in stale:
            user.delete()
    return number


def _as(user: User) -> AbstractContextManager[None]:
    """Nobody is signed in yet while the address is confirmed; what is made then, this person makes."""
    return acting(Actor(AuditEntry.ActorKind.USER, user.pk, user.email))


def _open(*, user: User, workspace: str, slug: str, time_zone: str) -> TenantRef:
    tenant = create_tenant(slug=slug, name=workspace, trial=True, time_zone=time_zone)
    add_member(tenant_id=tenant.id, email=user.email, role=Membership.Role.OWNER)
    log.info("workspace_opened", tenant=tenant.slug)
    return tenant


def _track_first(tenant: TenantRef, handle: str) -> str:
    """The workspace stands, whatever becomes of the handle: the list says what is wrong with it."""
    if not handle:
        return "/"
    with tenant_scope(tenant):
        try:
            return first_account().request(tenant, handle)
        except TikdashError as error:
            log.warning("first_account_refused", tenant=tenant.slug, error=error.code)
            return "/"
