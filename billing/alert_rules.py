"""When spending is worth a word (B5). Pure: figures in, findings out; who is told is `billing.alerts`' part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.forecast.month import days_of_month, paced

NOTICE, WARNING, CRITICAL = "notice", "warning", "critical"
#: Below so many requests by this hour nothing is unusual.
FEWEST_UNUSUAL = 100
UNUSUAL_TIMES = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing that is so at the moment. `subject` tells findings of one rule apart."""

    rule: str
    subject: str
    level: str
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)


def of_month(*, used: int, budget: int, foreseen: float, now: datetime, whose: str = "") -> list[Finding]:
    """What is to be said of a month's budget, of which `used` is gone at `now`, and which will end at `foreseen`.

    70 % is a warning while the month runs ahead of its budget, and a notice on the page where it does not: 80 % on day
    28 is on time. 10 % on day 2 is not, and the forecast says so. `whose` begins the sentence, as “The shared key: ”.
    """
    share, days = used / budget, days_of_month(now.date())
    ahead = paced(used, now) > budget or foreseen > budget
    facts = {"used": used, "budget": budget, "foreseen": round(foreseen)}
    so_far = f"{used:,} of {budget:,} credits of this month are used ({share:.0%}) on day {now.day} of {days}"
    found = []
    if share >= 0.9:
        found.append(Finding("budget_90", "month", CRITICAL, f"{whose}{so_far}.", facts))
    if share >= 0.7:
        found.append(Finding("budget_70", "month", WARNING if ahead else NOTICE, f"{whose}{so_far}.", facts))
    if share >= 0.75 and now.day <= 20:
        found.append(Finding("budget_75_by_20", "month", WARNING, f"{whose}{so_far}: early for that.", facts))
    if foreseen > budget:
        said = f"At this rate the month ends at {foreseen:,.0f} credits, {foreseen / budget - 1:.0%} beyond its budget"
        found.append(Finding("forecast", "month", WARNING, f"{whose}{said}: {so_far}.", facts))
    return found


def unusual(today: Mapping[str, int], yesterday: Mapping[str, int], hour: int) -> Finding | None:
    """Whether there are twice yesterday's requests by this hour (UTC), and which endpoint has most of the rest."""
    now, before = sum(today.values()), sum(yesterday.values())
    if now < FEWEST_UNUSUAL or before == 0 or now < UNUSUAL_TIMES * before:
        return None
    more = {endpoint: count - yesterday.get(endpoint, 0) for endpoint, count in today.items()}
    most = max(sorted(more), key=lambda endpoint: more[endpoint])
    times = now / before
    how_many = "Twice" if times < 2.5 else f"{times:.0f} times"
    sentence = f"{how_many} yesterday's calls by this hour ({now:,} against {before:,}), mostly /{most}/."
    facts = {"today": now, "yesterday": before, "endpoint": most, "hour": hour}
    return Finding("anomaly", "calls", WARNING, sentence, facts)
