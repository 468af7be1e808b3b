"""What is left of the credits that we have bought, when they are used up, and what to buy next."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db.models import Sum
from redis.exceptions import RedisError

from billing.alert_rules import CRITICAL, WARNING, Finding
from billing.consumption import Source, consume
from billing.forecast import DayOfUse, Emptying, NoForecast, Offer, Range, Recommendation, empties, learn, recommend
from billing.models import CreditPack, UsageDaily
from tikdash.db.scope import all_tenants

#: The history that a forecast is made of, and what a pack should last for, days.
HISTORY_DAYS, COVERED_DAYS = 56, 30
#: A pack that is used up within so many days is a warning, and critical: time to order, and time to hurry.
WARNED_DAYS, HURRIED_DAYS = 14, 5
#: Where the standings of the last rollup are kept, for pages, and for how many seconds: two rollups may be late.
KEPT_AS, KEPT_S = "billing:packs", 900


@dataclass(frozen=True)
class PackStanding:
    """The packs of one key: credits `left`, and what expired unused. `next_days` is what the coming thirty days are
    expected to take; it and `emptying` are None where nothing is foreseen, and `why_not` says why."""

    key_id: str
    bought: int
    left: int
    expired: int
    next_days: Range | None
    emptying: Emptying | None
    recommendation: Recommendation | None
    why_not: str = ""


def pack_standings(now: datetime) -> list[PackStanding]:
    """Every key that packs were bought for, by name."""
    with all_tenants():
        packs: dict[str, list[CreditPack]] = defaultdict(list)
        for pack in CreditPack.objects.order_by("key_id", "bought_on", "id"):
            packs[pack.key_id].append(pack)
        offers = _offers()
        return [_standing(key_id, of_key, offers, now.date()) for key_id, of_key in packs.items()]


def kept_standings(now: datetime) -> list[PackStanding]:
    """The standings as the last rollup found them; counted now, from weeks of rows, where none are kept."""
    with suppress(RedisError, OSError):
        kept = cache.get(KEPT_AS)
        if kept is not None:
            return list(kept)
    return _keep(pack_standings(now))


def findings_of_packs(now: datetime) -> list[Finding]:
    """Packs that will soon be used up, or are."""
    found = []
    for each in _keep(pack_standings(now)):
        days = each.emptying.days_left(now.date()) if each.emptying else None
        if each.left and (days is None or days > WARNED_DAYS):
            continue
        level = CRITICAL if not each.left or (days is not None and days <= HURRIED_DAYS) else WARNING
        facts = {"left": each.left, "days": days}
        found.append(Finding("pack_empty", each.key_id, level, sentence_of(each, now.date()), facts))
    return found


def sentence_of(standing: PackStanding, today: date) -> str:
    """How the packs stand, and what to buy, for people."""
    begin = f"Key “{standing.key_id}”: {standing.left:,} credits are left"
    if not standing.left:
        said = f"Key “{standing.key_id}”: its credits are used up."
    elif standing.emptying is None:
        said = f"{begin}. {standing.why_not}"
    elif standing.emptying.expected is None:
        said = f"{begin} and last for more than two years."
    else:
        said = f"{begin} and used up on {standing.emptying.expected}, in {standing.emptying.days_left(today)} days"
        said += f" ({_bounds(standing.emptying)})."
    return f"{said} {standing.recommendation.sentence}" if standing.recommendation else said


def _keep(standings: list[PackStanding]) -> list[PackStanding]:
    with suppress(RedisError, OSError):
        cache.set(KEPT_AS, standings, KEPT_S)
    return standings


def _standing(key_id: str, packs: list[CreditPack], offers: list[Offer], today: date) -> PackStanding:
    first = packs[0].bought_on
    rows = UsageDaily.objects.filter(key_id=key_id, day__gte=min(first, today - timedelta(days=HISTORY_DAYS)))
    spent = {day: int(total) for day, total in rows.values_list("day").annotate(total=Sum("credits"))}
    sources = [Source(pack.pk, pack.credits, 100, pack.bought_on, pack.expires_on) for pack in packs]
    consumed = consume(sources, {day: credits for day, credits in spent.items() if day >= first}, today)
    bought = sum(pack.credits for pack in packs)
    expired = sum(each.expired for each in consumed.sources)
    pattern = learn([DayOfUse(day, credits) for day, credits in spent.items() if _is_recent(day, today)])
    if isinstance(pattern, NoForecast):
        return PackStanding(key_id, bought, consumed.left, expired, None, None, None, pattern.reason)
    coming = pattern.between(today + timedelta(days=1), today + timedelta(days=COVERED_DAYS))
    rest = max(0.0, pattern.on(today) - spent.get(today, 0))
    return PackStanding(
        key_id=key_id,
        bought=bought,
        left=consumed.left,
        expired=expired,
        next_days=coming,
        emptying=empties(consumed.left, pattern, today=today, rest_of_today=rest),
        recommendation=recommend(coming.plus(rest), consumed.left, offers),
    )


def _is_recent(day: date, today: date) -> bool:
    return today - timedelta(days=HISTORY_DAYS) <= day < today


def _offers() -> list[Offer]:
    """What was bought before can be bought again, at the newest price of its size."""
    prices = dict(CreditPack.objects.order_by("bought_on", "id").values_list("credits", "price_cents"))
    return [Offer(f"the pack of {credits:,}", credits, cents) for credits, cents in prices.items()]


def _bounds(emptying: Emptying) -> str:
    latest = f"{emptying.latest}" if emptying.latest else "later than can be said"
    return f"between {emptying.earliest} and {latest}"
