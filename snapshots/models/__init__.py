from snapshots.models.accounts import AccountHandle, AccountSnapshot, TrackedAccount
from snapshots.models.jobs import FetchJob
from snapshots.models.posts import Post, PostSnapshot

__all__ = ["AccountHandle", "AccountSnapshot", "FetchJob", "Post", "PostSnapshot", "TrackedAccount"]
