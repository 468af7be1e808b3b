from snapshots.models.accounts import AccountHandle, AccountSnapshot, TrackedAccount
from snapshots.models.audience import AudienceMember, AudienceSample
from snapshots.models.comments import Comment
from snapshots.models.decisions import ValueDecision
from snapshots.models.imports import ImportBatch, Removal
from snapshots.models.jobs import FetchJob
from snapshots.models.notes import AccountNote
from snapshots.models.posts import Post, PostSnapshot
from snapshots.models.readings import AccountReading, PostReading
from snapshots.models.sights import AccountSight
from snapshots.models.sounds import Sound, SoundSnapshot
from snapshots.models.stories import Story
from snapshots.models.tags import Hashtag, HashtagSnapshot, PostHashtag
from snapshots.models.versions import AccountVersion

__all__ = [
    "AccountHandle",
    "AccountNote",
    "AccountReading",
    "AccountSight",
    "AccountSnapshot",
    "AccountVersion",
    "AudienceMember",
    "AudienceSample",
    "Comment",
    "FetchJob",
    "Hashtag",
    "HashtagSnapshot",
    "ImportBatch",
    "Post",
    "PostHashtag",
    "PostReading",
    "PostSnapshot",
    "Removal",
    "Sound",
    "SoundSnapshot",
    "Story",
    "TrackedAccount",
    "ValueDecision",
]
