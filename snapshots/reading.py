"""Whose results anybody sees: what each kind of job stores, and which of that pages, exports and analytics read.

Derived from the code that reads, so that a page that is taken away shows its kind of job as credits without a reader.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from snapshots import models
from snapshots.models import FetchJob

Kind = FetchJob.Kind
#: What a run of each kind fetches, by the tables in which it is stored.
STORES: dict[str, tuple[str, ...]] = {
    Kind.PROFILE: ("account_snapshots", "account_readings"),
    Kind.POSTS: ("posts", "post_snapshots"),
    Kind.EARLY: ("post_readings",),
    Kind.DETAIL: ("posts",),
    Kind.COMMENTS: ("comments",),
    Kind.FOLLOWERS: ("audience_samples", "audience_members"),
    Kind.FOLLOWING: ("audience_samples", "audience_members"),
    Kind.STORIES: ("stories",),
    Kind.HASHTAG: ("hashtags", "hashtag_snapshots"),
    Kind.SOUND: ("sounds", "sound_snapshots"),
    Kind.PROBE: ("accounts",),
    Kind.BACKFILL: ("posts",),
}
#: Modules that show something to somebody, below this package.
READERS = ("analytics", "exports", "web", "selectors.py")


def kinds_read() -> frozenset[str]:
    """Kinds of jobs (the features of the ledger) of whose results something is shown."""
    return frozenset(str(kind) for kind, tables in STORES.items() if any(map(_is_read, tables)))


@cache
def _is_read(table: str) -> bool:
    names = "|".join([re.escape(table), *_models().get(table, [])])
    return re.search(rf"\b(?:{names})\b", _readers()) is not None


@cache
def _models() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in models.__all__:
        meta = getattr(getattr(models, name), "_meta", None)
        if meta is not None:
            found.setdefault(meta.db_table, []).append(name)
    return found


@cache
def _readers() -> str:
    """Their source; empty where a deployment has none: then nothing is said to be read."""
    root = Path(__file__).parent
    paths = [
        path for name in READERS for path in ((root / name).rglob("*.py") if (root / name).is_dir() else [root / name])
    ]
    return "\n".join(path.read_text() for path in paths)
