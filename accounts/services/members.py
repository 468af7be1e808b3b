"""Who is in a workspace, and as what. A workspace always has an owner."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import Membership, Tenant
from accounts.roles import Capability, can, refuse_unless
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import Target, record
from accounts.services.seats import fit_seats
from tikdash.errors import BadInput, LimitReached, NotAllowed, NotFound
from tikdash.plans import plan_service


def change_role(*, tenant: TenantRef, by: MembershipRef, membership_id: int, role: str) -> None:
    """Makes a member an admin, or an admin a member. Owners change by handing the workspace over.

    Raises NotAllowed, NotFound, BadInput.
    """
    refuse_unless(by.role, Capability.MANAGE_PEOPLE)
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        if role not in (Membership.Role.ADMIN, Membership.Role.MEMBER):
            raise BadInput(gettext("Choose a role: admin or member."), field="role")
        _refuse_owner(membership)
        before, membership.role = membership.role, role
        membership.save(update_fields=["role"])
        if before != role:
            record("person.role_changed", target=_target(membership), before={"role": before}, after={"role": role})


def remove_member(*, tenant: TenantRef, by: MembershipRef, membership_id: int) -> str:
    """The person is a stranger from now on; their log-in stays theirs. Returns how they are called.

    Raises NotAllowed, NotFound, BadInput for oneself.
    """
    refuse_unless(by.role, Capability.MANAGE_PEOPLE)
    with transaction.atomic():
        membership = _locked(tenant, membership_id)
        if membership.user_id == by.user_id:
            raise BadInput(gettext("To leave, use “Leave this workspace”."))
        _refuse_owner(membership)
        membership.delete()
        record("person.removed", target=_target(membership), before={"role": membership.role})
        fit_seats(tenant.id, plan_service().follow(tenant).seats)
    return str(membership.user)


def leave_workspace(*, tenant: TenantRef, by: MembershipRef) -> None:
    """Raises LimitReached for the only owner."""
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.id)
        mine = Membership.objects.select_related("user").filter(tenant_id=tenant.id, user_id=by.user_id).first()
        if mine is None:
            raise NotFound(gettext("You are no member of this workspace."))
        if mine.role == Membership.Role.OWNER and _owners(tenant) == 1:
            raise LimitReached(gettext("A workspace needs an owner. Hand it over first, then leave."))
        mine.delete()
        record("person.left", target=_target(mine), before={"role": mine.role})
        fit_seats(tenant.id, plan_service().follow(tenant).seats)


def hand_over(*, tenant: TenantRef, by: MembershipRef, membership_id: int, typed: str) -> str:
    """Another member is the owner from now on, and the one who was stays as admin. Returns the new owner's name.

    `typed` is the workspace's address, as a confirmation. Raises NotAllowed, NotFound, BadInput.
    """
    refuse_unless(by.role, Capability.TRANSFER_OWNERSHIP)
    if typed.strip().lower() != tenant.slug:
        raise BadInput(gettext("Type “%(slug)s” to confirm.") % {"slug": tenant.slug}, field="typed")
    with transaction.atomic():
        heir = _locked(tenant, membership_id)
        mine = Membership.objects.select_for_update().filter(tenant_id=tenant.id, user_id=by.user_id).first()
        if mine is None or not can(mine.role, Capability.TRANSFER_OWNERSHIP):
            # Handed over in another window meanwhile.
            raise NotAllowed(gettext("You are not the owner of this workspace any more."))
        if heir.user_id == by.user_id:
            raise BadInput(gettext("You are the owner already. Choose somebody else."), field="member")
        if not heir.user.is_active:
            raise BadInput(gettext("This log-in is switched off. Choose somebody else."), field="member")
        heir.role, mine.role = Membership.Role.OWNER, Membership.Role.ADMIN
        heir.save(update_fields=["role"])
        mine.save(update_fields=["role"])
        record(
            "workspace.handed_over",
            target=_target(heir),
            before={"owner": str(mine.user)},
            after={"owner": str(heir.user)},
        )
        fit_seats(tenant.id, plan_service().follow(tenant).seats)
    return str(heir.user)


def _locked(tenant: TenantRef, membership_id: int) -> Membership:
    # The tenant's row first, always: two windows then wait for each other instead of locking each other out.
    Tenant.objects.select_for_update().get(pk=tenant.id)
    found = Membership.objects.select_related("user").filter(tenant_id=tenant.id, pk=membership_id).first()
    if found is None:
        raise NotFound(gettext("There is no such member."))
    return found


def _owners(tenant: TenantRef) -> int:
    return Membership.objects.filter(tenant_id=tenant.id, role=Membership.Role.OWNER).count()


def _refuse_owner(membership: Membership) -> None:
    if membership.role == Membership.Role.OWNER:
        raise NotAllowed(gettext("An owner hands the workspace over; nobody else can change that."))


def _target(membership: Membership) -> Target:
    return Target("user", membership.user_id, membership.user.email)
