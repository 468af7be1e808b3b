"""What large lists of the admin are made of: filters that an index answers, and the filtered list as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from tempfile import TemporaryFile
from typing import IO, Any

import structlog
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import strip_tags
from unfold.admin import ModelAdmin

from tikdash import clock
from tikdash.ui.admin import EstimatedCountPaginator
from tikdash.ui.cells import harmless

log = structlog.get_logger(__name__)

#: A file has so many rows at most, read in pieces of so many.
MOST_ROWS, ROWS_AT_ONCE = 50_000, 2_000
CUT = "Cut after {rows:,} rows. Filter the list more narrowly, and download again."
CONTENT_TYPE = "text/csv; charset=utf-8"


class DayFilter(admin.SimpleListFilter):
    """One UTC day of the last fortnight, or, in the address, any: `?day=2026-11-27`.

    Django's own hierarchy of dates asks for the first and last of all rows, which is a scan.
    """

    title = "day (UTC)"
    parameter_name = "day"
    field = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        days = [clock.today() - timedelta(days=back) for back in range(14)]
        return [(day.isoformat(), f"{day:%a %d %b}") for day in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        try:
            begin = datetime.combine(date.fromisoformat(value), time(), UTC)
        except ValueError:
            return queryset.none()
        return queryset.filter(**{f"{self.field}__gte": begin, f"{self.field}__lt": begin + timedelta(days=1)})


def day_filter(field: str) -> type[DayFilter]:
    """The filter of a column of moments."""
    return type("DayFilter", (DayFilter,), {"field": field})


class LargeList(ModelAdmin):  # type: ignore[misc]
    """A list over all tenants without buttons that write: counted up to a bound, and as a file."""

    show_full_result_count = False
    paginator = EstimatedCountPaginator
    list_per_page = 50
    list_before_template = "admin/_export_link.html"

    def get_urls(self) -> list[Any]:
        opts = self.model._meta
        page = path(
            "export/", self.admin_site.admin_view(self.export), name=f"{opts.app_label}_{opts.model_name}_export"
        )
        return [page, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """The list as it is filtered, as CSV, the newest row first; what is cut says so in its last line."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            # As the list itself does with an address that it does not understand.
            return redirect("../?e=1")
        file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
        try:
            written = self._write(request, rows, file)
        except BaseException:
            file.close()
            raise
        log.info("admin_export", list=self.model._meta.model_name, rows=written, user=request.user.pk)
        file.seek(0)
        name = f"{self.model._meta.model_name}-{clock.now():%Y%m%d-%H%M}.csv"
        return FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _write(self, request: HttpRequest, rows: QuerySet[Any], file: IO[bytes]) -> int:
        columns = [name for name in self.get_list_display(request) if name != "action_checkbox"]
        written = 0
        file.write(_line(["id", *columns]))
        for row in _newest_first(rows, MOST_ROWS + 1):
            if written == MOST_ROWS:
                file.write(_line([CUT.format(rows=MOST_ROWS)]))
                break
            file.write(_line([str(row.pk), *(self._cell(row, name) for name in columns)]))
            written += 1
        return written

    def _cell(self, row: Model, name: str) -> str:
        value = getattr(row, name) if hasattr(row, name) else getattr(self, name)(row)
        value = value() if callable(value) else value
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="seconds")
        return "" if value is None else harmless(strip_tags(str(value)))


def _newest_first(rows: QuerySet[Any], most: int) -> Iterator[Any]:
    """At most so many rows by falling key, in pieces that each begin behind the last: nothing is read twice."""
    ordered, last = rows.order_by("-pk"), None
    while most > 0:
        piece = list((ordered if last is None else ordered.filter(pk__lt=last))[: min(most, ROWS_AT_ONCE)])
        yield from piece
        if len(piece) < ROWS_AT_ONCE:
            return
        most -= len(piece)
        last = piece[-1].pk


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
