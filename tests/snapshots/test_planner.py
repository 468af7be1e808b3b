"""How often work runs: seldom for what rests, often for what takes off, never more than the credits allow."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from snapshots.scheduling.cadence import DAY_S, HOUR_S, next_due
from snapshots.scheduling.planner import LEVELS, LONGEST_WHY, Facts, Planned, credits_a_day, plan_account, plan_accounts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRO = {
    "profile": 6 * HOUR_S, "posts": HOUR_S, "comments": DAY_S, "followers": 4 * DAY_S, "following": 7 * DAY_S,
    "stories": HOUR_S, "hashtag": 7 * DAY_S, "sound": 7 * DAY_S,
}  # fmt: skip
FREE = {"profile": DAY_S, "posts": DAY_S}


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


REST = Facts(tracked_since=ago(days=400), moved=0.01)


def hours(facts: Facts, kind: str, bases: dict[str, int] | None = None) -> float:
    return plan_account(bases or PRO, facts, NOW)[kind].cadence_s / HOUR_S


@pytest.mark.parametrize(
    ("facts", "profile", "posts"),
    [
        # Nothing moves, nobody looks: daily profile; posts of a sleeping account every third day.
        (REST, 24, 72),
        (replace(REST, newest_post_at=ago(days=91)), 24, 72),
        (replace(REST, newest_post_at=ago(days=91), viewed_at=ago(days=29)), 24, 24),
        (replace(REST, newest_post_at=ago(days=89)), 24, 24),
        (replace(REST, newest_post_at=ago(days=8)), 24, 24),
        # Active accounts, and those that somebody looks at.
        (replace(REST, newest_post_at=ago(days=7)), 24, 6),
        (replace(REST, newest_post_at=ago(hours=48)), 24, 1),
        (replace(REST, newest_post_at=ago(days=60), viewed_at=ago(hours=24)), 24, 6),
        # What moves.
        (replace(REST, moved=0.0999, newest_post_at=ago(days=8)), 24, 24),
        (replace(REST, moved=0.1, newest_post_at=ago(days=8)), 6, 24),
        (replace(REST, moved=-0.2, newest_post_at=ago(days=8)), 6, 24),
        # New accounts at the plan's own pace, and a post that takes off faster than that.
        (Facts(tracked_since=ago(days=3)), 6, 1),
        (replace(REST, multiple=2.99, newest_post_at=ago(hours=5)), 24, 1),
        (replace(REST, multiple=3.0, newest_post_at=ago(hours=5)), 24, 0.5),
    ],
)
def test_what_moves_or_is_looked_at_runs_more_often(facts: Facts, profile: float, posts: float) -> None:
    assert (hours(facts, "profile"), hours(facts, "posts")) == (profile, posts)


def test_stories_are_never_missed_and_comments_audience_and_topics_follow_interest() -> None:
    assert hours(REST, "stories") == 12
    assert hours(replace(REST, newest_story_at=ago(days=14)), "stories") == 1
    assert hours(Facts(tracked_since=ago(days=1)), "stories") == 1
    assert hours(REST, "comments") == 7 * 24
    assert hours(replace(REST, newest_post_at=ago(days=30)), "comments") == 24
    assert hours(replace(REST, viewed_at=ago(days=7)), "comments") == 24
    assert hours(REST, "followers") == hours(REST, "following") == 14 * 24
    assert hours(replace(REST, viewed_at=ago(days=30)), "followers") == 4 * 24
    assert hours(REST, "hashtag") == hours(REST, "sound") == 28 * 24
    assert hours(replace(REST, newest_post_at=ago(days=90)), "sound") == 7 * 24


def test_nothing_runs_more_often_than_the_plan_says_but_what_takes_off() -> None:
    for facts in (REST, Facts(tracked_since=NOW), replace(REST, moved=1.0, viewed_at=NOW, newest_post_at=NOW)):
        for bases in (PRO, FREE, dict.fromkeys(PRO, 28 * DAY_S)):
            for kind, planned in plan_account(bases, facts, NOW).items():
                assert planned.cadence_s >= bases[kind]
    assert hours(replace(REST, multiple=9.0), "posts", FREE) == 12
    assert hours(replace(REST, multiple=9.0), "posts", {"posts": 1_200}) == 0.25, "never finer"
    assert hours(replace(REST, multiple=9.0), "posts", {"posts": 600}) * 60 == 10, (
        "already finer than what is raised to"
    )


def test_a_kind_that_the_plan_does_not_have_is_not_planned() -> None:
    assert plan_account(FREE, REST, NOW).keys() == {"profile", "posts"}
    assert plan_account({"backfill": 1, "early": 3600}, REST, NOW) == {}


def test_every_reason_is_a_sentence_that_fits_the_column_and_speaks_of_the_account() -> None:
    seen = set()
    for moved in (None, 0.004, -12.5):
        for viewed in (None, ago(hours=1), ago(days=6), ago(days=400)):
            for posted in (None, ago(hours=1), ago(days=5), ago(days=50)):
                for level in LEVELS:
                    facts = Facts(ago(days=500), viewed, posted, None, moved, 123.4 if posted else None)
                    seen |= {planned.why for planned in plan_account(PRO, facts, NOW, level).values()}
    assert all(why[0].isupper() and why.endswith(".") and len(why) <= LONGEST_WHY for why in seen)
    at_rest = plan_account(PRO, replace(REST, moved=0.012, viewed_at=ago(days=9)), NOW)["profile"]
    assert at_rest == Planned(DAY_S, "Its followers moved by 1.2% in a week; nobody has looked for 9 days.")
    assert plan_account(PRO, replace(REST, moved=None), NOW)["profile"].why == "Nobody has looked for a week."


def test_a_tenant_pays_the_first_level_that_its_credits_last_for() -> None:
    rising = replace(REST, multiple=5.0, moved=0.2, newest_post_at=ago(hours=3))
    accounts = dict.fromkeys(range(10), rising)
    bases = {"profile": 6 * HOUR_S, "posts": HOUR_S}

    def cadences(credits: int | None) -> set[tuple[float, float]]:
        plans = plan_accounts(bases, accounts, NOW, daily_credits=credits).values()
        return {(plan["profile"].cadence_s / HOUR_S, plan["posts"].cadence_s / HOUR_S) for plan in plans}

    assert cadences(None) == cadences(650) == {(6, 0.5)}  # 4 + 48 a day and account: 520, and 80 % of 650
    assert cadences(649) == {(6, 1)}
    assert cadences(350) == {(6, 1)}  # 4 + 24
    assert cadences(349) == {(6, 6)}
    assert cadences(99) == {(24, 24)}
    # Even where that is too much daily numbers stay: the gate says what cannot be paid.
    assert cadences(1) == {(24, 24)}
    assert "Saving" in plan_accounts(bases, accounts, NOW, daily_credits=1)[0]["posts"].why


def test_what_a_plan_costs_a_day_counts_the_pages_of_the_first_reading() -> None:
    plan = {"profile": Planned(6 * HOUR_S, ""), "posts": Planned(DAY_S, ""), "comments": Planned(2 * DAY_S, "")}
    assert credits_a_day([plan]) == 4 + 1 + 5
    assert credits_a_day([plan, plan], pages=3) == 2 * (4 + 3 + 5)


@pytest.mark.parametrize(
    ("asked_at", "due"),
    [
        ("2026-11-21T10:00", "2026-11-22T10:00"),
        # Not before its night either, which would be the same day's work once more.
        ("2026-11-21T00:30", "2026-11-22T02:10"),
        ("2026-11-21T21:59", "2026-11-22T21:59"),
        # Not after the last hour, or the day might go without a number.
        ("2026-11-21T23:50", "2026-11-22T22:10"),
    ],
)
def test_what_somebody_asked_for_is_the_days_work(asked_at: str, due: str) -> None:
    now = datetime.fromisoformat(asked_at).replace(tzinfo=UTC)
    found = next_due("profile", DAY_S, 600, now, asked=True)
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert found.date() == now.date() + timedelta(days=1)
    # The night after, it is back in its rhythm.
    assert next_due("profile", DAY_S, 600, found) == found.replace(hour=2, minute=10) + timedelta(days=1)
    assert next_due("profile", 6 * HOUR_S, 600, now, asked=True) == next_due("profile", 6 * HOUR_S, 600, now)


def test_the_planner_needs_neither_django_nor_a_clock() -> None:
    code = "import sys, snapshots.scheduling.planner; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
