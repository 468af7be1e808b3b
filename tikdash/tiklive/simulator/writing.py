"""What creators write under their posts, and which hashtags they meant by it."""

from __future__ import annotations

from dataclasses import dataclass

from .chance import bell, pick, units
from .creators import Creator
from .wording import BOLD, EMOJI


@dataclass(frozen=True, slots=True)
class Writing:
    """A title as served (None: the upstream sends null) and its hashtags as written, without #."""

    title: str | None
    tags: tuple[str, ...] = ()


def write_title(creator: Creator, index: int) -> Writing:
    """What the creator wrote, with the forms that break naive code sprinkled in."""
    draws = units(creator.seed, "title", creator.id, index)
    phrases, tags = creator.language_words
    phrase = pick(phrases, draws[0])
    chosen = tuple(dict.fromkeys(pick(tags, draw) for draw in draws[1 : 2 + int(draws[6] * 5)]))
    form = draws[7]
    if form < 0.02:
        return Writing(None)
    if form < 0.04:
        return Writing("")
    if form < 0.06:
        return Writing(_long_title(phrase, chosen), chosen)
    if form < 0.10:
        return Writing(phrase + " " + "".join(f"#{tag}" for tag in chosen), chosen)
    if form < 0.12:
        return Writing(f"{phrase} ##foryoupage# fyp", ("foryoupage",))
    if form < 0.14:
        phrase = f"{BOLD} {phrase}"
    emoji = f" {pick(EMOJI, draws[8])}" if bell(draws[8:12]) > 0 else ""
    wolf = ("🐺",) if form > 0.98 else ()
    return Writing(f"{phrase}{emoji} " + " ".join(f"#{tag}" for tag in chosen + wolf), chosen + wolf)


def _long_title(phrase: str, tags: tuple[str, ...]) -> str:
    """Exactly 668 characters, the longest seen upstream."""
    text = " ".join(f"#{tag}" for tag in tags)
    return (f"{phrase}. " * (668 // (len(phrase) + 2) + 1))[: 667 - len(text)] + " " + text
