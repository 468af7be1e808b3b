"""How far somebody is with a limit, in words: before it, at it, and beyond. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FINE, NEAR, AT, GRACE, PAUSED = "fine", "near", "at", "grace", "paused"
NEAR_FROM = 0.8


@dataclass(frozen=True)
class Standing:
    """Where `used` of `limit` is. `sentence` says what happens at the limit and beyond it; data is never dropped."""

    state: str
    used: int
    limit: int
    sentence: str

    @property
    def permille(self) -> int:
        """Used as a part of the limit in thousandths, at most all of them: for a bar."""
        return min(1000, self.used * 1000 // self.limit)


def standing(used: int, limit: int, *, grace: int = 0, what: str, then: str) -> Standing:
    """`grace` is how much beyond the limit goes on as before; `then` is what happens when that is used up, too."""
    if used < limit * NEAR_FROM:
        return Standing(FINE, used, limit, f"{limit - used:,} {what} left.")
    if used < limit:
        return Standing(NEAR, used, limit, f"{limit - used:,} {what} left. At {limit:,} {then}.")
    kept = "Nothing that is kept is dropped."
    if used < limit + grace:
        left = limit + grace - used
        sentence = f"Beyond {limit:,} {what}: everything goes on for {left:,} more, then {then}."
        return Standing(GRACE, used, limit, sentence)
    if used == limit:
        return Standing(AT, used, limit, f"All {limit:,} {what} are in use: {then}. {kept}")
    return Standing(PAUSED, used, limit, f"{used:,} of {limit:,} {what} are used: {then}. {kept}")
