"""Names that lead to one person at TikTok, and where they stand in texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

REMOVED = "[removed]"
#: A word that may be a handle. A dot at its end belongs to the sentence.
TOKEN = re.compile(r"[@#]?\w[\w.]*")
#: Shorter names without a sign in front are words like any other, and stay.
SHORTEST_BARE = 5


@dataclass(frozen=True)
class Person:
    """One person at TikTok: handles in lower case without @, ids as digits, sec_uids."""

    handles: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    sec_uids: frozenset[str] = frozenset()

    def __or__(self, other: Person) -> Person:
        return Person(self.handles | other.handles, self.ids | other.ids, self.sec_uids | other.sec_uids)

    def __bool__(self) -> bool:
        return bool(self.handles or self.ids or self.sec_uids)

    @property
    def names_pattern(self) -> str:
        """A regular expression, for Python and PostgreSQL alike, that finds handles and sec_uids in a text, also where
        that stands in JSON; to be used without regard to case."""
        bare = [re.escape(name) for name in sorted(self.handles) if is_distinctive(name)]
        signed = [f"[@#]{re.escape(name)}" for name in sorted(self.handles)]
        plain = [re.escape(name) for name in sorted(self.sec_uids)]
        return rf"(?:(?<!\w)(?<!\w\.)|(?<=\\[nrt]))(?:{'|'.join([*signed, *bare, *plain]) or NEVER})(?!\.?\w)"

    @property
    def ids_pattern(self) -> str:
        """The same for ids."""
        return rf"(?<!\d)(?:{'|'.join(sorted(self.ids)) or NEVER})(?!\d)"


#: Matches nothing, also in PostgreSQL.
NEVER = r"\d\D\d\D(?=x)y"


def is_distinctive(handle: str) -> bool:
    """Whether a handle that stands in a text without @ is taken for it."""
    return len(handle) >= SHORTEST_BARE or not handle.isalpha()
