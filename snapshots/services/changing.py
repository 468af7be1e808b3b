"""Changing one account: why it is tracked, its tags, and whether it is read."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.services.auditing import Target, record
from snapshots.models import TrackedAccount
from snapshots.services.bulk import pause_accounts, resume_accounts
from snapshots.services.sights import say_seen
from tikdash.errors import NotFound
from tikdash.words import gettext


def change_account(
    *,
    account_id: int,
    reason: str | None = None,
    tags: Sequence[str] | None = None,
    paused: bool | None = None,
) -> None:
    """Changes what is not None; `tags` are all of its tags, cleaned. Twice: as once. Raises NotFound."""
    with transaction.atomic():
        account = TrackedAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
        if account is None:
            raise NotFound(gettext("There is no such account in this workspace."))
        before = {"reason": account.tracked_reason, "tags": account.tags}
        after = {
            "reason": account.tracked_reason if reason is None else reason,
            "tags": account.tags if tags is None else list(tags),
        }
        if after != before:
            account.tracked_reason, account.tags = str(after["reason"]), list(after["tags"])
            account.save(update_fields=["tracked_reason", "tags"])
            if after["tags"] != before["tags"]:
                say_seen([account_id])
            target = Target("account", account_id, f"@{account.username}")
            record("account.changed", target=target, before=before, after=after)
        if paused is not None:
            (pause_accounts if paused else resume_accounts)(account_ids=[account_id])
