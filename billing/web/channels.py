"""Where a workspace hears of its spending: added and removed by those who manage it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing.models import AlertChannel
from billing.services.channels import add_channel, remove_channel
from billing.web.access import refuse_members
from tikdash.errors import BadInput


@dataclass(frozen=True)
class ChannelShown:
    """A channel as the page shows it: an incoming webhook's address is a password, so only its host and its end."""

    id: int
    kind: str
    where: str
    escalation: bool


def channels_shown() -> list[ChannelShown]:
    """The channels of the present scope's tenant, the oldest first."""
    return [
        ChannelShown(one.pk, one.kind, one.shown, one.escalation)
        for one in AlertChannel.objects.filter(active=True).order_by("id")
    ]


@require_POST
def add(request: Any) -> HttpResponse:
    """Adds an address; refused with a sentence beside the field."""
    from billing.web.usage import page

    refuse_members(request)
    values = {name: request.POST.get(name, "")[:600] for name in ("kind", "address", "escalation")}
    try:
        add_channel(kind=values["kind"], address=values["address"], escalation=bool(values["escalation"]))
    except BadInput as error:
        return page(request, errors={"address": str(error)}, values=values, status=422)
    messages.success(request, _("Alerts go there from now on."))
    return redirect("usage")


@require_POST
def remove(request: Any, channel_id: int) -> HttpResponse:
    """Removes one; 404 for one that is not there."""
    refuse_members(request)
    remove_channel(channel_id)
    messages.success(request, _("No alerts go there any more."))
    return redirect("usage")
