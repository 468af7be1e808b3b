"""People of whom we keep nothing: known by keyed digests alone, asked by the client for whatever the upstream tells.

A process knows the digests for some seconds; who was added meanwhile by another process is looked for once more by the
sweep that follows every erasure (`accounts.services.privacy`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from accounts.models import LeftOut, PrivacyRequest
from tikdash import clock
from tikdash.crypto import current_pepper, keyed_digest
from tikdash.errors import BadInput
from tikdash.tiklive.people import REMOVED, TOKEN, Person, is_distinctive
from tikdash.words import gettext

PURPOSE = "person who is left out"
KNOWN_FOR_S = 5.0
#: Answers that a process remembers, until it asks anew.
MOST_REMEMBERED = 50_000
VERSION = "SELECT count(*), coalesce(max(id), 0) FROM public.left_out"
ALL = "SELECT what, digest, pepper_id, request_id FROM public.left_out"
What = LeftOut.What


class PersonIsLeftOut(BadInput):
    """Somebody wants to track a person of whom we keep nothing."""

    code = "person_left_out"
    status = 409


@dataclass
class _Known:
    """What a process knows: requests by digest, those whose person is known by an id, and what it was asked before."""

    version: tuple[int, int] = (0, 0)
    request_of: dict[str, int] = field(default_factory=dict)
    with_id: set[int] = field(default_factory=set)
    peppers: list[str] = field(default_factory=list)
    asked: dict[tuple[str, str], int | None] = field(default_factory=dict)


class LeftOutPeople:
    """See `tikdash.tiklive.sieve.People`."""

    def __init__(self) -> None:
        self._known, self._read_at = _Known(), 0.0
        self._lock = threading.Lock()

    def is_nobody(self) -> bool:
        return not self._now().request_of

    def is_left_out(self, *, id: str | None = None, handle: str | None = None, sec_uid: str | None = None) -> bool:
        """By id or sec_uid, which never change; by handle where nothing says that it is another person's by now."""
        known = self._now()
        if not known.request_of:
            return False
        if (id and _request(known, What.ID, id)) or (sec_uid and _request(known, What.SEC_UID, sec_uid)):
            return True
        request = _request(known, What.HANDLE, handle.lower()) if handle else None
        return request is not None and not (id and request in known.with_id)

    def without_names(self, text: str) -> str:
        known = self._now()
        if not known.request_of:
            return text
        found = TOKEN.sub(lambda match: _blanked(known, match[0]), text)
        return text if found == text else found

    def forget(self) -> None:
        """The next question is answered by the database."""
        self._known, self._read_at = _Known(), 0.0

    def _now(self) -> _Known:
        if time.monotonic() - self._read_at < KNOWN_FOR_S:
            return self._known
        with self._lock, connection.cursor() as cursor:
            cursor.execute(VERSION)
            version = cursor.fetchone()
            if version != self._known.version:
                cursor.execute(ALL)
                self._known = _read(version, cursor.fetchall())
            self._read_at = time.monotonic()
        return self._known


left_out = LeftOutPeople()


def refuse_left_out(handle: str) -> None:
    """For handles that people type. Raises PersonIsLeftOut."""
    if left_out.is_left_out(handle=handle):
        raise PersonIsLeftOut(gettext("No data is kept about this account: its owner has asked for that."))


def leave_out(person: Person, request: PrivacyRequest) -> list[str]:
    """Keeps the person out from now on; returns the digests. Twice: they are there. In the caller's transaction."""
    pepper, now = current_pepper(), clock.now()
    entries = [
        LeftOut(what=what, digest=_digest(what, name, pepper), pepper_id=pepper, request=request, created_at=now)
        for what, name in names_of(person)
    ]
    LeftOut.objects.bulk_create(entries, ignore_conflicts=True)
    left_out.forget()
    return [entry.digest for entry in entries]


def names_of(person: Person) -> Iterable[tuple[str, str]]:
    """Each name of a person with what it is."""
    yield from ((What.HANDLE, name) for name in sorted(person.handles))
    yield from ((What.ID, name) for name in sorted(person.ids))
    yield from ((What.SEC_UID, name) for name in sorted(person.sec_uids))


def lost_peppers() -> set[str]:
    """Peppers that entries were made with and that have left the settings: these people are no longer recognised."""
    return set(LeftOut.objects.values_list("pepper_id", flat=True).distinct()) - settings.TOKEN_PEPPERS.keys()


def _read(version: tuple[int, int], rows: list[tuple[str, str, str, int]]) -> _Known:
    return _Known(
        version,
        {digest: request for _what, digest, _pepper, request in rows},
        {request for what, _digest, _pepper, request in rows if what == What.ID},
        [pepper for pepper in dict.fromkeys(row[2] for row in rows) if pepper in settings.TOKEN_PEPPERS],
    )


def _request(known: _Known, what: str, name: str) -> int | None:
    asked = known.asked
    if (what, name) not in asked:
        if len(asked) > MOST_REMEMBERED:
            asked.clear()
        found = (known.request_of.get(_digest(what, name, pepper)) for pepper in known.peppers)
        asked[what, name] = next((request for request in found if request is not None), None)
    return asked.get((what, name))


def _blanked(known: _Known, token: str) -> str:
    word = token.rstrip(".")
    name = word.lstrip("@#").lower()
    is_one = word != name or is_distinctive(name)
    return REMOVED + token[len(word) :] if is_one and _request(known, What.HANDLE, name) is not None else token


def _digest(what: str, name: str, pepper_id: str) -> str:
    return keyed_digest(f"{PURPOSE}: {what}", name, pepper_id)
