"""What people find in their mailboxes."""

from __future__ import annotations

from typing import Any

from django.core import mail

from accounts.services.mails import deliver_waiting_mails


def outbox() -> list[Any]:
    """All mails so far, the waiting ones sent first, as a worker does after the commit."""
    deliver_waiting_mails()
    return mail.outbox  # type: ignore[no-any-return]
