"""What each kind of job does: fetch, store, say what came. No database transaction is open during a call.

A kind is a module with one `run_…(tenant, job) -> Result` and a line in `RUNNERS`.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.common import RefusedError, Result
from snapshots.ingest.kinds.posts import run_posts
from snapshots.ingest.kinds.probe import run_probe
from snapshots.ingest.kinds.profile import run_profile
from snapshots.models import FetchJob
from snapshots.scheduling.leases import RunningJob

__all__ = ["RUNNERS", "RefusedError", "Result"]

RUNNERS: dict[str, Callable[[TenantRef, RunningJob], Result]] = {
    FetchJob.Kind.PROFILE: run_profile,
    FetchJob.Kind.POSTS: run_posts,
    FetchJob.Kind.PROBE: run_probe,
}
