"""Alerts on their way: e-mail and incoming webhooks (Slack's and alike), with another try where that makes sense."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import orjson
import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from billing.models import AlertChannel, AlertDelivery
from billing.watching import WATCHES
from tikdash import clock
from tikdash.crypto import CannotUnseal
from tikdash.db.scope import all_tenants
from tikdash.outgoing import AddressRefused, Limits, OutgoingError, fetch

log = structlog.get_logger(__name__)

#: Before the second try, the third, …; behind the last one it is given up.
WAITS = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12)]
LIMITS = Limits(step_s=5.0, whole_s=10.0, most_bytes=64 * 1024)
#: How long a delivery belongs to the worker that has taken it.
TAKEN_FOR = timedelta(minutes=2)
#: Answers after which the same request may succeed later.
PASSING = frozenset({408, 425, 429})


class _UndeliveredError(Exception):
    """Why, and whether another try makes sense."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again


def deliver_due(most: int = 100) -> int:
    """Sends what is due; returns how many notices have arrived.

    A notice is taken before it is sent, so two workers do not send it both; one that dies in between sends it again.
    """
    arrived = 0
    with all_tenants():
        for _ in range(most):
            delivery = _take_one()
            if delivery is None:
                break
            try:
                _send(delivery)
            except _UndeliveredError as error:
                _put_back(delivery, error)
            else:
                arrived += 1
                delivery.delivered_at, delivery.next_try_at, delivery.last_error = clock.now(), None, ""
                delivery.save(update_fields=["delivered_at", "next_try_at", "last_error"])
    return arrived


def _take_one() -> AlertDelivery | None:
    with transaction.atomic():
        delivery = (
            AlertDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("alert", "channel")
            .filter(next_try_at__lte=clock.now())
            .order_by("next_try_at")
            .first()
        )
        if delivery is not None:
            delivery.attempts += 1
            delivery.next_try_at = clock.now() + TAKEN_FOR
            delivery.save(update_fields=["attempts", "next_try_at"])
    return delivery


def _put_back(delivery: AlertDelivery, error: _UndeliveredError) -> None:
    again = error.again and delivery.attempts <= len(WAITS)
    delivery.next_try_at = clock.now() + WAITS[delivery.attempts - 1] if again else None
    delivery.last_error = str(error)[:200]
    delivery.save(update_fields=["next_try_at", "last_error"])
    log.warning("alert_not_delivered", delivery=delivery.pk, attempts=delivery.attempts, again=again, why=str(error))


def _send(delivery: AlertDelivery) -> None:
    if delivery.notice == AlertDelivery.Notice.RESOLVED:
        subject, text = "Resolved", f"Resolved: {delivery.alert.sentence}"
    else:
        subject, text = delivery.alert.get_level_display(), delivery.alert.sentence
    try:
        target = delivery.channel.target
    except CannotUnseal:
        raise _UndeliveredError("It was sealed with another SECRET_KEY. Enter it again.", again=False) from None
    if delivery.channel.kind == AlertChannel.Kind.EMAIL:
        about = "operations" if delivery.alert.rule in WATCHES else "credits"
        _mail(target, f"Tikdash: {subject.lower()} about {about}", text)
    else:
        _post(target, text, delivery)


def _mail(address: str, subject: str, text: str) -> None:
    try:
        EmailMessage(subject, text + "\n", None, [address]).send()
    except smtplib.SMTPRecipientsRefused:
        raise _UndeliveredError("The mail server takes nothing for this address.", again=False) from None
    except (smtplib.SMTPException, OSError) as error:
        raise _UndeliveredError(f"The mail server did not take it ({type(error).__name__}).", again=True) from None


def _post(url: str, text: str, delivery: AlertDelivery) -> None:
    body = orjson.dumps({"text": text})
    # The same id at every try: a receiver that keeps ids can tell that it has it already.
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"alert-{delivery.pk}-{delivery.notice}"}
    try:
        answer = fetch(
            url, limits=LIMITS, method="POST", headers=headers, body=body, trusted=settings.WEBHOOK_HOSTS_TRUSTED
        )
    except AddressRefused as error:
        raise _UndeliveredError(str(error), again=False) from None
    except OutgoingError as error:
        raise _UndeliveredError(str(error), again=True) from None
    if not 200 <= answer.status < 300:
        again = answer.status >= 500 or answer.status in PASSING
        raise _UndeliveredError(f"The webhook answered {answer.status}.", again=again)
