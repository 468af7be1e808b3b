"""Mails to people: one text each, from which the HTML beside it is made, so that both always say the same.

A mail is a row in the transaction of what it tells of, and a worker sends it after the commit: no page waits for the
mail server, and nothing is lost where Redis, the worker or the mail server is away. The message to the worker is the
row's id; what the mail says is sealed in the row, and gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from smtplib import SMTPException
from typing import Any, Literal

import orjson
import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import WaitingMail
from tikdash import clock
from tikdash.crypto import CannotUnseal, lock, unlock
from tikdash.db.scope import no_scope

log = structlog.get_logger(__name__)

TASK = "accounts.send_mail"
PURPOSE = "accounts.mails"
#: Who sends a mail has it for so long; then the next round takes it up.
SENT_WITHIN = timedelta(minutes=2)
#: The second try is so far from the first, the third twice as far, and so on: the last one after about a day.
RETRY_AFTER, LONGEST_RETRY, ATTEMPTS = timedelta(seconds=30), timedelta(hours=3), 16
MOST_IN_A_ROUND = 100

URL = re.compile(r"https?://\S+")
CODE = re.compile(r"[A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})*")

Part = tuple[Literal["text", "link", "code"], str]


def send_mail(*, template: str, to: str, context: Mapping[str, Any], language: str = "") -> None:
    """Keeps `TEMPLATE_subject.txt` and `TEMPLATE_message.txt` for one address, in its language where that is known, and
    has it sent when the transaction is through."""
    language = language or translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        subject = render_to_string(f"{template}_subject.txt", context)
        text = render_to_string(f"{template}_message.txt", context)
    content = orjson.dumps({"to": to, "subject": subject, "text": text, "language": language}).decode()
    now = clock.now()
    with no_scope():
        row = WaitingMail.objects.create(
            template=template[:120], content=lock(content, PURPOSE), created_at=now, due_at=now
        )
    transaction.on_commit(partial(_wake_worker, row.pk))


def deliver_mail(mail_id: int) -> bool:
    """Hands a mail to the mail server; False where it is gone, not due, or was not taken and waits for another try.

    Two workers at once: one of them does it. Whoever is killed between the mail server's yes and ours sends it twice.
    """
    with no_scope():
        now = clock.now()
        if not WaitingMail.objects.filter(pk=mail_id, due_at__lte=now).update(
            due_at=now + SENT_WITHIN, attempts=F("attempts") + 1
        ):
            return False
        row = WaitingMail.objects.filter(pk=mail_id).first()
        if row is None:
            return False
        try:
            fields = orjson.loads(unlock(row.content, PURPOSE))
            with translation.override(fields.pop("language")):
                compose(**fields).send()
        except (SMTPException, OSError, CannotUnseal) as error:
            _put_back(row, type(error).__name__)
            return False
        row.delete()
    return True


def deliver_waiting_mails() -> int:
    """Sends all mails that are due; returns how many were taken."""
    with no_scope():
        due = list(WaitingMail.objects.filter(due_at__lte=clock.now()).values_list("pk", flat=True)[:MOST_IN_A_ROUND])
    return sum(deliver_mail(mail_id) for mail_id in due)


def compose(*, subject: str, text: str, to: str) -> EmailMultiAlternatives:
    """The mail with `text` and the same as HTML; whatever was typed into it is escaped there."""
    text = re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"
    message = EmailMultiAlternatives(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [to])
    message.attach_alternative(render_to_string("emails/layout.html", {"parts": parts_of(text)}), "text/html")
    return message


def parts_of(text: str) -> list[Part]:
    """The paragraphs of a text: an address that stands alone is a link to press, a code that stands alone a code."""
    parts: list[Part] = []
    for paragraph in filter(None, (part.strip() for part in text.split("\n\n"))):
        if URL.fullmatch(paragraph):
            parts.append(("link", paragraph))
        elif CODE.fullmatch(paragraph):
            parts.append(("code", paragraph))
        else:
            parts.append(("text", paragraph))
    return parts


def _put_back(row: WaitingMail, why: str) -> None:
    if row.attempts >= ATTEMPTS:
        log.error("mail_given_up", template=row.template, attempts=row.attempts, why=why)
        row.delete()
        return
    log.warning("mail_not_sent", template=row.template, attempts=row.attempts, why=why)
    row.due_at = clock.now() + min(RETRY_AFTER * 2 ** (row.attempts - 1), LONGEST_RETRY)
    row.save(update_fields=["due_at"])


def _wake_worker(mail_id: int) -> None:
    """Where the message gets lost, the timetable's round finds the row."""
    try:
        current_app.send_task(TASK, args=[mail_id])
    except (BrokerError, RedisError, OSError) as error:
        log.warning("message_not_sent", task=TASK, why=type(error).__name__)
