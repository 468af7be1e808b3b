"""Celery tasks of accounts."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from accounts.key_list import waiting_keys
from accounts.selectors import tenant_by_id
from accounts.services import auditing, changing, incidents, key_mails, own_keys, signing_up


@shared_task(name="accounts.make_partitions", ignore_result=True)
def make_partitions() -> None:
    """Makes the audit log's next months. Twice: those that exist are left alone."""
    auditing.make_partitions(settings.PARTITIONS_AHEAD_MONTHS)


@shared_task(name="accounts.drop_old_partitions", ignore_result=True)
def drop_old_partitions() -> None:
    """Drops months of the audit log that are kept no longer. Twice: the second run finds none."""
    auditing.drop_old_partitions(settings.AUDIT_KEPT_MONTHS)


@shared_task(name="accounts.check_key", ignore_result=True)
def check_key(tenant_id: int, key_id: int) -> None:
    """Tries a key that was pasted. Twice: one worker has it at a time, and what passed is not tried again."""
    own_keys.check_key(tenant=tenant_by_id(tenant_id), key_id=key_id)


@shared_task(name="accounts.check_waiting_keys", ignore_result=True)
def check_waiting_keys() -> None:
    """Tries keys whose message got lost, or whose worker did. Twice: as `check_key`."""
    for tenant_id, key_id in waiting_keys():
        own_keys.check_key(tenant=tenant_by_id(tenant_id), key_id=key_id)


@shared_task(
    name="accounts.tell_of_invalid_key", ignore_result=True, autoretry_for=(OSError,), retry_backoff=True, max_retries=5
)
def tell_of_invalid_key(tenant_id: int, key_id: int) -> None:
    """Writes to the owners that their key was refused. Twice: they read it twice; it is sent once for each key."""
    key_mails.tell_of_invalid_key(tenant=tenant_by_id(tenant_id), key_id=key_id)


@shared_task(name="accounts.end_trials", ignore_result=True)
def end_trials() -> None:
    """Ends trials whose time is over. Twice, or by two at once: each ends once."""
    changing.end_trials()


@shared_task(name="accounts.forget_unconfirmed", ignore_result=True)
def forget_unconfirmed() -> None:
    """Removes people who signed up days ago and never confirmed the address. Twice: the second run finds none."""
    signing_up.forget_unconfirmed()


@shared_task(name="accounts.watch_upstream", ignore_result=True)
def watch_upstream() -> None:
    """Takes down when the upstream does not answer. Twice, or by two at once: one incident at a time lasts."""
    incidents.watch_upstream()
