"""Our copies of an account's avatar and of covers of its stories and newest posts. Spends no credits, sends no key."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import Result, account_of, say
from snapshots.picture_names import file_name
from snapshots.pictures.fetching import PictureGoneError, fetch_picture
from snapshots.pictures.files import keep_file
from snapshots.pictures.resizing import NotAPictureError
from snapshots.pictures.rows import DuePicture, Outcome, due_pictures, store_outcomes
from snapshots.scheduling.leases import RunningJob
from snapshots.services.stopping import is_stopping
from tikdash.outgoing import AddressRefused, AnswerTooLarge, NoAnswer
from tikdash.tiklive.errors import NotAdmitted
from tikdash.words import counted

log = structlog.get_logger(__name__)

COVERS_A_RUN = 40
#: A run ends well within its lease, and does not ask a server on and on that does not answer.
LONGEST_RUN_S = 120.0
MOST_SILENT = 5
#: So often a job fails as a whole because nothing answers; then it is noted of each picture, and the job goes on.
FAILURES_OF_ALL = 2


class MorePictures(NotAdmitted):
    """There is more to fetch; the job goes on when it is its turn again."""

    code = "continues"
    message = "The next pictures follow in a moment."


@dataclass(frozen=True, slots=True)
class _Tried:
    """A picture with its copy, or with why there is none."""

    picture: DuePicture
    file: str = ""
    silent: NoAnswer | None = None


def run_pictures(tenant: TenantRef, job: RunningJob) -> Result:
    """Copies the avatar where it is a new one, and of stories and posts COVERS_A_RUN covers that we lack, newest first.

    A picture that cannot be had is noted and does not fail the job. Raises NoAnswer where no server answered at all.
    """
    account = account_of(job)
    tried = list(_try_each(tenant, due_pictures(account, most_covers=COVERS_A_RUN)))
    silent = [each.silent for each in tried if each.silent is not None]
    if silent and len(silent) == len(tried) and job.attempts < FAILURES_OF_ALL:
        raise NoAnswer(f"No picture could be fetched: {silent[-1]}")
    store_outcomes(account, [Outcome(each.picture, each.file) for each in tried])
    if due_pictures(account_of(job), most_covers=1):
        raise MorePictures(retry_after=1.0)
    kept = sum(bool(each.file) for each in tried)
    failed = len(tried) - kept
    return say(account, counted(kept, "new picture") + (f", {failed} not to be had" if failed else ""))


def _try_each(tenant: TenantRef, due: Sequence[DuePicture]) -> Iterator[_Tried]:
    ends_at = time.monotonic() + LONGEST_RUN_S
    silent_in_row = 0
    for picture in due:
        if is_stopping() or silent_in_row == MOST_SILENT or time.monotonic() > ends_at:
            return
        tried = _try(tenant, picture)
        silent_in_row = silent_in_row + 1 if tried.silent else 0
        yield tried


def _try(tenant: TenantRef, picture: DuePicture) -> _Tried:
    try:
        content = fetch_picture(picture.url, picture.kind)
    except NoAnswer as error:
        return _Tried(picture, silent=error)
    except (AddressRefused, AnswerTooLarge, PictureGoneError, NotAPictureError) as error:
        log.info("picture_not_kept", kind=picture.kind, subject=picture.subject_id, code=error.code, error=str(error))
        return _Tried(picture)
    name = file_name(tenant.id, picture.kind, picture.subject_id, content)
    keep_file(name, content)
    return _Tried(picture, name)
