"""When the credits are used up, and which pack to buy next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing.forecast.series import Range
from billing.forecast.trend import DEVIATIONS, Pattern

#: How far ahead the end of the credits is looked for, days.
FARTHEST_AHEAD = 730
#: What is bought beyond the forecast: the least, and the most where the forecast is unsure.
LEAST_BUFFER, MOST_BUFFER = 0.2, 0.3


@dataclass(frozen=True)
class Emptying:
    """The day on which the balance will not do any more; None where that is beyond two years."""

    expected: date | None
    earliest: date | None
    latest: date | None

    def days_left(self, today: date) -> int | None:
        return (self.expected - today).days if self.expected else None


@dataclass(frozen=True)
class Offer:
    """A pack that can be bought."""

    name: str
    credits: int
    price_cents: int


@dataclass(frozen=True)
class Recommendation:
    """`number` times the pack `offer`; `need` is what it has to cover beyond the balance, buffer included."""

    offer: Offer | None
    number: int
    need: int
    buffer: float
    sentence: str

    @property
    def credits(self) -> int:
        return self.number * self.offer.credits if self.offer else 0

    @property
    def price_cents(self) -> int:
        return self.number * self.offer.price_cents if self.offer else 0


def empties(balance: float, pattern: Pattern, *, today: date, rest_of_today: float = 0.0) -> Emptying:
    """When a balance is used up by days like the pattern's, starting tomorrow, and the bounds of that day.

    `rest_of_today` is what today is still expected to take.
    """
    if balance <= 0:
        return Emptying(today, today, today)
    expected = earliest = latest = None
    total = rest_of_today
    if total > balance:
        return Emptying(today, today, None)
    for ahead in range(1, FARTHEST_AHEAD + 1):
        day = today + timedelta(days=ahead)
        total += pattern.on(day)
        reach = pattern.around(total, ahead, (day - pattern.last_day).days)
        if earliest is None and reach.high > balance:
            earliest = day
        if expected is None and reach.expected > balance:
            expected = day
        if reach.low > balance:
            latest = day
            break
    return Emptying(expected, earliest, latest)


def buffer_for(foreseen: Range) -> float:
    """The part to buy beyond the forecast: from 20 % where it is sure of itself to 30 % where it is not."""
    if foreseen.expected <= 0:
        return LEAST_BUFFER
    unsure = (foreseen.high - foreseen.expected) / foreseen.expected / DEVIATIONS
    return min(MOST_BUFFER, max(LEAST_BUFFER, unsure))


def recommend(foreseen: Range, balance: float, offers: Sequence[Offer]) -> Recommendation:
    """The cheapest number of packs of one kind that covers what is foreseen and a buffer; of equal prices the one with
    fewer packs. Without need nothing is bought.

    Raises ValueError for an offer without credits or with a negative price.
    """
    if any(offer.credits <= 0 or offer.price_cents < 0 for offer in offers):
        raise ValueError("A pack has credits, and no negative price.")
    buffer = buffer_for(foreseen)
    # The tenth decimal is float's, and must not buy a pack.
    need = max(0, math.ceil(round(foreseen.expected * (1 + buffer) - balance, 6)))
    if not need:
        return Recommendation(
            None, 0, 0, buffer, f"Nothing to buy: the balance covers the forecast and {buffer:.0%} more."
        )
    if not offers:
        return Recommendation(None, 0, need, buffer, f"{need:,} credits are missing, and no pack is on offer.")
    number, best = min(
        ((math.ceil(need / offer.credits), offer) for offer in offers),
        key=lambda choice: (choice[0] * choice[1].price_cents, choice[0], choice[1].credits),
    )
    bought = f"{number} × {best.name}" if number > 1 else best.name
    sentence = (
        f"Buy {bought}: {need:,} credits are needed beyond the balance, with {buffer:.0%} more than the forecast of"
        f" {foreseen.expected:,.0f}."
    )
    return Recommendation(best, number, need, buffer, sentence)
