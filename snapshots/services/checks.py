"""What a check of a handle leaves behind when the handle turns out to be a person's who is left out."""

from __future__ import annotations

from accounts.services.personal import erase_names
from snapshots.models import FetchJob
from tikdash.db.scope import current_scope
from tikdash.tiklive.people import Person


def forget_check(job_id: int) -> None:
    """Takes the handle of a check out of whatever has it: the job, its list, the audit log."""
    job = FetchJob.objects.filter(pk=job_id).first()
    handle = job.params.get("handle") if job else ""
    if job is None or not handle:
        return
    job.params = job.params | {"handle": "", "tags": []}
    job.save(update_fields=["params"])
    erase_names(Person(handles=frozenset({handle})), current_scope().schema)
