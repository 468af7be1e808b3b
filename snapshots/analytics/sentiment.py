"""Are comments kind? By short lists of words and emoji: a comment that holds none of them is unknown. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from snapshots.analytics.sentiment_words import (
    DENYING_BACKWARDS,
    NEGATIONS,
    NEGATIVE_EMOJI,
    POSITIVE_EMOJI,
    SIGNS,
    TURNS,
)
from tikdash.words import gettext

Tone = Literal["positive", "negative", "neutral", "unknown"]
#: Fewer comments with a known word say nothing about an account.
FEWEST_JUDGED = 20
NEGATION_REACHES = 3
LONGEST_JUDGED = 1_000

_CLAUSES = re.compile(r"[.,;:!?…\n¡¿()]+")
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LONG_DRAWN = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True)
class Sentiment:
    """How many of `n` comments are kind, unkind, neither, or hold no known word.

    Shares are of the judged ones, from 0 to 1; None with a `reason` where fewer than `FEWEST_JUDGED` are. `coverage` is
    the share of comments that could be judged, None without comments.
    """

    n: int
    positive: int
    negative: int
    neutral: int
    unknown: int
    positive_share: float | None
    negative_share: float | None
    coverage: float | None
    reason: str

    @property
    def judged(self) -> int:
        return self.n - self.unknown


def tone_of(text: str) -> Tone:
    """The tone of one comment. A negation within three words turns a word round; emoji count as they are."""
    text = normalize("NFKC", text[:LONGEST_JUDGED]).replace("’", "'")
    signs = [sign for clause in _CLAUSES.split(text.casefold()) for sign in _signs_of_words(clause)]
    signs += [1 for character in text if character in POSITIVE_EMOJI]
    signs += [-1 for character in text if character in NEGATIVE_EMOJI]
    if not signs:
        return "unknown"
    total = sum(signs)
    return "positive" if total > 0 else "negative" if total < 0 else "neutral"


def summary(texts: Iterable[str]) -> Sentiment:
    """The tones of some comments together."""
    tones = Counter(map(tone_of, texts))
    n = tones.total()
    judged = n - tones["unknown"]
    enough = judged >= FEWEST_JUDGED
    return Sentiment(
        n=n,
        positive=tones["positive"],
        negative=tones["negative"],
        neutral=tones["neutral"],
        unknown=tones["unknown"],
        positive_share=tones["positive"] / judged if enough else None,
        negative_share=tones["negative"] / judged if enough else None,
        coverage=judged / n if n else None,
        reason=""
        if enough
        else gettext("Needs {fewest_judged} comments with a known word; {judged} of {n} have one.").format(
            fewest_judged=FEWEST_JUDGED, judged=judged, n=n
        ),
    )


def _signs_of_words(clause: str) -> Iterator[int]:
    words = list(_words_of(clause))
    begins = 0
    for place, word in enumerate(words):
        if word in TURNS:
            begins = place + 1
        sign = SIGNS.get(word)
        if sign is None:
            continue
        behind = _until_turn(words[place + 1 : place + 1 + NEGATION_REACHES])
        denied = not NEGATIONS.isdisjoint(words[max(begins, place - NEGATION_REACHES) : place])
        yield -sign if denied or not DENYING_BACKWARDS.isdisjoint(behind) else sign


def _until_turn(words: list[str]) -> list[str]:
    end = next((place for place, word in enumerate(words) if word in TURNS), len(words))
    return words[:end]


def _words_of(clause: str) -> Iterator[str]:
    """The words; what French elides stands apart (j'aime), and letters that are drawn long are written once."""
    for found in _WORDS.findall(clause):
        for word in [found] if found in NEGATIONS else found.split("'"):
            yield word if word in SIGNS else _shortened(word)


def _shortened(word: str) -> str:
    if not _LONG_DRAWN.search(word):
        return word
    twice, once = _LONG_DRAWN.sub(r"\1\1", word), _LONG_DRAWN.sub(r"\1", word)
    return twice if twice in SIGNS else once
