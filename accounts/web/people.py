"""People of a workspace: the list, invitations, roles, handing over, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.roles import Capability
from accounts.selectors import members_of, open_invitations
from accounts.services.inviting import invite, invite_again, revoke_invitation
from accounts.services.members import change_role, hand_over, leave_workspace, remove_member
from accounts.web.capabilities import requires
from accounts.web.hosts import host_url
from accounts.web.limits import is_too_often
from accounts.web.second_factor import step_up
from tikdash.errors import LimitReached, TikdashError
from tikdash.plans import limits_of


@require_GET
def index(request: Any) -> HttpResponse:
    """Everybody in the workspace; for owners and admins invitations, too."""
    return _page(request)


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def invite_person(request: Any) -> HttpResponse:
    """Sends an invitation; what is wrong with it stands beside the field."""
    form = {name: request.POST.get(name, "")[:254] for name in ("email", "role")}
    if is_too_often(request, "invite"):
        return _page(request, form, {"email": gettext("These are many invitations. Wait an hour.")}, status=429)
    try:
        invite(tenant=request.tenant, by=request.membership, link=_link(request), **form)
    except TikdashError as error:
        field = error.data.get("field", "email")
        return _page(request, form, {field: str(error)}, status=409 if isinstance(error, LimitReached) else 422)
    else:
        messages.success(request, gettext("The invitation is on its way to %(email)s.") % {"email": form["email"]})
    return redirect("people")


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def resend(request: Any, invitation_id: int) -> HttpResponse:
    if is_too_often(request, "invite"):
        messages.warning(request, gettext("These are many invitations. Wait an hour."))
        return redirect("people")
    email = invite_again(tenant=request.tenant, by=request.membership, invitation_id=invitation_id, link=_link(request))
    messages.success(request, gettext("A new link is on its way to %(email)s.") % {"email": email})
    return redirect("people")


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def revoke(request: Any, invitation_id: int) -> HttpResponse:
    email = revoke_invitation(by=request.membership, invitation_id=invitation_id)
    messages.success(request, gettext("The invitation of %(email)s is taken back.") % {"email": email})
    return redirect("people")


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def role(request: Any, membership_id: int) -> HttpResponse:
    change_role(
        tenant=request.tenant, by=request.membership, membership_id=membership_id, role=request.POST.get("role", "")
    )
    messages.success(request, gettext("Saved."))
    return redirect("people")


@require_POST
@requires(Capability.MANAGE_PEOPLE)
def remove(request: Any, membership_id: int) -> HttpResponse:
    name = remove_member(tenant=request.tenant, by=request.membership, membership_id=membership_id)
    messages.success(request, gettext("%(name)s is no member any more.") % {"name": name})
    return redirect("people")


@require_http_methods(["GET", "POST"])
@requires(Capability.TRANSFER_OWNERSHIP)
@step_up
def transfer(request: Any) -> HttpResponse:
    """Another owner: chosen from the members, confirmed by typing the address, after a step-up."""
    errors: dict[str, str] = {}
    typed = request.POST.get("typed", "")[:63]
    chosen = request.POST.get("member", "")
    if request.method == "POST":
        try:
            name = hand_over(
                tenant=request.tenant,
                by=request.membership,
                membership_id=int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else 0,
                typed=typed,
            )
        except TikdashError as error:
            errors[error.data.get("field", "member")] = str(error)
        else:
            messages.success(request, gettext("%(name)s is the owner now. You are an admin.") % {"name": name})
            return redirect("people")
    others = [member for member in members_of(request.tenant.id) if member.user_id != request.user.pk]
    context = {"others": others, "typed": typed, "chosen": chosen, "errors": errors}
    return render(request, "accounts/transfer.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "POST"])
def leave(request: Any) -> HttpResponse:
    """Asks once, then ends the membership; the list of the other workspaces is next."""
    error = ""
    if request.method == "POST":
        try:
            leave_workspace(tenant=request.tenant, by=request.membership)
        except LimitReached as refused:
            error = str(refused)
        else:
            return redirect(host_url(request, settings.BASE_DOMAIN) + "/")
    return render(request, "accounts/leave.html", {"error": error}, status=409 if error else 200)


def _page(
    request: Any, form: dict[str, str] | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    members, invitations = members_of(request.tenant.id), open_invitations()
    context = {
        "members": members,
        "invitations": invitations,
        "seats": limits_of(request.tenant).seats,
        "seats_taken": len(members) + len(invitations),
        "form": form or {},
        "errors": errors or {},
    }
    return render(request, "accounts/people.html", context, status=status)


def _link(request: Any) -> Callable[[str], str]:
    return lambda token: request.build_absolute_uri(reverse("join", args=[token]))
