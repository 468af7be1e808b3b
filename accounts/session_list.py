"""Where a person is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts.models import Session, User
from accounts.sessions import SessionStore, hash_of_key
from tikdash import clock


@dataclass(frozen=True)
class OpenSession:
    """A browser on one host; `is_current` for the one that asks."""

    ip: str | None
    user_agent: str
    since: datetime
    is_current: bool


def sessions_of(user: User, current_key: str) -> list[OpenSession]:
    """The person's sessions, the oldest first; without those that a changed password has ended."""
    rows = Session.objects.filter(user_id=user.pk, expires_at__gt=clock.now()).order_by("created_at")
    auth_hash, store = user.get_session_auth_hash(), SessionStore()
    return [
        OpenSession(row.ip, row.user_agent, row.created_at, row.key_hash == hash_of_key(current_key))
        for row in rows
        if constant_time_compare(store.decode(row.data).get(HASH_SESSION_KEY, ""), auth_hash)
    ]
