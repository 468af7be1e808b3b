"""The quarterly review: what was foreseen against what came, and what has to be decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from accounts.models import Tenant
from billing.capacity import Assessment, Decision, Inputs, assess, decisions
from billing.capacity.limits import PRE_PURCHASE
from billing.capacity.loads import credits_of, grown
from billing.capacity.review import FeatureOutcome, GrowthOutcome, QueueOutcome
from billing.forecast import Backtest, DayOfUse, NoForecast, backtest, learn
from billing.models import CapacityScenario, QuarterPlan, UsageDaily
from billing.packs import PackStanding, pack_standings, sentence_of
from billing.services.calibration import measure
from billing.services.planner import inputs_of, inputs_of_plan, next_quarter
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput

#: Days before the quarter that stand in for a plan where nobody adopted one.
LEARNT_FROM = 56
QUEUES = """
    SELECT queue, count(*),
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY waiting),
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
               ORDER BY CASE WHEN waiting = 0 THEN 0 ELSE waiting / nullif(ended_per_s, 0) END)
      FROM queue_samples
     WHERE sampled_at >= %s AND sampled_at < %s
     GROUP BY queue ORDER BY queue
"""


@dataclass(frozen=True)
class Review:
    """One quarter, up to yesterday where it is not over. `plan` is the name of the adopted scenario, "" where none was:
    then features are compared with the trend of the weeks before, and growth with nothing."""

    quarter: date
    until: date
    over: bool
    plan: str
    features: tuple[FeatureOutcome, ...]
    growth: tuple[GrowthOutcome, ...]
    queues: tuple[QueueOutcome, ...]
    assessment: Assessment
    forecast_error: Backtest | NoForecast
    decisions: tuple[Decision, ...]
    packs: tuple[PackStanding, ...]

    @property
    def foreseen(self) -> float | None:
        known = [each.foreseen for each in self.features if each.foreseen is not None]
        return sum(known) if known else None

    @property
    def actual(self) -> float:
        return sum(each.actual for each in self.features)


def review_of(quarter: date) -> Review:
    """The review of the quarter that begins on `quarter`. Raises BadInput for one that has not begun, or where there is
    nothing to reckon with yet."""
    until = min(next_quarter(quarter), clock.today())
    if until <= quarter:
        raise BadInput("This quarter has not had a whole day yet.")
    with all_tenants():
        plan = QuarterPlan.objects.filter(pk=quarter).first()
        planned = inputs_of_plan(plan) if plan else None
        scenario = CapacityScenario.objects.order_by("-calibrated_at", "id").first()
        history = _credits_by_day(quarter - timedelta(days=LEARNT_FROM), until)
        features = _features(quarter, until, planned, history)
        growth = _growth(quarter, until, planned)
        queues = _queues(quarter, until)
    believed = inputs_of(scenario) if scenario else planned
    if believed is None:
        raise BadInput("Make a scenario first: the review measures against its limits.")
    now = measure(believed).inputs
    if not now.tenants:
        raise BadInput("There are no tenants yet.")
    assessment = assess(now)
    aim = float(settings.WATCH_DRAIN_S)
    days, packs = _in_all(history), tuple(pack_standings(clock.now()))
    return Review(
        quarter=quarter,
        until=until,
        over=until == next_quarter(quarter),
        plan=plan.name if plan else "",
        features=features,
        growth=growth,
        queues=queues,
        assessment=assessment,
        forecast_error=backtest(days, horizon_days=30),
        decisions=(
            *_of_packs(packs),
            *decisions(assessment, features, growth, queues, drain_target_s=aim),
        ),
        packs=packs,
    )


def _of_packs(packs: Iterable[PackStanding]) -> list[Decision]:
    """What should be bought, by what the coming thirty days are expected to take."""
    return [
        Decision(PRE_PURCHASE, f"Credits of key “{each.key_id}”", sentence_of(each, clock.today()), "")
        for each in packs
        if each.recommendation and each.recommendation.need
    ]


def _credits_by_day(first: date, until: date) -> dict[str, dict[date, float]]:
    """By feature; whole days that were rolled up only."""
    rows = (
        UsageDaily.objects.filter(day__gte=first, day__lt=until).values("feature", "day").annotate(spent=Sum("credits"))
    )
    found: dict[str, dict[date, float]] = defaultdict(dict)
    for row in rows:
        found[row["feature"]][row["day"]] = float(row["spent"])
    return found


def _features(
    quarter: date, until: date, planned: Inputs | None, history: dict[str, dict[date, float]]
) -> tuple[FeatureOutcome, ...]:
    foreseen = _as_planned(planned, (until - quarter).days) if planned else _as_before(quarter, until, history)
    names = sorted(set(foreseen) | set(history))
    outcomes = [
        FeatureOutcome(
            name, foreseen.get(name), sum(spent for day, spent in history.get(name, {}).items() if day >= quarter)
        )
        for name in names
    ]
    known = [outcome for outcome in outcomes if outcome.actual or outcome.foreseen]
    return tuple(sorted(known, key=lambda outcome: (-outcome.actual, outcome.feature)))


def _as_planned(inputs: Inputs, days: int) -> dict[str, float]:
    """Each day of the quarter at the size that the tiers were to have by then."""
    growth = {tier.code: tier.growth for tier in inputs.tiers}
    found: dict[str, float] = defaultdict(float)
    for feature in inputs.features:
        found[feature.name] += credits_of(feature) * sum(grown(growth[feature.tier], day) for day in range(days))
    return found


def _as_before(quarter: date, until: date, history: dict[str, dict[date, float]]) -> dict[str, float]:
    """What the trend of the weeks before the quarter would have said, where it says anything."""
    found = {}
    days_known = sorted({day for days in history.values() for day in days if day < quarter})
    for name, days in history.items():
        pattern = learn([DayOfUse(day, days.get(day, 0.0)) for day in days_known])
        if not isinstance(pattern, NoForecast):
            found[name] = pattern.between(quarter, until - timedelta(days=1)).expected
    return found


def _growth(quarter: date, until: date, planned: Inputs | None) -> tuple[GrowthOutcome, ...]:
    before: dict[str, int] = defaultdict(int)
    after: dict[str, int] = defaultdict(int)
    begun, ended = _midnight(quarter), _midnight(until)
    tenants = Tenant.objects.exclude(state__in=[Tenant.State.SUSPENDED, Tenant.State.ERASED])
    for plan, made in tenants.values_list("plan", "created_at"):
        before[plan] += made < begun
        after[plan] += made < ended
    projected = {
        tier.code: tier.tenants * grown(tier.growth, (until - quarter).days)
        for tier in (planned.tiers if planned else ())
    }
    codes = sorted(set(after) | set(projected))
    return tuple(GrowthOutcome(code, before[code], projected.get(code), after[code]) for code in codes)


def _queues(quarter: date, until: date) -> tuple[QueueOutcome, ...]:
    with connection.cursor() as cursor:
        cursor.execute(QUEUES, [_midnight(quarter), _midnight(until)])
        rows = cursor.fetchall()
    return tuple(
        QueueOutcome(queue, samples, tuple(waiting), tuple(drain) if drain and None not in drain else None)
        for queue, samples, waiting, drain in rows
    )


def _in_all(history: dict[str, dict[date, float]]) -> list[DayOfUse]:
    spent: dict[date, float] = defaultdict(float)
    for days in history.values():
        for day, credits in days.items():
            spent[day] += credits
    return [DayOfUse(day, credits) for day, credits in sorted(spent.items())]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
