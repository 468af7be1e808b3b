"""The two things whose counters are read again and again, and where their rows are."""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.ingest.normalise import ACCOUNT_COUNTERS, POST_COUNTERS
from snapshots.ingest.quality import ACCOUNT_JUMP, POST_JUMP, Jump


@dataclass(frozen=True)
class Subject:
    """Tables of newest counters, of days and of single readings; `key` names the subject in the latter two."""

    name: str
    table: str
    snapshots: str
    readings: str
    key: str
    counters: tuple[str, ...]
    jump: Jump


ACCOUNT = Subject(
    "account", "accounts", "account_snapshots", "account_readings", "account_id", ACCOUNT_COUNTERS, ACCOUNT_JUMP
)
POST = Subject("post", "posts", "post_snapshots", "post_readings", "post_id", POST_COUNTERS, POST_JUMP)
SUBJECTS = {subject.name: subject for subject in (ACCOUNT, POST)}
