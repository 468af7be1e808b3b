"""Work for people who wait while Redis is gone: the worker takes their jobs from the table itself.

Without Redis no task reaches a worker and no request can be counted, so background work stands still. A person's
refresh goes on, slowly: the client spaces such calls by PostgreSQL's clock.
"""

from __future__ import annotations

import threading

import structlog
from django.db import connection

from accounts.selectors import schemas, tenant_by_id
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import ClaimedJob, claim, without_waking
from snapshots.scheduling.leases import give_back
from snapshots.services.jobs import run_jobs
from tikdash.db.scope import all_tenants
from tikdash.redis import RedisGone, server

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
MOST_AT_A_TIME = 2


def redis_answers() -> bool:
    """Whether Redis answers now."""
    try:
        with server().reached() as redis:
            return bool(redis.ping())
    except RedisGone:
        return False


class Substitute(threading.Thread):
    """Serves people while Redis is gone, in a worker process, until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(name="without-redis", daemon=True)
        self._stopping = threading.Event()

    def run(self) -> None:
        serving = False
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                if redis_answers():
                    if serving:
                        log.warning("redis_is_back")
                    serving = False
                    continue
                if not serving:
                    log.warning("redis_is_gone", does="serves people only, from PostgreSQL")
                serving = True
                self.serve_people()
            except Exception as error:  # noqa: BLE001  (whatever it was, the next look may find it mended)
                log.error("without_redis_failed", error=f"{type(error).__name__}: {_first_line(error)}")
            finally:
                # Idle for nearly all of its life: the pool gets the connection back.
                connection.close()

    def stop(self) -> None:
        """Begins nothing more; ends after the job that runs now."""
        self._stopping.set()

    def serve_people(self) -> int:
        """Runs interactive jobs that are due, a few, over all shards; returns how many it ran."""
        room = {FetchJob.Queue.INTERACTIVE.value: MOST_AT_A_TIME}
        ran = 0
        for schema in schemas():
            claimed = claim(schema, room)
            room[FetchJob.Queue.INTERACTIVE.value] -= len(claimed)
            ran += self._run(schema, claimed)
        return ran

    def _run(self, schema: str, claimed: list[ClaimedJob]) -> int:
        ran = 0
        for number, job in enumerate(claimed):
            if self._stopping.is_set():
                with all_tenants(schema):
                    give_back([left.id for left in claimed[number:]])
                break
            # What a job makes due at once, this thread finds at its next look.
            with without_waking():
                ran += len(run_jobs(tenant_by_id(job.tenant_id), [job.id]))
        return ran


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]
