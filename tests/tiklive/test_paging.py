"""Walks over lists that end well, badly or never."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tikdash.tiklive.paging import Caps, Page, Stop, Walk

MANY = Caps(pages=100)


class Pages:
    """A list in pages: each cursor leads to a page, and remembers that it was asked for."""

    def __init__(self, **pages: Page[int]) -> None:
        self.pages = {cursor.removeprefix("c"): page for cursor, page in pages.items()}
        self.asked: list[str] = []

    def __call__(self, cursor: str) -> Page[int]:
        self.asked.append(cursor)
        return self.pages[cursor]


def walk_over(fetch: Callable[[str], Page[int]], caps: Caps = MANY, **more: object) -> Walk[int]:
    return Walk(fetch, identify=lambda row: row, caps=caps, **more)  # type: ignore[arg-type]


def endless(rows: int = 2) -> Callable[[str], Page[int]]:
    """Every page leads to another one."""
    return lambda cursor: Page([int(cursor) * rows + n for n in range(rows)], str(int(cursor) + 1), True)


def test_walk_reads_to_the_end_and_says_so() -> None:
    pages = Pages(c0=Page([1, 2], "20", True), c20=Page([3], "99", False))
    walk = walk_over(pages)
    assert list(walk) == [1, 2, 3]
    assert (walk.stopped, walk.pages, walk.items, walk.credits) == (Stop.END, 2, 3, 2)
    assert pages.asked == ["0", "20"]


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (Page([3], "99", False), Stop.END),
        (Page[int]([], "99", False), Stop.END),
        (Page[int]([], "99", True), Stop.EMPTY_PAGE),
        (Page([3], "20", True), Stop.REPEATED_CURSOR),
        (Page([3], "0", True), Stop.REPEATED_CURSOR),
        (Page([3], "", True), Stop.NO_CURSOR),
    ],
)
def test_walk_says_why_nothing_more_comes(last: Page[int], why: Stop) -> None:
    walk = walk_over(Pages(c0=Page([1, 2], "20", True), c20=last))
    assert list(walk) == [1, 2, *last.rows]
    assert (walk.stopped, walk.pages) == (why, 2)


def test_cursors_that_lead_round_in_a_circle_are_noticed() -> None:
    pages = Pages(c0=Page([1], "a", True), ca=Page([2], "b", True), cb=Page([3], "a", True))
    walk = walk_over(pages)
    assert (list(walk), walk.stopped, pages.asked) == ([1, 2, 3], Stop.REPEATED_CURSOR, ["0", "a", "b"])


def test_rows_that_come_again_are_given_once() -> None:
    pages = Pages(c0=Page([1, 2, 2], "5", True), c5=Page([2, 1], "6", True, dropped=4), c6=Page([3, 1], "", False))
    walk = walk_over(pages)
    assert list(walk) == [1, 2, 3]
    assert (walk.items, walk.duplicates, walk.dropped, walk.stopped) == (3, 4, 4, Stop.END)


def test_pages_are_fetched_only_when_they_are_needed() -> None:
    pages = Pages(c0=Page([1, 2], "20", True), c20=Page([3], "99", False))
    walk = walk_over(pages)
    assert pages.asked == []
    assert [next(walk), next(walk)] == [1, 2]
    assert (pages.asked, walk.stopped) == (["0"], None)
    assert next(walk) == 3
    assert walk.stopped is None
    assert next(walk, None) is None
    assert walk.stopped is Stop.END


@pytest.mark.parametrize(
    ("caps", "rows", "why", "goes_on"),
    [
        (Caps(pages=3), 6, Stop.PAGE_CAP, "3"),
        (Caps(pages=0), 0, Stop.PAGE_CAP, "0"),
        (Caps(pages=9, items=4), 4, Stop.ITEM_CAP, "2"),
        (Caps(pages=9, items=5), 5, Stop.ITEM_CAP, "2"),
        (Caps(pages=9, items=0), 0, Stop.ITEM_CAP, "0"),
        (Caps(pages=9, credits=2), 4, Stop.CREDIT_CAP, "2"),
        (Caps(pages=9, credits=0), 0, Stop.CREDIT_CAP, "0"),
        (Caps(pages=2, items=4, credits=2), 4, Stop.ITEM_CAP, "2"),
    ],
)
def test_endless_list_is_left_at_the_cap(caps: Caps, rows: int, why: Stop, goes_on: str) -> None:
    walk = walk_over(endless(), caps)
    assert list(walk) == list(range(rows))
    assert (walk.stopped, walk.cursor, walk.items) == (why, goes_on, rows)


def test_end_of_the_list_comes_before_a_cap_reached_with_it() -> None:
    walk = walk_over(Pages(c0=Page([1, 2], "9", False)), Caps(pages=1, items=2, credits=1))
    assert (list(walk), walk.stopped) == ([1, 2], Stop.END)
    walk = walk_over(Pages(c0=Page([1, 2], "9", False)), Caps(pages=1, items=1))
    assert (list(walk), walk.stopped) == ([1], Stop.ITEM_CAP)


def test_credits_are_what_pages_really_cost_and_are_never_exceeded() -> None:
    free = walk_over(lambda cursor: Page([int(cursor)], str(int(cursor) + 1), True, 0), Caps(pages=5, credits=1))
    assert (len(list(free)), free.credits, free.stopped) == (5, 0, Stop.PAGE_CAP)
    dear = walk_over(
        lambda cursor: Page([int(cursor)], str(int(cursor) + 1), True, 3), Caps(pages=5, credits=8), price=3
    )
    assert (len(list(dear)), dear.credits, dear.stopped) == (2, 6, Stop.CREDIT_CAP)


def test_later_walk_goes_on_where_the_first_one_was_stopped() -> None:
    first = walk_over(endless(), Caps(pages=9, items=5))
    rows = list(first)
    second = walk_over(endless(), Caps(pages=2), start=first.cursor)
    assert sorted({*rows, *second}) == list(range(8))


def test_failed_page_ends_the_walk_with_its_own_error_and_what_was_read_is_known() -> None:
    walk = walk_over(Pages(c0=Page([1, 2], "gone", True)))
    given = [next(walk), next(walk)]
    with pytest.raises(KeyError):
        next(walk)
    assert (given, walk.stopped, walk.pages, walk.cursor) == ([1, 2], None, 1, "gone")


def test_batches_are_pages_without_what_came_before() -> None:
    pages = Pages(c0=Page([1, 2], "5", True), c5=Page([1], "6", True), c6=Page([2, 3], "7", False))
    walk = walk_over(pages)
    assert [list(batch) for batch in walk.batches()] == [[1, 2], [], [3]]
    assert walk.stopped is Stop.END


@pytest.mark.parametrize("caps", [{"pages": -1}, {"pages": 1, "items": -1}, {"pages": 1, "credits": -1}])
def test_caps_below_zero_are_a_mistake(caps: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Caps(**caps)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=4), st.sampled_from(["0", "1", "2", ""]), st.booleans())),
    st.integers(0, 6),
    st.none() | st.integers(0, 8),
    st.none() | st.integers(0, 6),
)
def test_any_list_is_walked_within_its_caps_without_repeats_and_for_a_reason(
    sent: list[tuple[list[int], str, bool]], pages: int, items: int | None, credits: int | None
) -> None:
    numbers = count()

    def fetch(cursor: str) -> Page[int]:
        number = next(numbers)
        rows, echo, has_more = sent[number] if number < len(sent) else ([number + 10], f"n{number}", True)
        return Page(rows, echo, has_more)

    walk = walk_over(fetch, Caps(pages, items, credits))
    rows = list(walk)
    assert len(set(rows)) == len(rows) == walk.items
    assert walk.pages == walk.credits <= pages
    assert walk.items <= (walk.items if items is None else items)
    assert walk.credits <= (walk.credits if credits is None else credits)
    assert walk.stopped is not None
