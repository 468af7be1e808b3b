"""Mails to people: one text each, from which the HTML beside it is made, so that both always say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from smtplib import SMTPException
from typing import Any, Literal

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from tikdash.errors import Unavailable

log = structlog.get_logger(__name__)

URL = re.compile(r"https?://\S+")
CODE = re.compile(r"[A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8})*")

Part = tuple[Literal["text", "link", "code"], str]


def send_mail(*, template: str, to: str, context: Mapping[str, Any], language: str = "") -> None:
    """Sends `TEMPLATE_subject.txt` and `TEMPLATE_message.txt` to one address, in its language where that is known.

    Raises Unavailable where the mail server does not take it.
    """
    with translation.override(language or translation.get_language() or settings.LANGUAGE_CODE):
        subject = render_to_string(f"{template}_subject.txt", context)
        message = compose(subject=subject, text=render_to_string(f"{template}_message.txt", context), to=to)
    deliver(message, template)


def compose(*, subject: str, text: str, to: str) -> EmailMultiAlternatives:
    """The mail with `text` and the same as HTML; whatever was typed into it is escaped there."""
    text = re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"
    message = EmailMultiAlternatives(" ".join(subject.split()), text, settings.DEFAULT_FROM_EMAIL, [to])
    message.attach_alternative(render_to_string("emails/layout.html", {"parts": parts_of(text)}), "text/html")
    return message


def deliver(message: EmailMultiAlternatives, template: str) -> None:
    """Hands the mail to the mail server. Raises Unavailable where it does not take it."""
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.error("mail_not_sent", template=template, error=type(error).__name__)
        raise Unavailable("The mail could not be sent. Try again in a few minutes.") from error


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
