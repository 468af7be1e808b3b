"""What a quarter's figures call for: pre-purchase, re-architect, or watch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from billing.capacity.limits import PRE_PURCHASE, RE_ARCHITECT, WATCH
from billing.capacity.sheets import Assessment, LimitRow

#: Something must be decided where a limit breaks within so many months; a new architecture takes longer to come.
LEAD_MONTHS = {PRE_PURCHASE: 3, RE_ARCHITECT: 9, WATCH: 3}
#: A limit that breaks within so many months, or is used to such a part, is watched.
WATCHED_MONTHS, WATCHED_SHARE = 12, 0.7
#: A feature that strays by more than this part from what was foreseen has to be understood.
STRAYS = 0.25
#: The 95th percentile of a queue's drain may take so much of what it should take before it is watched.
SLOW_DRAIN = 0.8


@dataclass(frozen=True)
class FeatureOutcome:
    """Credits of a feature in a quarter: foreseen and spent. `foreseen` is None where nobody foresaw anything."""

    feature: str
    foreseen: float | None
    actual: float

    @property
    def off_by(self) -> float | None:
        """The part by which more (or less) was spent than foreseen."""
        return self.actual / self.foreseen - 1 if self.foreseen else None


@dataclass(frozen=True)
class GrowthOutcome:
    """Tenants of a tier at the quarter's beginning and end, and what the plan had said for its end."""

    tier: str
    before: int
    projected: float | None
    actual: int

    @property
    def off_by(self) -> float | None:
        return self.actual / self.projected - 1 if self.projected else None


@dataclass(frozen=True)
class QueueOutcome:
    """A queue over the quarter: percentiles of jobs waiting, and of the seconds that draining them would have taken;
    None where it was not sampled, or nothing was ended meanwhile."""

    queue: str
    samples: int
    waiting: tuple[float, float, float]
    drain_s: tuple[float, float, float] | None


@dataclass(frozen=True)
class Decision:
    """`kind` is pre-purchase, re-architect or watch; `why` the figures that call for it, `what` what to do."""

    kind: str
    subject: str
    why: str
    what: str


def decisions(
    assessment: Assessment,
    features: Iterable[FeatureOutcome] = (),
    growth: Iterable[GrowthOutcome] = (),
    queues: Iterable[QueueOutcome] = (),
    *,
    drain_target_s: float = 300,
) -> list[Decision]:
    """What to decide, the most urgent kind first; empty where everything holds and came as foreseen."""
    found = [decision for limit in assessment.limits if (decision := _of_limit(limit))]
    for feature in features:
        if feature.off_by is not None and abs(feature.off_by) > STRAYS:
            why = f"{feature.actual:,.0f} credits were spent, {feature.foreseen:,.0f} foreseen ({feature.off_by:+.0%})."
            found.append(Decision(WATCH, f"Feature {feature.feature}", why, "Calibrate the scenario and look for why."))
    for tier in growth:
        if tier.off_by is not None and abs(tier.off_by) > STRAYS:
            why = f"{tier.actual:,} tenants, {tier.projected:,.0f} projected ({tier.off_by:+.0%})."
            found.append(Decision(WATCH, f"Tier {tier.tier}", why, "Put the measured growth into the scenario."))
    for queue in queues:
        if queue.drain_s and queue.drain_s[1] > SLOW_DRAIN * drain_target_s:
            kind = PRE_PURCHASE if queue.drain_s[1] > drain_target_s else WATCH
            why = f"95 of 100 samples drain within {queue.drain_s[1]:,.0f} s; {drain_target_s:,.0f} s are the aim."
            found.append(Decision(kind, f"Queue {queue.queue}", why, "More worker threads, or work spread out more."))
    order = [PRE_PURCHASE, RE_ARCHITECT, WATCH]
    return sorted(found, key=lambda decision: order.index(decision.kind))


def _of_limit(limit: LimitRow) -> Decision | None:
    months = limit.breaks_in_months
    used = f"{limit.load:,.0f} of {limit.limit:,.0f} ({limit.share:.0%})"
    if months == 0:
        return Decision(limit.decision, limit.name, f"It is broken now: {used}.", limit.remedy)
    if months is not None and months <= LEAD_MONTHS[limit.decision]:
        return Decision(limit.decision, limit.name, f"It breaks in {_said(months)}: {used} now.", limit.remedy)
    if months is not None and months <= WATCHED_MONTHS:
        return Decision(WATCH, limit.name, f"It breaks in {_said(months)}: {used} now.", limit.remedy)
    if limit.share >= WATCHED_SHARE:
        return Decision(WATCH, limit.name, f"Most of it is used: {used}.", limit.remedy)
    return None


def _said(months: int) -> str:
    return f"{months} months" if months > 1 else "a month"
