"""The ages at which a young post is read: what counts as read, what is due, and what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.scheduling.marks import GRACE, MARKS, YOUNG_FOR, YoungPost, look, marks_of, next_mark, window_at

POSTED = datetime(2026, 11, 15, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MOMENTS = st.timedeltas(min_value=timedelta(), max_value=YOUNG_FOR + 12 * HOUR).map(lambda age: POSTED + age)


def young(*read_at: datetime, number: int = 1, posted_at: datetime = POSTED) -> YoungPost:
    return YoungPost(str(number), f"Post {number}", posted_at, read_at)


def ages(post: YoungPost) -> list[float]:
    return [mark.age / HOUR for mark in post.unread()]


def test_the_marks_are_those_of_the_requirement_and_do_not_overlap() -> None:
    assert [age / HOUR for age in MARKS] == [1, 3, 6, 12, 24, 48]
    for one, other in pairwise(marks_of(POSTED)):
        assert one.opens_at < one.at < one.closes_at < other.opens_at


@pytest.mark.parametrize(
    ("minutes", "counts"), [(44, False), (45, True), (60, True), (75, True), (76, False), (134, False), (135, True)]
)
def test_a_mark_is_read_by_a_reading_within_a_quarter_of_its_age(minutes: int, counts: bool) -> None:
    assert (window_at(POSTED, POSTED + minutes * MINUTE) is not None) is counts
    assert (len(ages(young(POSTED + minutes * MINUTE))) == 5) is counts


def test_a_mark_is_due_from_its_age_on_and_gone_after_a_quarter_more() -> None:
    def wanted(minutes: float) -> bool:
        return bool(look([young()], POSTED + minutes * MINUTE, None).wanted)

    assert [wanted(minutes) for minutes in (59.9, 60, 75, 75.1, 179, 180)] == [False, True, True, False, False, True]


def test_after_a_missed_mark_comes_the_next_one() -> None:
    found = next_mark([young()], POSTED + 80 * MINUTE)
    assert found is not None and found[1].at == POSTED + 3 * HOUR


def test_of_several_posts_the_earliest_mark_is_next() -> None:
    older, newer = young(number=1), young(number=2, posted_at=POSTED + 2.5 * HOUR)
    found = next_mark([newer, older], POSTED + 2.6 * HOUR)
    assert found is not None and (found[0], found[1].at) == (older, POSTED + 3 * HOUR)
    found = next_mark([newer, older], POSTED + 3 * HOUR)
    assert found is not None and (found[0], found[1].at) == (newer, POSTED + 3.5 * HOUR)


def test_a_mark_that_was_read_before_its_time_is_not_next() -> None:
    found = next_mark([young(POSTED + 50 * MINUTE)], POSTED + 51 * MINUTE)
    assert found is not None and found[1].age == 3 * HOUR


def test_nothing_is_next_for_posts_without_a_mark_left_or_for_none() -> None:
    assert next_mark([], POSTED) is None
    assert next_mark([young()], POSTED + 48 * HOUR) is None
    assert next_mark([young(POSTED + 40 * HOUR)], POSTED + 41 * HOUR) is None


def test_what_the_regular_reading_can_still_reach_is_left_to_it() -> None:
    found = look([young()], POSTED + HOUR, POSTED + 70 * MINUTE)
    assert (found.wanted, found.left) == ((), POSTED + 70 * MINUTE + GRACE)


def test_a_regular_reading_that_would_come_too_late_is_not_waited_for() -> None:
    found = look([young()], POSTED + HOUR, POSTED + 76 * MINUTE)
    assert (found.wanted, found.left) == ((young(),), None)


def test_a_regular_reading_that_is_overdue_is_not_waited_for_any_longer() -> None:
    due = POSTED + 59 * MINUTE
    assert look([young()], due + GRACE - timedelta(seconds=1), due).left == due + GRACE
    assert look([young()], due + GRACE, due).wanted == (young(),)


def test_one_post_may_be_wanted_while_another_is_left() -> None:
    newer = young(number=2, posted_at=POSTED + 2 * HOUR)
    found = look([young(), newer], POSTED + 3 * HOUR, POSTED + 3.5 * HOUR)
    assert (found.wanted, found.left) == ((newer,), POSTED + 3.5 * HOUR + GRACE)


@given(now=MOMENTS, read=st.lists(MOMENTS, max_size=8))
def test_what_is_wanted_is_due_and_unread_and_reading_it_ends_that(now: datetime, read: list[datetime]) -> None:
    post = young(*read)
    found = look([post], now, None)
    window = window_at(POSTED, now)
    unread_now = window is not None and now >= window.at and not any(window.holds(moment) for moment in read)
    assert bool(found.wanted) is unread_now
    assert not look([young(*read, now)], now, None).wanted


@given(read=st.lists(MOMENTS, max_size=8))
def test_whoever_looks_at_each_next_mark_reads_all_six_and_nothing_twice(read: list[datetime]) -> None:
    now, calls, moments = POSTED, 0, sorted(read)
    while (found := next_mark([young(*(m for m in moments if m <= now))], now)) is not None:
        now = found[1].at
        if look([young(*(m for m in moments if m <= now))], now, None).wanted:
            calls, moments = calls + 1, sorted([*moments, now])
    assert ages(young(*moments)) == []
    assert calls <= len(MARKS)


@given(phase=st.timedeltas(min_value=timedelta(), max_value=timedelta(minutes=30)))
def test_a_reading_every_half_hour_leaves_nothing_to_want_whatever_its_phase(phase: timedelta) -> None:
    polls = [POSTED + phase + number * 30 * MINUTE for number in range(-2, 125)]
    now = POSTED
    while True:
        post = young(*(moment for moment in polls if POSTED <= moment < now))
        found = look([post], now, next(moment for moment in polls if moment >= now))
        assert not found.wanted
        ahead = next_mark([post], now)
        if ahead is None and found.left is None:
            break
        now = min(filter(None, [ahead and ahead[1].at, found.left]))
