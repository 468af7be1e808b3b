"""Sheets 1 to 3: features, tenants, credits."""

from __future__ import annotations

import math

from billing.capacity.sheets import AHEAD, MONTH_DAYS
from billing.workbook.cells import Book, at, span

#: Columns of other sheets that formulas name.
F_NAME, F_TIER, F_ACTIVE, F_EACH, F_PRICE, F_CALLS, F_CREDITS, F_GROWTH = 0, 2, 3, 4, 5, 6, 7, 9
T_TENANTS, T_ACCOUNTS, T_GROWTH = 1, 2, 3


def column_of_features(book: Book, place: int) -> str:
    """The area of one column of all features; with none, an empty row."""
    return span(1, place, max(1, len(book.inputs.features)), place, "Features")


def column_of_tiers(book: Book, place: int) -> str:
    return span(1, place, len(book.inputs.tiers), place, "Tenants")


def total_of_tiers(book: Book, place: int) -> str:
    return at(len(book.inputs.tiers) + 1, place, "Tenants", fixed=True)


def write_features(book: Book) -> None:
    rows, name = book.assessment.features, "Features"
    book.headings(
        name, 0,
        ["Feature", "Endpoint", "Tier", "Active", "Calls a day each", "Credits a call", "Calls a day", "Credits a day",
         "Share", "Growth in 30 days"],
    )  # fmt: skip
    end = max(1, len(rows)) + 1
    growth = {tier.code: tier.growth for tier in book.inputs.tiers}
    for number, row in enumerate(rows, 1):
        book.text(name, number, 0, row.name, given=True)
        book.text(name, number, 1, row.endpoint, given=True)
        book.text(name, number, F_TIER, row.tier, given=True)
        book.given(name, number, F_ACTIVE, row.active)
        book.given(name, number, F_EACH, row.calls_per_day, "part")
        book.given(name, number, F_PRICE, row.credits_per_call, "part")
        book.formula(name, number, F_CALLS, f"={at(number, F_ACTIVE)}*{at(number, F_EACH)}", row.calls)
        book.formula(name, number, F_CREDITS, f"={at(number, F_CALLS)}*{at(number, F_PRICE)}", row.credits)
        total = at(end, F_CREDITS, fixed=True)
        book.formula(name, number, 8, f"=IF({total}=0,0,{at(number, F_CREDITS)}/{total})", row.share, "percent")
        of_tier = f"MATCH({at(number, F_TIER)},{column_of_tiers(book, 0)},0)"
        growths = column_of_tiers(book, T_GROWTH)
        book.formula(name, number, F_GROWTH, f"=INDEX({growths},{of_tier})", growth[row.tier], "percent")
    book.text(name, end, 0, "All", bold=True)
    for place, value in ((F_CALLS, book.assessment.daily_calls), (F_CREDITS, book.assessment.daily_credits)):
        book.formula(name, end, place, f"=SUM({span(1, place, end - 1, place)})", value)


def write_tenants(book: Book) -> None:
    rows, name = book.assessment.tiers, "Tenants"
    ahead = [f"{what} in {days} days" for what in ("Tenants", "Accounts") for days in AHEAD]
    book.headings(name, 0, ["Tier", "Tenants", "Accounts", "Growth in 30 days", *ahead])
    for number, row in enumerate(rows, 1):
        book.text(name, number, 0, row.code, given=True)
        book.given(name, number, T_TENANTS, row.tenants)
        book.given(name, number, T_ACCOUNTS, row.accounts)
        book.given(name, number, T_GROWTH, row.growth, "percent")
        for place, (base, values) in enumerate(((T_TENANTS, row.tenants_ahead), (T_ACCOUNTS, row.accounts_ahead))):
            for step, (days, value) in enumerate(zip(AHEAD, values, strict=True)):
                formula = f"={at(number, base)}*(1+{at(number, T_GROWTH)})^({days}/{MONTH_DAYS})"
                book.formula(name, number, 4 + place * len(AHEAD) + step, formula, value)
    end = len(rows) + 1
    book.text(name, end, 0, "All", bold=True)
    now = ((T_TENANTS, book.assessment.tenants), (T_ACCOUNTS, book.assessment.accounts))
    for place, value in now:
        book.formula(name, end, place, f"=SUM({span(1, place, end - 1, place)})", value)
    for step in range(2 * len(AHEAD)):
        of_step = [(row.tenants_ahead + row.accounts_ahead)[step] for row in rows]
        book.formula(name, end, 4 + step, f"=SUM({span(1, 4 + step, end - 1, 4 + step)})", math.fsum(of_step))


def write_credits(book: Book) -> None:
    rows, name = book.assessment.credits, "Credits"
    book.headings(
        name, 0,
        ["Feature", "Credits a day", "Credits in 30 days", "Share", *[f"A day in {days} days" for days in AHEAD]],
    )  # fmt: skip
    names, credits = column_of_features(book, F_NAME), column_of_features(book, F_CREDITS)
    growth = column_of_features(book, F_GROWTH)
    end = max(1, len(rows)) + 1
    for number, row in enumerate(rows, 1):
        book.text(name, number, 0, row.feature)
        # SUMIF would take a name that begins with = or > for a condition.
        book.formula(name, number, 1, f"=SUMPRODUCT(({names}={at(number, 0)})*{credits})", row.daily)
        book.formula(name, number, 2, f"={at(number, 1)}*{MONTH_DAYS}", row.monthly)
        total = at(end, 1, fixed=True)
        book.formula(name, number, 3, f"=IF({total}=0,0,{at(number, 1)}/{total})", row.share, "percent")
        for step, (days, value) in enumerate(zip(AHEAD, row.daily_ahead, strict=True)):
            grown = f"({names}={at(number, 0)})*{credits}*(1+{growth})^({days}/{MONTH_DAYS})"
            book.formula(name, number, 4 + step, f"=SUMPRODUCT({grown})", value)
    book.text(name, end, 0, "All", bold=True)
    sums = [
        (1, book.assessment.daily_credits),
        (2, book.assessment.monthly_credits),
        *((4 + step, math.fsum(row.daily_ahead[step] for row in rows)) for step in range(len(AHEAD))),
    ]
    for place, value in sums:
        book.formula(name, end, place, f"=SUM({span(1, place, end - 1, place)})", value)
