"""Sheets 4 to 6: database, workers, scenarios."""

from __future__ import annotations

from billing.capacity.limits import limits_of
from billing.capacity.loads import load_after, size_after
from billing.capacity.sheets import FACTORS, MONTH_DAYS, MONTHS, YEAR_DAYS
from billing.workbook.amounts import (
    F_CALLS,
    F_CREDITS,
    F_GROWTH,
    T_ACCOUNTS,
    T_GROWTH,
    T_TENANTS,
    column_of_features,
    column_of_tiers,
    total_of_tiers,
)
from billing.workbook.cells import Book, at, span

D_MONTHS = 8
#: Rows of the sheet of workers.
THREADS, RATE, CEILING, PER_ACCOUNT, PEAK, DRAIN, JOBS, PEAK_JOBS, DRAINS, MOST, SECONDS, NEEDED, BUSY = range(13)
#: Rows of the sheet of scenarios: what the limits are, then the columns by factor, then the limits, then the months.
LIMIT_FIELDS = (
    ("keys", "Keys of our own"), ("calls_per_minute", "Calls a minute of a key"), ("monthly_calls", "Calls a month"),
    ("monthly_credits", "Credits a month"), ("tenants", "Tenants on one database"),
    ("accounts", "Accounts on one database"), ("rows_per_day", "Rows written a day"), ("disk_bytes", "Bytes of disk"),
)  # fmt: skip
FACTOR_ROW = len(LIMIT_FIELDS) + 2
OF_FACTOR = ("Tenants", "Accounts", "Credits a day", "Credits in 30 days", "Bytes a day", "Bytes in a year",
             "Peak jobs", "Threads needed", "Keys needed", "Breaks first", "Limits broken")  # fmt: skip
LIMIT_ROW = FACTOR_ROW + len(OF_FACTOR) + 2
LOADS = ("Tenants", "Accounts", "Calls a day", "Credits a day", "Rows a day", "Bytes", "Peak jobs", "Peak calls")


def write_database(book: Book) -> None:
    """A row a table; behind it the bytes of each coming month, with growth and retention."""
    rows, name, inputs = book.assessment.tables, "Database", book.inputs
    months = [f"Bytes in month {month}" for month in range(1, MONTHS + 1)]
    book.headings(
        name, 0,
        ["Table", "Rows a day per account", "Bytes a row", "Days kept (empty: for good)", "Bytes now", "Rows a day",
         "Bytes a day", "Bytes a year", *months],
    )  # fmt: skip
    end = max(1, len(rows)) + 1
    at_end, until = end + 2, end + 3
    accounts = total_of_tiers(book, T_ACCOUNTS)
    for number, (row, table) in enumerate(zip(rows, inputs.tables, strict=True), 1):
        book.text(name, number, 0, row.name, given=True)
        book.given(name, number, 1, table.rows_per_account, "part")
        book.given(name, number, 2, row.bytes_per_row)
        book.given(name, number, 3, row.kept_days)
        book.given(name, number, 4, row.now)
        book.formula(name, number, 5, f"={accounts}*{at(number, 1)}", row.rows_per_day)
        book.formula(name, number, 6, f"={at(number, 5)}*{at(number, 2)}", row.per_day)
        book.formula(name, number, 7, f"={at(number, 6)}*{YEAR_DAYS}", row.per_year)
        of_row = f"${at(number, 1)}*${at(number, 2)}"
        for month in range(1, MONTHS + 1):
            place = D_MONTHS + month - 1
            grown = f"${at(number, 4)}+{of_row}*{at(until, place)}"
            kept = f"MIN({grown},{of_row}*{at(at_end, place)}*${at(number, 3)})"
            formula = f'=IF(${at(number, 3)}="",{grown},{kept})'
            book.formula(name, number, place, formula, size_after(inputs, table, month))
    book.text(name, end, 0, "All", bold=True)
    sums = [(4, book.assessment.bytes_now), (5, load_after(inputs, 0).rows), (6, book.assessment.bytes_per_day),
            (7, book.assessment.bytes_per_day * YEAR_DAYS)]  # fmt: skip
    sums += [(D_MONTHS + month - 1, load_after(inputs, month).bytes) for month in range(1, MONTHS + 1)]
    for place, value in sums:
        book.formula(name, end, place, f"=SUM({span(1, place, end - 1, place)})", value)
    book.text(name, at_end, 0, "Accounts then")
    book.text(name, until, 0, "Days of accounts until then")
    days = 0.0
    for month in range(1, MONTHS + 1):
        place, before = D_MONTHS + month - 1, at(at_end, D_MONTHS + month - 2)
        grown = f"=SUMPRODUCT({column_of_tiers(book, T_ACCOUNTS)}*(1+{column_of_tiers(book, T_GROWTH)})^{month})"
        book.formula(name, at_end, place, grown, load_after(inputs, month).accounts)
        days += load_after(inputs, month - 1).accounts * MONTH_DAYS
        more = f"={accounts}*{MONTH_DAYS}" if month == 1 else f"={at(until, place - 1)}+{before}*{MONTH_DAYS}"
        book.formula(name, until, place, more, days)


def write_workers(book: Book) -> None:
    name, workers, sheet = "Workers", book.inputs.workers, book.assessment.workers
    given = [
        (THREADS, "Threads", workers.threads, "whole"),
        (RATE, "Jobs a second each", workers.jobs_per_second, "part"),
        (CEILING, "Ceiling of threads", workers.ceiling, "whole"),
        (PER_ACCOUNT, "Jobs a day per account", workers.jobs_per_account, "part"),
        (PEAK, "Part of a day's jobs in the busiest span", workers.peak_share, "percent"),
        (DRAIN, "Seconds to drain in", workers.drain_s, "whole"),
    ]
    for row, label, value, form in given:
        book.text(name, row, 0, label)
        book.given(name, row, 1, value, form)
    rate = f"({at(THREADS, 1)}*{at(RATE, 1)})"
    span_of_one = f"({at(RATE, 1)}*{at(DRAIN, 1)})"
    found = [
        (JOBS, "Jobs a day", f"={total_of_tiers(book, T_ACCOUNTS)}*{at(PER_ACCOUNT, 1)}", sheet.jobs_per_day, "whole"),
        (PEAK_JOBS, "Jobs in the busiest span", f"={at(JOBS, 1)}*{at(PEAK, 1)}", sheet.peak_jobs, "whole"),
        (DRAINS, "Jobs drained in time", f"={rate}*{at(DRAIN, 1)}", sheet.drains, "whole"),
        (MOST, "… at the ceiling", f"={at(CEILING, 1)}*{span_of_one}", sheet.at_ceiling, "whole"),
        (SECONDS, "Seconds that the busiest span takes", f"={at(PEAK_JOBS, 1)}/{rate}", sheet.drains_peak_in_s, "part"),
        (NEEDED, "Threads needed", _up(f"{at(PEAK_JOBS, 1)}/{span_of_one}"), sheet.threads_needed, "whole"),
        (BUSY, "Part of the day that threads are busy", f"={at(JOBS, 1)}/({rate}*86400)", sheet.busy, "percent"),
    ]
    for row, label, formula, value, form in found:
        book.text(name, row, 0, label)
        book.formula(name, row, 1, formula, value, form)


def write_scenarios(book: Book) -> None:
    _write_limits_given(book)
    _write_factors(book)
    _write_limits(book)
    _write_months(book)


def _write_limits_given(book: Book) -> None:
    book.headings("Scenarios", 0, ["What does not grow by itself", "Limit (empty: none)"])
    for row, (field, label) in enumerate(LIMIT_FIELDS, 1):
        book.text("Scenarios", row, 0, label)
        book.given("Scenarios", row, 1, getattr(book.inputs.limits, field))


def _write_factors(book: Book) -> None:
    name, limits = "Scenarios", limits_of(book.inputs)
    book.headings(name, FACTOR_ROW, ["Times today's size"])
    for row, label in enumerate(OF_FACTOR, FACTOR_ROW + 1):
        book.text(name, row, 0, label)
    tables = max(1, len(book.inputs.tables))
    per_day, kept = span(1, 6, tables, 6, "Database"), span(1, 3, tables, 3, "Database")
    within = f"(({kept}=0)*{YEAR_DAYS}+({kept}>0)*({kept}<{YEAR_DAYS})*{kept}+({kept}>={YEAR_DAYS})*{YEAR_DAYS})"
    totals = len(book.inputs.features) or 1
    for step, column in enumerate(book.assessment.scenarios):
        place = 1 + step
        book.given(name, FACTOR_ROW, place, column.factor)
        factor = at(FACTOR_ROW, place, fixed=True)
        shares = span(LIMIT_ROW + 1, 6 + step, LIMIT_ROW + len(limits), 6 + step)
        names = span(LIMIT_ROW + 1, 0, LIMIT_ROW + len(limits), 0)
        peak = f"{at(FACTOR_ROW + 7, place)}/(Workers!{at(RATE, 1)}*Workers!{at(DRAIN, 1)})"
        calls = f"{at(totals + 1, F_CALLS, 'Features')}*{factor}"
        first = f'=IF(MAX({shares})>1,INDEX({names},MATCH(MAX({shares}),{shares},0)),"nothing")'
        cells = [
            (f"={total_of_tiers(book, T_TENANTS)}*{factor}", column.tenants),
            (f"={total_of_tiers(book, T_ACCOUNTS)}*{factor}", column.accounts),
            (f"={at(totals + 1, F_CREDITS, 'Features')}*{factor}", column.daily_credits),
            (f"={at(FACTOR_ROW + 3, place)}*{MONTH_DAYS}", column.monthly_credits),
            (f"=SUM({per_day})*{factor}", column.bytes_per_day),
            (f"=SUMPRODUCT({per_day}*{within})*{factor}", column.bytes_in_a_year),
            (f"=Workers!{at(PEAK_JOBS, 1)}*{factor}", column.peak_jobs),
            (_up(peak), column.threads_needed),
            (_up(f"{calls}/({at(2, 1, fixed=True)}*1440)"), column.keys_needed),
            (first, column.first or "nothing"),
            (f'=COUNTIF({shares},">1")', column.broken),
        ]
        for row, (formula, value) in enumerate(cells, FACTOR_ROW + 1):
            book.formula(name, row, place, formula, value)


def _write_limits(book: Book) -> None:
    """Load, limit, share now, headroom, month in which it breaks, and the share at each factor."""
    name, limits = "Scenarios", limits_of(book.inputs)
    book.headings(
        name, LIMIT_ROW,
        ["Limit", "Load now", "Limit", "Share now", "Times today", "Breaks in month",
         *[f"Share at factor {number}" for number in range(1, len(FACTORS) + 1)], "What then"],
    )  # fmt: skip
    months = _month_row(book)
    for number, (limit, row) in enumerate(zip(limits, book.assessment.limits, strict=True)):
        line = LIMIT_ROW + 1 + number
        book.text(name, line, 0, limit.name)
        book.formula(name, line, 1, f"={_load_cell(book, limit.code, months, 1)}", row.load, "part")
        book.formula(name, line, 2, f"={_limit_formula(limit.code)}", row.limit)
        book.formula(name, line, 3, f"={at(line, 1)}/{at(line, 2)}", row.share, "percent")
        headroom = "" if row.headroom is None else row.headroom
        book.formula(name, line, 4, f'=IF({at(line, 3)}=0,"",1/{at(line, 3)})', headroom, "part")
        flags = span(_flag_row(book) + number, 1, _flag_row(book) + number, 1 + MONTHS)
        breaks = "" if row.breaks_in_months is None else row.breaks_in_months
        book.formula(name, line, 5, f'=IFERROR(MATCH(1,{flags},0)-1,"")', breaks)
        for step, column in enumerate(book.assessment.scenarios):
            place = 1 + step
            formula = f"={_load_at_factor(limit.code, line, place)}/{at(line, 2, fixed=True)}"
            book.formula(name, line, 6 + step, formula, column.shares[number], "percent")
        book.text(name, line, 6 + len(FACTORS), limit.remedy)


def _write_months(book: Book) -> None:
    """What is asked in each month, the share of every limit, and where it is beyond it."""
    name, inputs, limits = "Scenarios", book.inputs, limits_of(book.inputs)
    top = _month_row(book)
    book.headings(name, top, ["Month", *[str(month) for month in range(MONTHS + 1)]])
    for number, label in enumerate(LOADS):
        book.text(name, top + 1 + number, 0, label)
    for number, limit in enumerate(limits):
        book.text(name, _share_row(book) + number, 0, f"Share: {limit.name}")
        book.text(name, _flag_row(book) + number, 0, f"Beyond: {limit.name}")
    growth_of_tiers, growth = column_of_tiers(book, T_GROWTH), column_of_features(book, F_GROWTH)
    per_account = span(1, 1, max(1, len(inputs.tables)), 1, "Database")
    has_features, end = bool(inputs.features), max(1, len(inputs.tables)) + 1
    for month in range(MONTHS + 1):
        place, load = 1 + month, load_after(inputs, month)
        accounts = at(top + 2, place)
        of_features = {
            column: f"=SUMPRODUCT({column_of_features(book, column)}*(1+{growth})^{month})" if has_features else "=0"
            for column in (F_CALLS, F_CREDITS)
        }
        size = at(end, 4, "Database") if not month else at(end, D_MONTHS + month - 1, "Database")
        share_of_day = f"Workers!{at(PEAK, 1, fixed=True)}"
        cells = [
            (f"=SUMPRODUCT({column_of_tiers(book, T_TENANTS)}*(1+{growth_of_tiers})^{month})", load.tenants),
            (f"=SUMPRODUCT({column_of_tiers(book, T_ACCOUNTS)}*(1+{growth_of_tiers})^{month})", load.accounts),
            (of_features[F_CALLS], load.calls),
            (of_features[F_CREDITS], load.credits),
            (f"={accounts}*SUM({per_account})", load.rows),
            (f"={size}", load.bytes),
            (f"={accounts}*Workers!{at(PER_ACCOUNT, 1, fixed=True)}*{share_of_day}", load.peak_jobs),
            (f"={at(top + 3, place)}*{share_of_day}", load.peak_calls),
        ]
        for row, (formula, value) in enumerate(cells, top + 1):
            book.formula(name, row, place, formula, value)
        for number, limit in enumerate(limits):
            share = book.assessment.months[month][number]
            limit_cell = at(LIMIT_ROW + 1 + number, 2, fixed=True)
            formula = f"={_load_cell(book, limit.code, top, place)}/{limit_cell}"
            book.formula(name, _share_row(book) + number, place, formula, share, "percent")
            cell = at(_share_row(book) + number, place)
            book.formula(name, _flag_row(book) + number, place, f"=IF({cell}>1,1,0)", int(share > 1))


def _month_row(book: Book) -> int:
    return LIMIT_ROW + len(limits_of(book.inputs)) + 3


def _share_row(book: Book) -> int:
    return _month_row(book) + len(LOADS) + 2


def _flag_row(book: Book) -> int:
    return _share_row(book) + len(limits_of(book.inputs)) + 1


def _load_cell(book: Book, code: str, top: int, place: int) -> str:
    """What a limit is compared with, in the column of a month."""
    tenants, accounts, calls, credits, rows, size, jobs, peak = (at(top + 1 + each, place) for each in range(8))
    return {
        "key_day": calls, "key_peak": peak, "workers": f"{jobs}/(Workers!$B${RATE + 1}*Workers!$B${DRAIN + 1})",
        "monthly_calls": f"{calls}*{MONTH_DAYS}", "budget": f"{credits}*{MONTH_DAYS}", "tenants": tenants,
        "accounts": accounts, "rows": rows, "disk": size,
    }[code]  # fmt: skip


def _load_at_factor(code: str, line: int, place: int) -> str:
    """The same at a factor; the disk is what a year at that size needs."""
    if code == "disk":
        return at(FACTOR_ROW + 6, place)
    return f"{at(line, 1, fixed=True)}*{at(FACTOR_ROW, place, fixed=True)}"


def _limit_formula(code: str) -> str:
    keys = {field: at(row, 1, fixed=True) for row, (field, _) in enumerate(LIMIT_FIELDS, 1)}
    per_minute = f"{keys['keys']}*{keys['calls_per_minute']}"
    return {
        "key_day": f"{per_minute}*1440", "key_peak": f"{per_minute}*Workers!$B${DRAIN + 1}/60",
        "workers": f"Workers!$B${CEILING + 1}", "monthly_calls": keys["monthly_calls"],
        "budget": keys["monthly_credits"], "tenants": keys["tenants"], "accounts": keys["accounts"],
        "rows": keys["rows_per_day"], "disk": keys["disk_bytes"],
    }[code]  # fmt: skip


def _up(formula: str) -> str:
    """Rounded up, at least one; the tenth decimal is float's."""
    return f"=MAX(1,ROUNDUP(ROUND({formula},9),0))"
