"""Hashtags: any name may be asked for; those the creators write have posts, the others are merely known."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from .chance import number, units
from .creators import UNKNOWN_PREFIXES
from .growth import REFERENCE_AT, YEAR
from .population import tag_key
from .wording import LANGUAGES, NICHES

ALWAYS_WRITTEN = ("foryoupage", "🐺")
LONGEST_NAME = 100
ID_BASE = 1_500_000_000_000_000


@dataclass(frozen=True, slots=True)
class Hashtag:
    """A hashtag as the upstream spells it; `written` says whether creators of the simulator use it."""

    id: int
    name: str
    written: bool


class Hashtags:
    """Names and ids of hashtags; safe for threads. Ids of names nobody writes are known once the name was asked."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._names: dict[int, Hashtag] = {}
        words = [tags for _, tags in NICHES.values()] + [language.tags for language in LANGUAGES.values()]
        for name in (*ALWAYS_WRITTEN, *(tag for tags in words for tag in tags)):
            self._note(name, True)

    def find(self, name: str) -> Hashtag | None:
        """The hashtag of this name without #, in any case of letters."""
        key = tag_key(name)
        if not key or len(key) > LONGEST_NAME or "#" in key or " " in key or key.startswith(UNKNOWN_PREFIXES):
            return None
        return self._names.get(self._id(key)) or self._note(key, False)

    def by_id(self, hashtag_id: int) -> Hashtag | None:
        """The hashtag with this id."""
        return self._names.get(hashtag_id)

    def counts(self, hashtag: Hashtag, at: float) -> tuple[int, int]:
        """Users and views all over the world, far more than a search shows; neither falls."""
        size, shape, pace, *_ = units(self._seed, "hashtag", hashtag.id)
        views = math.exp(14 + 11 * size if hashtag.written else 7 + 7 * size)
        views *= math.exp((0.05 + 0.5 * pace) * (at - REFERENCE_AT) / YEAR)
        users = views / (500 + 4_000 * shape)
        return int(users) + (2_000 if hashtag.written else 1), int(views)

    def _id(self, key: str) -> int:
        return ID_BASE + number(self._seed, "hashtag id", key) % 2**52

    def _note(self, name: str, written: bool) -> Hashtag:
        hashtag = Hashtag(self._id(tag_key(name)), name, written)
        with self._lock:
            return self._names.setdefault(hashtag.id, hashtag)
