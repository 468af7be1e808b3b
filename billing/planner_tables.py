"""The planner's sheets and the review as tables of text for the admin's pages."""

from __future__ import annotations

from dataclasses import dataclass

from billing.capacity import Assessment
from billing.capacity.sheets import AHEAD
from billing.services.reviewing import Review

DASH = "–"


@dataclass(frozen=True)
class Row:
    """`mark` is "bad" or "near" where the row needs a look."""

    cells: tuple[str, ...]
    mark: str = ""
    total: bool = False


@dataclass(frozen=True)
class TextTable:
    """The first column and those in `words` are text, all others numbers."""

    code: str
    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    words: frozenset[int] = frozenset({0})


def tables_of(sheet: Assessment) -> list[TextTable]:
    """The six sheets; the last one comes with the limits."""
    return [_features(sheet), _tiers(sheet), _credits(sheet), _database(sheet), _workers(sheet), _scenarios(sheet),
            _limits(sheet)]  # fmt: skip


def tables_of_review(review: Review) -> list[TextTable]:
    """Features, growth and queues of a quarter."""
    features = [
        Row(
            (row.feature, whole(row.foreseen), whole(row.actual), signed(row.off_by)),
            "near" if row.off_by is not None and abs(row.off_by) > 0.25 else "",
        )
        for row in review.features
    ]
    features.append(
        Row(("All", whole(review.foreseen), whole(review.actual), _off(review.actual, review.foreseen)), total=True)
    )
    against = f"“{review.plan}”, as it was adopted" if review.plan else "the trend of the 56 days before the quarter"
    growth = [Row((row.tier, whole(row.before), whole(row.projected), whole(row.actual), signed(row.off_by)))
              for row in review.growth]  # fmt: skip
    queues = [
        Row(
            (row.queue, whole(row.samples), *map(whole, row.waiting), *map(seconds, row.drain_s or (None,) * 3)),
        )
        for row in review.queues
    ]
    percentiles = ("50 %", "95 %", "99 %")
    return [
        TextTable("features", "Forecast against actual", f"Credits. The forecast is {against}.",
                  ("Feature", "Foreseen", "Spent", "Off by"), tuple(features)),
        TextTable("growth", "Growth against projection",
                  "Tenants." if review.plan else "Tenants. No plan was adopted, so nothing was projected.",
                  ("Tier", "At its beginning", "Projected", "Now" if not review.over else "At its end", "Off by"),
                  tuple(growth)),
        TextTable("queues", "Queues", "Percentiles of samples, one a minute: jobs that wait, and how long they take.",
                  ("Queue", "Samples", *(f"Waiting, {each}" for each in percentiles),
                   *(f"Drain, {each}" for each in percentiles)), tuple(queues)),
        _packs(review),
        _limits(review.assessment),
    ]  # fmt: skip


def _packs(review: Review) -> TextTable:
    rows = []
    for each in review.packs:
        day = each.emptying.expected if each.emptying else None
        coming = each.next_days
        rows.append(
            Row((each.key_id, whole(each.bought), whole(each.left), whole(coming.expected if coming else None),
                 f"{whole(coming.low)} to {whole(coming.high)}" if coming else DASH, str(day or DASH),
                 whole(each.recommendation.credits if each.recommendation else None)))
        )  # fmt: skip
    return TextTable(
        "packs", "Credits bought", "What is left of all packs of a key, and what to buy with 20 to 30 % more than the"
        " forecast.",
        ("Key", "Bought", "Left", "Next 30 days", "Four of five times", "Used up on", "Buy"), tuple(rows),
    )  # fmt: skip


def _features(sheet: Assessment) -> TextTable:
    rows = [
        Row((row.name, row.endpoint, row.tier, whole(row.active), part(row.calls_per_day), part(row.credits_per_call),
             whole(row.calls), whole(row.credits), percent(row.share)))
        for row in sheet.features
    ]  # fmt: skip
    rows.append(Row(("All", "", "", "", "", "", whole(sheet.daily_calls), whole(sheet.daily_credits), ""), total=True))
    return TextTable(
        "features", "1 · Features to endpoints", "Active tenants or accounts × calls a day each × credits a call.",
        ("Feature", "Endpoint", "Tier", "Active", "Calls a day each", "Credits a call", "Calls a day", "Credits a day",
         "Share"), tuple(rows), frozenset({0, 1, 2}),
    )  # fmt: skip


def _tiers(sheet: Assessment) -> TextTable:
    rows = [
        Row((row.code, percent(row.growth), whole(row.tenants), *map(whole, row.tenants_ahead), whole(row.accounts),
             *map(whole, row.accounts_ahead)))
        for row in sheet.tiers
    ]  # fmt: skip
    ahead = [f"in {days} d" for days in AHEAD]
    return TextTable(
        "tenants", "2 · Tenants by tier", "Growth is that of thirty days, and goes on.",
        ("Tier", "Growth", "Tenants", *ahead, "Accounts", *ahead), tuple(rows),
    )  # fmt: skip


def _credits(sheet: Assessment) -> TextTable:
    rows = [
        Row((row.feature, whole(row.daily), whole(row.monthly), percent(row.share), *map(whole, row.daily_ahead)))
        for row in sheet.credits
    ]
    sums = [sum(row.daily_ahead[step] for row in sheet.credits) for step in range(len(AHEAD))]
    rows.append(
        Row(("All", whole(sheet.daily_credits), whole(sheet.monthly_credits), "", *map(whole, sums)), total=True)
    )
    return TextTable(
        "credits", "3 · Daily credits", "",
        ("Feature", "A day", "30 days at this size", "Share", *[f"A day in {days} d" for days in AHEAD]), tuple(rows),
    )  # fmt: skip


def _database(sheet: Assessment) -> TextTable:
    rows = [
        Row((row.name, whole(row.rows_per_day), whole(row.bytes_per_row), size(row.per_day), size(row.per_year),
             f"{row.kept_days:,} d" if row.kept_days else "for good", size(row.now), *map(size, row.ahead),
             size(row.in_twelve_months)))
        for row in sheet.tables
    ]  # fmt: skip
    return TextTable(
        "database", "4 · Database", "Bytes include indexes. A year is at today's size and without retention; what comes"
        " behind “Kept” has growth and retention in it.",
        ("Table", "Rows a day", "Bytes a row", "A day", "A year", "Kept", "Now", *[f"In {days} d" for days in AHEAD],
         "In 12 months"), tuple(rows),
    )  # fmt: skip


def _workers(sheet: Assessment) -> TextTable:
    found = sheet.workers
    late = found.drains_peak_in_s > found.drain_s
    rows = [
        Row(("Threads, and their ceiling", f"{whole(found.threads)} of {whole(found.ceiling)}")),
        Row(("Jobs a day", whole(found.jobs_per_day))),
        Row((f"Jobs in the busiest {found.drain_s} s", whole(found.peak_jobs))),
        Row((f"Jobs drained in {found.drain_s} s", whole(found.drains))),
        Row(("… at the ceiling", whole(found.at_ceiling))),
        Row(("The busiest span takes", seconds(found.drains_peak_in_s)), "bad" if late else ""),
        Row(("Threads needed", whole(found.threads_needed)), "bad" if found.threads_needed > found.ceiling else ""),
        Row(("Part of the day that threads are busy", percent(found.busy)), "near" if found.busy > 0.7 else ""),
    ]
    return TextTable("workers", "5 · Queue and workers", "", ("", "Today"), tuple(rows))


def _scenarios(sheet: Assessment) -> TextTable:
    named = [
        ("Tenants", whole, "tenants"), ("Accounts", whole, "accounts"), ("Credits a day", whole, "daily_credits"),
        ("Credits in 30 days", whole, "monthly_credits"), ("Bytes a day", size, "bytes_per_day"),
        ("Bytes in a year", size, "bytes_in_a_year"), ("Jobs in the busiest span", whole, "peak_jobs"),
        ("Threads needed", whole, "threads_needed"), ("Keys needed", whole, "keys_needed"),
        ("Limits broken", whole, "broken"),
    ]  # fmt: skip
    rows = [Row((name, *(form(getattr(each, field)) for each in sheet.scenarios))) for name, form, field in named]
    rows.append(Row(("Breaks first", *(each.first or "nothing" for each in sheet.scenarios))))
    return TextTable(
        "scenarios", "6 · Scenarios", "The same work at other sizes, with the limits of today.",
        ("", *(f"{each.factor}×" for each in sheet.scenarios)), tuple(rows),
    )  # fmt: skip


def _limits(sheet: Assessment) -> TextTable:
    rows = []
    for place, limit in enumerate(sheet.limits):
        months = limit.breaks_in_months
        when = "not within two years" if months is None else "now" if months == 0 else f"in {months} mo."
        mark = "bad" if months == 0 else "near" if months is not None and months <= 3 else ""
        form = size if limit.code == "disk" else whole
        shares = [percent(column.shares[place]) for column in sheet.scenarios[1:]]
        headroom = DASH if limit.headroom is None else f"{limit.headroom:,.1f}×"
        rows.append(
            Row((limit.name, form(limit.load), form(limit.limit), percent(limit.share), headroom, when, *shares,
                 limit.remedy), mark)
        )  # fmt: skip
    return TextTable(
        "limits", "What breaks first, and when", "Headroom is how many times today's load the limit carries.",
        ("Limit", "Load", "Limit", "Used", "Headroom", "Breaks",
         *(f"Used at {each.factor}×" for each in sheet.scenarios[1:]), "What then"),
        tuple(rows), frozenset({0, 5, 8}),
    )  # fmt: skip


def whole(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"


def part(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def percent(value: float) -> str:
    """Parts below ten as percents, greater ones as how many times."""
    return f"{value:.1%}" if abs(value) < 10 else f"{value:,.0f}×"


def signed(value: float | None) -> str:
    return DASH if value is None else f"{value:+.0%}"


def seconds(value: float | None) -> str:
    if value is None:
        return DASH
    return (
        f"{value:,.0f} s" if value < 600 else f"{value / 60:,.0f} min" if value < 36_000 else f"{value / 3600:,.0f} h"
    )


def size(value: float) -> str:
    """Bytes in decimal units, as disks are sold."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:,.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"
        value /= 1000
    return f"{value:,.2f} TB"


def _off(actual: float, foreseen: float | None) -> str:
    return signed(actual / foreseen - 1) if foreseen else DASH
