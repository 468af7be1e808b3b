"""What each kind of job does: fetch, store, say what came. No database transaction is open during a call.

A kind is a module with one `run_…(tenant, job) -> Result` and a line in `RUNNERS`.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.selectors import TenantRef
from snapshots.ingest.kinds.audience import run_followers, run_following
from snapshots.ingest.kinds.backfill import run_backfill
from snapshots.ingest.kinds.comments import run_comments
from snapshots.ingest.kinds.common import RefusedError, Result
from snapshots.ingest.kinds.detail import run_detail
from snapshots.ingest.kinds.early import run_early
from snapshots.ingest.kinds.hashtag import run_hashtag
from snapshots.ingest.kinds.pictures import run_pictures
from snapshots.ingest.kinds.posts import run_posts
from snapshots.ingest.kinds.probe import run_probe
from snapshots.ingest.kinds.profile import run_profile
from snapshots.ingest.kinds.sound import run_sound
from snapshots.ingest.kinds.stories import run_stories
from snapshots.models import FetchJob
from snapshots.scheduling.leases import RunningJob

__all__ = ["RUNNERS", "RefusedError", "Result"]

RUNNERS: dict[str, Callable[[TenantRef, RunningJob], Result]] = {
    FetchJob.Kind.PROFILE: run_profile,
    FetchJob.Kind.POSTS: run_posts,
    FetchJob.Kind.EARLY: run_early,
    FetchJob.Kind.DETAIL: run_detail,
    FetchJob.Kind.COMMENTS: run_comments,
    FetchJob.Kind.FOLLOWERS: run_followers,
    FetchJob.Kind.FOLLOWING: run_following,
    FetchJob.Kind.STORIES: run_stories,
    FetchJob.Kind.HASHTAG: run_hashtag,
    FetchJob.Kind.SOUND: run_sound,
    FetchJob.Kind.PICTURES: run_pictures,
    FetchJob.Kind.PROBE: run_probe,
    FetchJob.Kind.BACKFILL: run_backfill,
}
