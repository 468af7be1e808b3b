"""The planner's arithmetic: the worked examples, what breaks first and when, and what holds for every scenario."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.capacity import Inputs, Limits, Problem, Table, Tier, Workers, assess, decisions, problems
from billing.capacity.assess import drained, threads_needed
from billing.capacity.review import FeatureOutcome, GrowthOutcome, QueueOutcome
from tests.billing.scenarios import CODES, EXAMPLE, MIXED, sound_inputs


def with_tables(accounts: int, *tables: Table) -> Inputs:
    return replace(EXAMPLE, tiers=(Tier("pro", 1, accounts),), features=(), tables=tables)


# --- worked examples ------------------------------------------------------------------------------------------------


def test_the_credits_of_the_worked_example() -> None:
    sheet = assess(EXAMPLE)
    assert [row.credits for row in sheet.features] == [4_800, 19_200, 36_000, 9_600]
    assert (sheet.daily_credits, sheet.monthly_credits) == (69_600, 2_088_000)
    assert [row.monthly for row in sheet.credits] == [144_000, 576_000, 1_080_000, 288_000]


def test_ten_thousand_accounts_of_400_bytes_a_day_are_4_mb_a_day_and_1_4_gb_a_year() -> None:
    row = assess(with_tables(10_000, Table("account_snapshots", 1, 400))).tables[0]
    assert (row.per_day, row.per_year) == (4_000_000, 1_460_000_000)
    assert round(row.per_year / 2**30, 1) == 1.4


def test_hourly_they_are_33_to_35_gb_a_year() -> None:
    row = assess(with_tables(10_000, Table("account_readings", 24, 400))).tables[0]
    assert row.per_year == 35_040_000_000
    assert (round(row.per_year / 2**30), round(row.per_year / 10**9)) == (33, 35)


def test_a_hundred_thousand_accounts_every_quarter_of_an_hour_are_1_4_tb() -> None:
    row = assess(with_tables(100_000, Table("account_readings", 96, 400))).tables[0]
    assert row.per_year == 1_401_600_000_000


def test_ten_workers_of_a_job_a_second_drain_3_000_jobs_in_five_minutes() -> None:
    assert drained(10, 1, 300) == 3_000 == assess(EXAMPLE).workers.drains
    assert [threads_needed(jobs, 1, 300) for jobs in (0, 3_000, 3_001)] == [1, 10, 11]


def test_retention_ends_the_growth_of_a_table() -> None:
    hourly, kept = (assess(with_tables(10_000, Table("r", 24, 400, days))).tables[0] for days in (None, 90))
    assert hourly.ahead == (96e6 * 30, 96e6 * 60, 96e6 * 90) == kept.ahead
    assert kept.in_twelve_months == 96e6 * 90 < hourly.in_twelve_months == 96e6 * 360


def test_tiers_are_told_for_30_60_and_90_days() -> None:
    tier = assess(EXAMPLE).tiers[0]
    assert tier.tenants_ahead == pytest.approx((5_280, 5_808, 6_388.8))
    assert assess(EXAMPLE).credits[0].daily_ahead == pytest.approx((5_280, 5_808, 6_388.8))


# --- what breaks first, and when ------------------------------------------------------------------------------------


def test_what_breaks_first_is_named_with_its_month() -> None:
    sheet = assess(EXAMPLE)
    # 2,088,000 × 1.1^4 = 3.06 M credits a month.
    assert sheet.first and (sheet.first.code, sheet.first.breaks_in_months) == ("budget", 4)
    assert [scenario.first for scenario in sheet.scenarios] == [
        "", "Credits a month within the budget", "Credits a month within the budget",
    ]  # fmt: skip
    assert sheet.scenarios[0].broken == 0 < sheet.scenarios[1].broken
    assert sheet.scenarios[1].keys_needed == 4 == math.ceil(696_000 / (160 * 1440))


def test_without_growth_nothing_that_holds_ever_breaks() -> None:
    calm = replace(EXAMPLE, tiers=(replace(EXAMPLE.tiers[0], growth=0.0),), tables=())
    assert assess(calm).first is None


def test_what_is_broken_already_breaks_in_month_0_and_calls_for_a_decision() -> None:
    tight = replace(EXAMPLE, limits=Limits(keys=20, monthly_credits=1_000_000, accounts=11_000))
    sheet = assess(tight)
    assert sheet.first and (sheet.first.code, sheet.first.breaks_in_months) == ("budget", 0)
    made = {decision.subject: decision for decision in decisions(sheet)}
    assert made["Credits a month within the budget"].kind == "pre-purchase"
    assert made["Accounts on one database"].kind == "re-architect"
    assert "2,088,000 of 1,000,000 (209%)" in made["Credits a month within the budget"].why


def test_a_quarter_calls_for_decisions_where_it_went_otherwise_than_foreseen() -> None:
    sheet = assess(replace(EXAMPLE, tiers=(replace(EXAMPLE.tiers[0], growth=0.0),), tables=()))
    assert decisions(sheet) == []
    made = decisions(
        sheet,
        [FeatureOutcome("posts", 100, 160), FeatureOutcome("profile", 100, 110), FeatureOutcome("new", None, 50)],
        [GrowthOutcome("pro", 100, 120, 80), GrowthOutcome("free", 100, 120, 118)],
        [QueueOutcome("pro", 9, (1, 2, 3), (10, 400, 500)), QueueOutcome("free", 9, (1, 2, 3), (10, 250, 500)),
         QueueOutcome("backfill", 0, (0, 0, 0), None)],
    )  # fmt: skip
    assert [(decision.kind, decision.subject) for decision in made] == [
        ("pre-purchase", "Queue pro"), ("watch", "Feature posts"), ("watch", "Tier pro"), ("watch", "Queue free"),
    ]  # fmt: skip
    assert "+60%" in made[1].why and "-33%" in made[2].why


# --- what cannot be reckoned with -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "where", "says"),
    [
        (replace(EXAMPLE, tiers=()), "tiers", "at least one tenant"),
        (replace(EXAMPLE, tiers=(Tier("pro", 0, 5),)), "tiers", "at least one tenant"),
        (replace(EXAMPLE, tiers=(Tier("pro", 10**9, 5),)), "tiers", "At most 10,000,000"),
        (replace(EXAMPLE, tiers=(Tier("pro", -1, 5),)), "tiers", "cannot be negative"),
        (replace(EXAMPLE, tiers=(Tier("pro", 1, 5, math.nan),)), "tiers", "not a number"),
        (replace(EXAMPLE, tiers=(Tier("pro", 1, 5), Tier("pro", 1, 5))), "tiers", "there twice"),
        (replace(EXAMPLE, tiers=(Tier("free", 1, 5),)), "features", "no tier “pro”"),
        (replace(EXAMPLE, tables=(Table("", 1, 1),)), "tables", "name is missing"),
        (replace(EXAMPLE, tables=(Table("a", 1, 1, 0),)), "tables", "At least 1"),
        (replace(EXAMPLE, workers=Workers(10, 0, 40, 1)), "workers", "At least 0.001"),
        (replace(EXAMPLE, workers=Workers(10, 1, 9, 1)), "workers", "not below"),
        (replace(EXAMPLE, limits=Limits(keys=0)), "limits", "At least 1"),
    ],
)  # fmt: skip
def test_a_scenario_that_cannot_be_is_refused_with_a_sentence(inputs: Inputs, where: str, says: str) -> None:
    assert {problem.where for problem in problems(inputs) if says in problem.sentence} == {where}
    with pytest.raises(ValueError):
        assess(inputs)


def test_a_sound_scenario_has_no_problems() -> None:
    assert problems(EXAMPLE) == problems(MIXED) == list[Problem]()


# --- what always holds ----------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(sound_inputs)
def test_sheets_agree_with_each_other(inputs: Inputs) -> None:
    sheet = assess(inputs)
    near = {"rel": 1e-9, "abs": 1e-6}
    assert math.fsum(row.credits for row in sheet.features) == pytest.approx(sheet.daily_credits, **near)
    assert math.fsum(row.daily for row in sheet.credits) == pytest.approx(sheet.daily_credits, **near)
    assert math.fsum(row.per_day for row in sheet.tables) == pytest.approx(sheet.bytes_per_day, **near)
    assert math.fsum(row.share for row in sheet.credits) == pytest.approx(1 if sheet.daily_credits else 0)
    one, ten, hundred = sheet.scenarios
    assert one.daily_credits == sheet.daily_credits and one.tenants == sheet.tenants
    for scenario in (ten, hundred):
        assert scenario.shares == pytest.approx(tuple(share * scenario.factor for share in one.shares))
        assert bool(scenario.first) == (scenario.broken > 0)
    assert one.threads_needed <= ten.threads_needed <= hundred.threads_needed
    for limit, shares in zip(sheet.limits, zip(*sheet.months, strict=True), strict=True):
        before = shares[: limit.breaks_in_months] if limit.breaks_in_months is not None else shares
        assert all(share <= 1 for share in before)
    assert sheet.first is None or sheet.first.breaks_in_months is not None


@settings(max_examples=50)
@given(sound_inputs, st.sampled_from(CODES), st.integers(1, 1_000))
def test_more_accounts_tenants_or_activity_never_make_anything_smaller_or_later(
    inputs: Inputs, code: str, more: int
) -> None:
    bigger = replace(
        inputs,
        tiers=tuple(
            replace(tier, tenants=tier.tenants + more, accounts=tier.accounts + more) if tier.code == code else tier
            for tier in inputs.tiers
        ),
        features=tuple(replace(feature, active=feature.active + more) for feature in inputs.features),
    )
    before, after = assess(inputs), assess(bigger)
    assert after.daily_credits >= before.daily_credits and after.bytes_per_day >= before.bytes_per_day
    assert after.workers.threads_needed >= before.workers.threads_needed
    assert after.workers.drains_peak_in_s >= before.workers.drains_peak_in_s
    for old, new in zip(before.limits, after.limits, strict=True):
        assert new.share >= old.share
        if old.breaks_in_months is not None:
            assert new.breaks_in_months is not None and new.breaks_in_months <= old.breaks_in_months


@settings(max_examples=50)
@given(sound_inputs, st.integers(1, 50), st.floats(0.01, 0.4))
def test_more_threads_drain_sooner_and_faster_growth_breaks_no_later(
    inputs: Inputs, threads: int, growth: float
) -> None:
    workers = inputs.workers
    many = replace(workers, threads=workers.threads + threads, ceiling=workers.ceiling + threads)
    assert assess(replace(inputs, workers=many)).workers.drains_peak_in_s <= assess(inputs).workers.drains_peak_in_s
    faster = replace(inputs, tiers=tuple(replace(tier, growth=tier.growth + growth) for tier in inputs.tiers))
    for old, new in zip(assess(inputs).limits, assess(faster).limits, strict=True):
        if old.breaks_in_months is not None:
            assert new.breaks_in_months is not None and new.breaks_in_months <= old.breaks_in_months
