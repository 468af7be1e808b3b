"""Rollups: every event is in its day exactly once, whatever crashes, comes late, or comes ten times."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from billing import rollups
from billing.metering import LATE_AFTER, meter
from billing.models import LateUsage, UsageDaily, UsageFill, UsageHourly
from billing.rollups import SETTLED_AFTER, days_that_differ, mend, recount, roll_up
from tests.billing.ledger import all_agree, event, sums, write
from tests.cast import Cast
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput

DAY = datetime(2026, 11, 10, tzinfo=UTC)


def a_day_of(cast: Cast, day: datetime = DAY, seed: int = 6) -> int:
    """Some hundred events of three tenants over a day: several endpoints, features and outcomes."""
    chance = random.Random(seed)
    number = 0
    for tenant in cast.tenants:
        made = []
        for _ in range(60):
            at = day + timedelta(seconds=chance.randrange(86_400), microseconds=chance.randrange(1_000_000))
            outcome = chance.choice(["ok"] * 8 + ["upstream_timeout", "not_found"])
            credits = {"ok": 1, "not_found": 1}.get(outcome, 0)
            endpoint, feature = chance.choice(
                [("user-posts", "posts"), ("post-detail", "posts"), ("userid", "profile")]
            )
            made.append(event(tenant.id, at, outcome=outcome, credits=credits, endpoint=endpoint, feature=feature))
        write(tenant, made)
        number += len(made)
    return number


def roll_up_at(moment: datetime) -> rollups.RolledUp:
    with clock.at(moment):
        return roll_up()


def rows(**which: Any) -> list[UsageDaily]:
    with all_tenants():
        return list(UsageDaily.objects.filter(**which))


class CrashError(RuntimeError):
    """The process is gone at this statement."""


def crashing_at(number: int) -> Callable[..., Any]:
    """Lets `number` statements pass and kills what comes then; the next one after that is never sent."""
    left = [number]

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if left[0] == 0:
            raise CrashError(sql)
        left[0] -= 1
        return execute(sql, params, many, context)

    return wrapper


# --- once ------------------------------------------------------------------------------------------------------------


def test_the_sum_of_the_rollup_is_the_sum_of_the_events(cast: Cast) -> None:
    made = a_day_of(cast)
    done = roll_up_at(DAY + timedelta(days=1, minutes=3))
    assert done.events == made == all_agree()[0]
    with all_tenants():
        fill = UsageFill.objects.get(day=DAY.date())
        assert (fill.state, fill.filled_until) == ("done", DAY + timedelta(days=1))
        assert {row.day for row in UsageDaily.objects.all()} == {DAY.date()}
        assert UsageHourly.objects.values("hour").distinct().count() == 24


def test_counting_again_counts_nothing_twice(cast: Cast) -> None:
    a_day_of(cast)
    for minutes in (0, 0, 7, 60, 60, 600, 1_443, 1_443, 3_000):
        roll_up_at(DAY + timedelta(minutes=minutes))
        before = sums()
        assert roll_up_at(DAY + timedelta(minutes=minutes)).events == 0
        assert sums() == before
    all_agree()


def test_what_is_younger_than_two_minutes_waits_because_its_end_may_not_be_known(cast: Cast) -> None:
    noon = DAY + timedelta(hours=12)
    write(cast.acme, [event(cast.acme.id, noon - timedelta(seconds=s)) for s in (1, 100, 119, 121, 500)])
    assert roll_up_at(noon).events == 2
    assert roll_up_at(noon + SETTLED_AFTER).events == 3
    assert LATE_AFTER < SETTLED_AFTER, "an event that is not marked as late is written before its part is counted"


def test_the_same_event_ten_times_moves_the_ledger_once(cast: Cast) -> None:
    one = event(cast.acme.id, DAY + timedelta(hours=1))
    for late in (0, 1, 5, 59, 61, 300, 4_000):
        write(cast.acme, [one] * 10, late_s=late)
        roll_up_at(DAY + timedelta(hours=3, seconds=late))
    assert all_agree() == (1, 1)
    with all_tenants():
        assert not LateUsage.objects.exists(), "a replay changes nothing, so no day is counted anew for it"


def test_a_row_says_what_it_counts(cast: Cast) -> None:
    hour = DAY + timedelta(hours=5)
    common = {"endpoint": "user-posts", "feature": "posts", "latency_ms": 250}
    with tenant_scope(cast.acme), clock.at(hour):
        meter.begin(event(cast.acme.id, hour, outcome="begun", credits=0, **common))
    write(
        cast.acme,
        [
            event(cast.acme.id, hour, **common),
            event(cast.acme.id, hour, credits=4, **common),
            event(cast.acme.id, hour, outcome="not_found", credits=1, **common),
            event(cast.acme.id, hour, outcome="upstream_timeout", credits=0, http_status=None, **common),
        ],
    )
    roll_up_at(hour + timedelta(minutes=10))
    [row] = rows()
    assert (row.requests, row.ok, row.failed, row.unsettled) == (5, 2, 2, 1)
    assert (row.credits, row.charged) == (6, 5), "what failed is paid by us, not by the tenant"
    assert row.unsettled_credits == 1, "of a request that nobody knows the end of: its price, at most"
    assert row.latency_ms == 5 * 250


# --- crashes ---------------------------------------------------------------------------------------------------------


def test_a_crash_at_any_statement_of_a_run_is_made_good_by_the_next_run(committed_db: Cast) -> None:
    made = a_day_of(committed_db)
    until = DAY + timedelta(hours=23, minutes=30)
    roll_up_at(until)
    late = [event(committed_db.acme.id, DAY + timedelta(hours=3)) for _ in range(200)]
    number, crashed = 0, True
    while crashed:
        # Two parts to count, over midnight, and a day to count anew.
        write(committed_db.acme, [late.pop()], late_s=3_600)
        made += 1
        until += timedelta(minutes=45)
        try:
            with connection.execute_wrapper(crashing_at(number)):
                roll_up_at(until)
            crashed = False
        except CrashError:
            connection.close()
        counted = sums()
        assert counted["daily"] == counted["hourly"] == counted["fills"], f"after a crash at statement {number}"
        roll_up_at(until)
        assert all_agree()[0] == made, f"after a crash at statement {number}"
        number += 1
    assert number > 8, "a run of so many statements has crashed at each of them"


def test_a_crash_while_a_day_is_counted_anew_leaves_the_old_count(committed_db: Cast) -> None:
    a_day_of(committed_db)
    roll_up_at(DAY + timedelta(days=1, minutes=3))
    before = sums()
    for number in range(1, 6):
        with (
            pytest.raises(CrashError),
            connection.execute_wrapper(crashing_at(number)),
            clock.at(DAY + timedelta(days=2)),
        ):
            recount(DAY.date())
        connection.close()
        assert sums() == before


def test_two_runs_at_once_share_the_work(committed_db: Cast) -> None:
    made = a_day_of(committed_db)
    counted: list[int] = []

    def run() -> None:
        counted.append(roll_up_at(DAY + timedelta(days=1, minutes=3)).events)

    at_once([run] * 4)
    assert sum(counted) == made == all_agree()[0]


# --- late ------------------------------------------------------------------------------------------------------------


def test_a_late_event_has_its_day_counted_anew(cast: Cast) -> None:
    a_day_of(cast)
    roll_up_at(DAY + timedelta(days=1, minutes=3))
    late = [event(cast.acme.id, DAY + timedelta(hours=h)) for h in (2, 23)]
    write(cast.acme, late, late_s=3 * 86_400)
    assert sums()["daily"] != sums()["events"]
    done = roll_up_at(DAY + timedelta(days=4))
    assert done.recounted == [DAY.date()]
    all_agree()
    assert roll_up_at(DAY + timedelta(days=4, hours=1)).recounted == []


def test_a_request_that_ends_after_it_was_counted_as_begun_is_counted_as_it_ended(cast: Cast) -> None:
    hour = DAY + timedelta(hours=9)
    one = event(cast.acme.id, hour)
    with tenant_scope(cast.acme), clock.at(hour):
        meter.begin(event(cast.acme.id, hour, id=one.id, outcome="begun", credits=0))
    roll_up_at(hour + timedelta(minutes=5))
    assert [(row.unsettled, row.credits, row.unsettled_credits) for row in rows()] == [(1, 0, 1)]
    write(cast.acme, [one], late_s=600)
    roll_up_at(hour + timedelta(minutes=15))
    assert [(row.unsettled, row.ok, row.credits, row.charged) for row in rows()] == [(0, 1, 1, 1)]
    all_agree()


def test_a_request_that_was_taken_back_late_is_counted_no_more(cast: Cast) -> None:
    hour = DAY + timedelta(hours=9)
    begun = event(cast.acme.id, hour, outcome="begun", credits=0)
    with tenant_scope(cast.acme), clock.at(hour):
        meter.begin(begun)
    roll_up_at(hour + timedelta(minutes=5))
    with tenant_scope(cast.acme), clock.at(hour + timedelta(minutes=6)):
        meter.take_back(begun)
    roll_up_at(hour + timedelta(minutes=10))
    assert rows() == [] and all_agree() == (0, 0)


def test_a_difference_that_nobody_marked_is_found_and_mended(cast: Cast) -> None:
    a_day_of(cast)
    roll_up_at(DAY + timedelta(days=1, minutes=3))
    with clock.at(DAY + timedelta(days=2)):
        assert days_that_differ(DAY.date()) == []
        with all_tenants():
            UsageDaily.objects.filter(endpoint="userid").update(credits=0)
        assert days_that_differ(DAY.date()) == [DAY.date()]
        assert mend(DAY.date()) == [DAY.date()]
        assert mend(DAY.date()) == []
    all_agree()


def test_a_day_whose_events_are_kept_no_longer_is_never_counted_anew(cast: Cast, settings: Any) -> None:
    a_day_of(cast)
    roll_up_at(DAY + timedelta(days=1, minutes=3))
    before = sums()["daily"]
    settings.USAGE_KEPT_MONTHS = 2
    with clock.at(datetime(2027, 2, 1, tzinfo=UTC)):
        with pytest.raises(BadInput, match="kept no longer"):
            recount(DAY.date())
        assert days_that_differ(date(2020, 1, 1)) == []
    assert sums()["daily"] == before


# --- borders ---------------------------------------------------------------------------------------------------------


def test_the_last_and_first_moment_of_a_month_are_on_their_own_days(cast: Cast) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    for micro in (-1, 0, 1):
        write(cast.acme, [event(cast.acme.id, midnight + timedelta(microseconds=micro))])
    roll_up_at(midnight + timedelta(days=1, minutes=3))
    assert {row.day: row.requests for row in rows()} == {date(2026, 11, 30): 1, date(2026, 12, 1): 2}
    all_agree()


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/London", datetime(2026, 10, 25, tzinfo=UTC)), ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 14, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 9, 27, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_days_are_utc_days_on_the_nights_on_which_clocks_change(cast: Cast, zone: str, day: datetime) -> None:
    """An hour that is there twice on the wall, and one that is not there at all."""
    begin = day.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=6)
    write(cast.acme, [event(cast.acme.id, begin + timedelta(minutes=30 * step)) for step in range(96)])
    roll_up_at(begin + timedelta(days=3))
    assert all_agree() == (96, 96)
    with all_tenants():
        by_day = dict(UsageDaily.objects.values_list("day", "requests"))
    whole = begin.date() + timedelta(days=1)
    assert by_day[whole] == 48, "a UTC day has 48 half hours, whatever the clocks on the wall do"


def test_a_day_without_an_event_is_done_too_and_days_follow_each_other(cast: Cast) -> None:
    write(cast.acme, [event(cast.acme.id, DAY + timedelta(hours=1))])
    roll_up_at(DAY + timedelta(days=3, hours=1))
    with all_tenants():
        days = list(UsageFill.objects.order_by("day").values_list("day", "state", "events"))
    assert days == [(DAY.date() + timedelta(days=n), "done" if n < 3 else "started", int(n == 0)) for n in range(4)]


def test_nothing_is_begun_while_there_is_nothing_to_count(cast: Cast) -> None:
    assert roll_up_at(DAY) == rollups.RolledUp(0, 0, [])
    with all_tenants():
        assert not UsageFill.objects.exists()


# --- whose -----------------------------------------------------------------------------------------------------------


def test_a_tenant_sees_its_own_rollup_and_nobody_elses(cast: Cast) -> None:
    a_day_of(cast)
    roll_up_at(DAY + timedelta(days=1, minutes=3))
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            assert {row.tenant_id for row in UsageDaily.objects.all()} == {tenant.id}
    assert not UsageDaily.objects.exists(), "no scope, no rows"
