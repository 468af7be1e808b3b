"""What was read of one account or post, day by day, as a chart and a table; and decisions on what is doubted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from accounts.selectors import tenant_by_id
from snapshots.analytics.suspects import DECIDABLE, ValueId, value_id
from snapshots.models import FetchJob, ValueDecision
from snapshots.services.quality import accept_value, reject_value
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import NotFound, TikdashError
from tikdash.ui.numbers import exact
from tikdash.ui.sparkline import sparkline_svg

DAYS = 60
MOST_DECISIONS, MOST_JOBS = 20, 30
DECIDE = "snapshots.decide_value"
#: What counters are called on customers' pages, too; an account's `digg_count` is another thing than a post's.
LABELS = {
    "follower_count": "followers", "heart_count": "hearts", "video_count": "videos", "following_count": "following",
    "play_count": "views", "digg_count": "likes", "comment_count": "comments", "share_count": "shares",
    "collect_count": "saves",
}  # fmt: skip
#: States that are shown as they are: what is rounded is no fault.
SOUND = ("", "rounded")


@dataclass(frozen=True)
class Cell:
    """One counter of one day. `state` is why it is doubted, empty where it is not; `id` names it where somebody can
    decide on it."""

    label: str
    counter: str
    value: int | None
    state: str
    id: str


@dataclass(frozen=True)
class DayRow:
    """One UTC day."""

    day: date
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Measured:
    """The last days of one counter as a chart, of all counters (name and label) as a table with the newest day first,
    and how many values are doubted."""

    counters: tuple[tuple[str, str], ...]
    counter: str
    chart: SafeString
    rows: tuple[DayRow, ...]
    doubted: int


def measured(subject: str, subject_id: int, snapshots: Any, counters: Sequence[str], counter: str) -> Measured:
    """What `snapshots` (of one account or post) say of the last days."""
    counter = counter if counter in counters else counters[0]
    today = clock.today()
    first = today - timedelta(days=DAYS - 1)
    found = {row.captured_on: row for row in snapshots.filter(captured_on__gte=first, captured_on__lte=today)}
    rows = [
        DayRow(day, tuple(_cell(subject, subject_id, found[day], name) for name in counters))
        for day in sorted(found, reverse=True)
    ]
    by_day = {row.day: {cell.counter: cell for cell in row.cells} for row in rows}
    days = [first + timedelta(days=n) for n in range(DAYS)]
    values = [_sound(by_day[day][counter]) if day in by_day else None for day in days]
    label = f"{label_of(subject, counter).capitalize()} of the last {DAYS} days, without what is doubted"
    # Made of numbers; the label is escaped there.
    chart = mark_safe(sparkline_svg(values, width=640, height=140, label=label).replace("spark", "spark ops-line", 1))  # noqa: S308
    doubted = sum(1 for row in rows for cell in row.cells if cell.state not in SOUND)
    labels = tuple((name, label_of(subject, name)) for name in counters)
    return Measured(labels, counter, chart, tuple(rows), doubted)


def label_of(subject: str, counter: str) -> str:
    """What a counter of an account or post is called."""
    return "likes given" if (subject, counter) == ("account", "digg_count") else LABELS[counter]


def jobs_of(tenant_id: int, account_id: int) -> list[FetchJob]:
    """The account's jobs with their last errors."""
    return list(FetchJob.objects.filter(tenant_id=tenant_id, account_id=account_id).order_by("kind")[:MOST_JOBS])


def decisions_of(tenant_id: int, account_id: int, post_id: int | None = None) -> list[ValueDecision]:
    """What was decided of the account, or of one post of it, the newest first."""
    rows = ValueDecision.objects.filter(tenant_id=tenant_id, account_id=account_id)
    rows = rows.filter(post_id=post_id) if post_id else rows
    found = list(rows.order_by("-decided_at")[:MOST_DECISIONS])
    for one in found:
        one.label = label_of("post" if one.post_id else "account", one.counter)  # type: ignore[attr-defined]
    return found


def decide(request: HttpRequest, tenant_id: int, subject: str, subject_id: int) -> None:
    """Accepts or rejects the value that a form names, with its reason, and says what came of it."""
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    decision = accept_value if request.POST.get("decision") == "accept" else reject_value
    try:
        value = value_id(request.POST.get("value", ""))
        if (value.subject, value.subject_id) != (subject, subject_id):
            raise NotFound("This value is of another page.")
        with tenant_scope(tenant_by_id(tenant_id)):
            done = decision(value=value, reason=request.POST.get("reason", ""), decided_by=request.user.get_username())
    except TikdashError as error:
        messages.error(request, str(error))
    else:
        what = f"{label_of(subject, value.counter).capitalize()} of {value.day}"
        messages.success(request, f"{what}: {done.decision}. Shown now: {exact(done.newest)}.")


def _cell(subject: str, subject_id: int, row: Any, name: str) -> Cell:
    state = str((row.suspect or {}).get(name, ""))
    can_decide = state in (*DECIDABLE, "rejected") or (not state and getattr(row, name) is not None)
    named = str(ValueId(subject, subject_id, row.captured_on, name)) if can_decide else ""
    return Cell(label_of(subject, name), name, getattr(row, name), state, named)


def _sound(cell: Cell) -> int | None:
    return cell.value if cell.state in SOUND else None
