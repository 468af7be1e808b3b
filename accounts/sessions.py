"""Django's session engine (`SESSION_ENGINE`): keys are stored as hashes, contents sealed.

A key has 165 random bits, so that SHA-256 alone gives nothing away and no pepper has to be kept for it. Contents are
sealed with a key made of SECRET_KEY: between two steps of a form they hold codes and links that open something.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction

from accounts.models import Session
from tikdash import clock
from tikdash.crypto import CannotUnseal, lock, unlock

PURPOSE = "accounts.sessions"
LONGEST_AGENT = 300
#: What the session of somebody who only looks holds (`accounts.services.looking`): id, `staff`, and their hash.
LOOK = "look"
#: Address and browser of whoever begins a session.
Visitor = tuple[str | None, str]


def hash_of_key(key: str) -> str:
    """What is kept of the key that the cookie holds."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()


class SessionStore(SessionBase):
    """A session by the key of its cookie. `visitor`, set by the middleware, says who begins it."""

    visitor: Callable[[], Visitor] = staticmethod(lambda: (None, ""))

    def load(self) -> dict[str, Any]:
        data = self._open().filter(key_hash=hash_of_key(self.session_key or "")).values_list("data", flat=True).first()
        if data is None:
            # A key that we did not give is never taken over.
            self._session_key = None
            return {}
        return self.decode(data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(key_hash=hash_of_key(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        session = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        key_hash = hash_of_key(self.session_key)
        # Whose browser it is: a look is in the list of the one who looks, and ends with their sessions.
        look = session.get(LOOK)
        user_id = look["staff"] if look else session.get(SESSION_KEY)
        fields: dict[str, Any] = {
            "data": self.encode(session), "expires_at": self.get_expiry_date(),
            "user_id": int(user_id) if user_id else None,
        }  # fmt: skip
        if not must_create:
            if not Session.objects.filter(key_hash=key_hash).update(**fields):
                raise UpdateError
            return None
        ip, agent = self.visitor()
        try:
            with transaction.atomic():
                Session.objects.create(
                    key_hash=key_hash, ip=ip, user_agent=agent[:LONGEST_AGENT], created_at=clock.now(), **fields
                )
        except IntegrityError:
            raise CreateError from None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(key_hash=hash_of_key(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expires_at__lt=clock.now()).delete()

    def encode(self, session_dict: dict[str, Any]) -> str:
        return lock(self.serializer().dumps(session_dict).decode("latin-1"), PURPOSE)

    def decode(self, session_data: str) -> dict[str, Any]:
        """What was sealed; of a session that was forged, or sealed with a key that is gone, nothing."""
        try:
            return dict(self.serializer().loads(unlock(session_data, PURPOSE).encode("latin-1")))
        except (CannotUnseal, ValueError):
            return {}

    @staticmethod
    def _open() -> Any:
        return Session.objects.filter(expires_at__gt=clock.now())
