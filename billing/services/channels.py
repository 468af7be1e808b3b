"""Where alerts about spending go."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import Http404

from accounts.services.auditing import record
from billing.models import AlertChannel
from tikdash.errors import BadInput
from tikdash.outgoing import OutgoingError, checked_target

MOST = 10


def add_channel(*, kind: str, address: str, escalation: bool = False) -> AlertChannel:
    """An address for alerts of the present scope's tenant. Raises BadInput for one that cannot be used."""
    address = address.strip()
    check_address(kind, address)
    if AlertChannel.objects.filter(active=True).count() >= MOST:
        raise BadInput(f"A workspace has at most {MOST} addresses for alerts. Remove one first.")
    try:
        with transaction.atomic():
            channel = AlertChannel.objects.create(kind=kind, address=address[:500], escalation=escalation)
            record("workspace.alerts_added", after={"kind": kind, "where": channel.shown})
    except IntegrityError:
        raise BadInput("Alerts go there already.") from None
    return channel


def check_address(kind: str, address: str) -> None:
    """Raises BadInput, with a sentence, for an address to which no alert can go."""
    if kind not in AlertChannel.Kind.values:
        raise BadInput("Choose e-mail or webhook.")
    if not address:
        raise BadInput("An address is missing.")
    if kind == AlertChannel.Kind.WEBHOOK:
        _check_webhook(address)
        return
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput("This is no e-mail address.") from None


def remove_channel(channel_id: int) -> None:
    """Takes an address away. Raises Http404 for one that the present scope's tenant has not."""
    with transaction.atomic():
        channel = AlertChannel.objects.filter(pk=channel_id, active=True).first()
        if channel is None:
            raise Http404
        record("workspace.alerts_removed", before={"kind": channel.kind, "where": channel.shown})
        channel.delete()


def _check_webhook(address: str) -> None:
    if urlsplit(address).scheme != "https" and not settings.WEBHOOK_HOSTS_TRUSTED:
        raise BadInput("The address of a webhook must begin with https://.")
    if len(address) > 500:
        raise BadInput("The address is too long.")
    try:
        checked_target(address, settings.WEBHOOK_HOSTS_TRUSTED)
    except OutgoingError as error:
        raise BadInput(str(error)) from None
