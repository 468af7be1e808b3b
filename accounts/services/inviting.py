"""Invitations into a workspace: a mail with a link that works once, for one address, for some days."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import AuditEntry, Invitation, Membership, Tenant, User
from accounts.roles import Capability, refuse_unless
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import Actor, Target, acting, record
from accounts.services.mails import send_mail
from tikdash import clock
from tikdash.errors import BadInput, NotFound
from tikdash.plans import plan_service

#: Makes the address of a page of a token: only a request knows scheme and port.
Link = Callable[[str], str]


def invite(*, tenant: TenantRef, by: MembershipRef, email: str, role: str, link: Link) -> int:
    """Invites `email` as `role` and sends the mail; returns the invitation's id. Inside the tenant's scope.

    Raises NotAllowed, BadInput for an address or role that cannot be, for a member, and for somebody who is invited
    already, LimitReached without a free seat.
    """
    refuse_unless(by.role, Capability.MANAGE_PEOPLE)
    email = _clean_email(email)
    if role not in (Membership.Role.ADMIN, Membership.Role.MEMBER):
        raise BadInput(gettext("Choose a role: admin or member."), field="role")
    with transaction.atomic():
        # Two invitations at once count each other.
        row = Tenant.objects.select_for_update().get(pk=tenant.id)
        if Membership.objects.filter(tenant_id=tenant.id, user__email=email).exists():
            raise BadInput(gettext("%(email)s is a member already.") % {"email": email}, field="email")
        if Invitation.objects.filter(email=email).exists():
            raise BadInput(
                gettext("%(email)s is invited already. Send the invitation again in the list.") % {"email": email},
                field="email",
            )
        refuse_without_seat(tenant)
        now, token = clock.now(), secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            email=email,
            role=role,
            token_hash=hash_of(token),
            invited_by_id=by.user_id,
            created_at=now,
            sent_at=now,
            expires_at=now + timedelta(days=settings.INVITATION_DAYS),
        )
        record("person.invited", target=Target("invitation", invitation.pk, email), after={"role": role})
        _send(invitation, row, link(token))
    return invitation.pk


def invite_again(*, tenant: TenantRef, by: MembershipRef, invitation_id: int, link: Link) -> str:
    """Sends a new link; the former one no longer works. Returns the address.

    Raises NotAllowed, NotFound.
    """
    refuse_unless(by.role, Capability.MANAGE_PEOPLE)
    now, token = clock.now(), secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = _locked(invitation_id)
        invitation.token_hash, invitation.sent_at = hash_of(token), now
        invitation.expires_at = now + timedelta(days=settings.INVITATION_DAYS)
        invitation.save(update_fields=["token_hash", "sent_at", "expires_at"])
        record("person.invited_again", target=Target("invitation", invitation.pk, invitation.email))
        _send(invitation, Tenant.objects.get(pk=tenant.id), link(token))
    return invitation.email


def revoke_invitation(*, by: MembershipRef, invitation_id: int) -> str:
    """The link no longer works. Returns the address. Raises NotAllowed, NotFound."""
    refuse_unless(by.role, Capability.MANAGE_PEOPLE)
    with transaction.atomic():
        invitation = _locked(invitation_id)
        invitation.delete()
        record("person.invitation_revoked", target=Target("invitation", invitation_id, invitation.email))
    return invitation.email


def invitation_of(token: str) -> Invitation:
    """The open invitation of the tenant in scope. Raises BadInput for a link that no longer works."""
    found = Invitation.objects.filter(token_hash=hash_of(token), expires_at__gt=clock.now()).first()
    if found is None:
        raise BadInput(gettext("This invitation no longer works: used, too old or taken back. Ask for a new one."))
    return found


def accept(*, tenant: TenantRef, token: str, user: User) -> None:
    """The person who was invited becomes a member.

    Raises BadInput, also for somebody else; LimitReached without a seat.
    """
    with transaction.atomic():
        invitation = _claimed(token)
        if invitation.email != user.email:
            raise BadInput(gettext("This invitation is for %(email)s.") % {"email": invitation.email})
        _join(tenant, invitation, user)


def accept_as_new(*, tenant: TenantRef, token: str, name: str, password: str) -> User:
    """Makes a log-in for the invited address, which the link in the mail has confirmed, and the membership.

    Raises BadInput, with `field` “password” for one that is too weak; LimitReached without a seat.
    """
    with transaction.atomic():
        invitation = _claimed(token)
        if User.objects.filter(email=invitation.email).exists():
            raise BadInput(gettext("There is a log-in with this address. Sign in to join."))
        try:
            validate_password(password, User(email=invitation.email, name=name))
        except ValidationError as error:
            raise BadInput(" ".join(error.messages), field="password") from None
        user = User.objects.create_user(invitation.email, password, name=" ".join(name.split())[:120])
        with acting(Actor(AuditEntry.ActorKind.USER, user.pk, user.email)):
            _join(tenant, invitation, user)
    return user


def refuse_without_seat(tenant: TenantRef) -> None:
    """Raises LimitReached where members and invitations fill the plan."""
    plan_service().check(tenant, "seats")


def hash_of(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _join(tenant: TenantRef, invitation: Invitation, user: User) -> None:
    Tenant.objects.select_for_update().get(pk=tenant.id)
    invitation.delete()
    refuse_without_seat(tenant)
    # Whoever got a role by another way in the meantime keeps it.
    membership, _ = Membership.objects.get_or_create(tenant_id=tenant.id, user=user, defaults={"role": invitation.role})
    record("person.joined", target=Target("user", user.pk, user.email), after={"role": membership.role})


def _claimed(token: str) -> Invitation:
    return _locked(invitation_of(token).pk)


def _locked(invitation_id: int) -> Invitation:
    found = Invitation.objects.select_for_update().filter(pk=invitation_id).first()
    if found is None:
        raise NotFound(gettext("There is no such invitation."))
    return found


def _clean_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput(gettext("Type an e-mail address, for example sam@example.com."), field="email") from None
    return email


def _send(invitation: Invitation, tenant: Tenant, url: str) -> None:
    person = User.objects.filter(email=invitation.email).first()
    by = invitation.invited_by
    send_mail(
        template="emails/invitation",
        to=invitation.email,
        context={
            "workspace": tenant.name,
            "by": str(by) if by else tenant.name,
            "url": url,
            "days": settings.INVITATION_DAYS,
        },
        language=(person.language if person else "") or tenant.language,
    )
