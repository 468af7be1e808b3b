"""Filters of large lists by time: the last day, week or month, and single months; never all there is.

Django's own hierarchy of dates asks for the first and last of all rows, which is a scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tikdash import clock

SPANS = {"1d": ("last 24 h", 1), "7d": ("last 7 days", 7), "30d": ("last 30 days", 30)}
#: So many months are listed; in the address any can stand: `?posted=2024-03`.
MONTHS_LISTED = 12
NEVER = "never"


@dataclass(frozen=True)
class Range:
    """Moments from `begin` on and before `end`."""

    begin: datetime
    end: datetime


def range_of(text: str) -> Range | None:
    """The range that an address names; None for what names none."""
    now = clock.now()
    if text in SPANS:
        # What is stamped while the page is made belongs to it.
        return Range(now - timedelta(days=SPANS[text][1]), now + timedelta(minutes=1))
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    if first.year == date.max.year:
        return None
    return Range(_midnight(first), _midnight(_next_month(first)))


class RangeFilter(admin.SimpleListFilter):
    """Rows whose `field` lies in a range; with `has_never` also those that have none."""

    field = ""
    has_never = False

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = [(name, label) for name, (label, _days) in SPANS.items()]
        month = clock.today().replace(day=1)
        for _ in range(MONTHS_LISTED):
            found.append((f"{month:%Y-%m}", f"{month:%B %Y}"))
            month = (month - timedelta(days=1)).replace(day=1)
        chosen = request.GET.get(self.parameter_name or "", "")
        if chosen not in dict(found) and (there := range_of(chosen)):
            found.append((chosen, f"{there.begin:%B %Y}"))
        return [*found, *([(NEVER, "never")] if self.has_never else [])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        if value == NEVER and self.has_never:
            return queryset.filter(**{f"{self.field}__isnull": True})
        there = range_of(value)
        return queryset.none() if there is None else self.inside(request, queryset, there)

    def inside(self, request: HttpRequest, queryset: QuerySet[Any], there: Range) -> QuerySet[Any]:
        """The rows of the range."""
        return queryset.filter(**{f"{self.field}__gte": there.begin, f"{self.field}__lt": there.end})


def range_filter(field: str, title: str, parameter: str, *, has_never: bool = False) -> type[RangeFilter]:
    """The filter of a column of moments, for tables that are small enough to be read as a whole."""
    facts = {"field": field, "title": title, "parameter_name": parameter, "has_never": has_never}
    return type("RangeFilter", (RangeFilter,), facts)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
