"""Celery tasks of accounts."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings

from accounts.key_list import waiting_keys
from accounts.selectors import tenant_by_id
from accounts.services import (
    auditing,
    batches,
    changing,
    erasing,
    export_files,
    export_making,
    incidents,
    looking,
    mails,
    moving,
    own_keys,
    people,
    privacy,
    repeating,
    signing_up,
)
from tikdash.errors import TikdashError

log = structlog.get_logger(__name__)


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


@shared_task(name="accounts.try_key_again", ignore_result=True)
def try_key_again(tenant_id: int) -> None:
    """Tries a key in use because operators asked. Twice: it is tried twice."""
    own_keys.try_again(tenant=tenant_by_id(tenant_id))


@shared_task(name="accounts.move_tenant", ignore_result=True)
def move_tenant(tenant_id: int, dedicated: bool) -> None:
    """Moves a tenant's rows because operators asked. Twice, or after a worker died: goes on where it stopped."""
    moving.carry_out(tenant=tenant_by_id(tenant_id), dedicated=dedicated, is_busy=erasing.is_busy())


@shared_task(name="accounts.go_on_with_batch", ignore_result=True)
def go_on_with_batch(run: str) -> None:
    """Does an action of operators to many rows, piece by piece. Twice: goes on where it stopped; a row that is done
    again is left as it is."""
    batches.go_on_with_batch(run)


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


@shared_task(name="accounts.erase_due_tenants", ignore_result=True)
def erase_due_tenants() -> None:
    """Erases workspaces whose day has come, and goes on with what a killed run left. Twice, or by two at once: what is
    gone is gone, and is counted once."""
    for erasure_id in erasing.due_erasures():
        try:
            erasing.erase_tenant(erasure_id=erasure_id, wait_s=0)
        except TikdashError as error:
            # Jobs run, or rows were written meanwhile: the next round goes on.
            log.warning("erasure_waits", erasure=str(erasure_id), why=str(error))


@shared_task(name="accounts.erase_person", ignore_result=True)
def erase_person(request_id: int) -> None:
    """Erases the person of a request. Twice, or by two at once: what is gone is gone."""
    privacy.carry_out(request_id)


@shared_task(name="accounts.go_on_with_requests", ignore_result=True)
def go_on_with_requests() -> None:
    """Erasures of people whose message or worker got lost, and those that are looked for once more. Twice: as above."""
    for request_id in privacy.waiting_erasures():
        privacy.carry_out(request_id)


@shared_task(name="accounts.end_looks", ignore_result=True)
def end_looks() -> None:
    """Writes down the end of looks whose time is over. Twice, or by two at once: each ends once."""
    looking.end_looks_over()


@shared_task(name="accounts.make_export", ignore_result=True)
def make_export(export_id: str) -> None:
    """Makes the file of an export. Twice, or by two at once: one worker has it at a time, and what is made stays."""
    if export_making.make_export(UUID(export_id)):
        # Whatever waited for its turn.
        export_making.go_on_with_exports()


@shared_task(name="accounts.go_on_with_exports", ignore_result=True)
def go_on_with_exports() -> None:
    """Wakes workers for exports whose message or worker got lost. Twice: as above."""
    export_making.go_on_with_exports()


@shared_task(name="accounts.drop_old_exports", ignore_result=True)
def drop_old_exports() -> None:
    """Deletes exported files whose time is over. Twice: the second run finds none."""
    export_files.drop_old_exports()


@shared_task(name="accounts.forget_ended_sessions", ignore_result=True)
def forget_ended_sessions() -> None:
    """Deletes sessions whose time is over, and the API's answers of yesterday. Twice: the second run finds none."""
    people.forget_ended_sessions()
    repeating.forget_answers()


@shared_task(name="accounts.send_mail", ignore_result=True)
def send_mail(mail_id: int) -> None:
    """Sends one mail that waits. Twice: whoever is second finds it gone, or not due."""
    mails.deliver_mail(mail_id)


@shared_task(name="accounts.send_waiting_mails", ignore_result=True)
def send_waiting_mails() -> None:
    """Sends mails whose message got lost, or that the mail server did not take. Twice: each is sent by one of them."""
    mails.deliver_waiting_mails()
