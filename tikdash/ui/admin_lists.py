"""What large lists of the admin are made of: filters that an index answers, and the filtered list as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import strip_tags
from django.utils.module_loading import import_string
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from tikdash import clock
from tikdash.ui.admin import EstimatedCountPaginator
from tikdash.ui.cells import harmless

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


class LargeChangeList(ChangeList):  # type: ignore[misc]
    """Sorted by what `sortable_by` names, whatever an address asks for."""

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.result_count:
            # Whoever looked for something that is not there does not look for it again.
            self.result_list = self.queryset.none()


class LargeList(ModelAdmin):  # type: ignore[misc]
    """A list over all tenants without buttons that write: counted up to a bound, and as a file.

    It is sorted by no column that is not named: without an index of its own each would read the whole table.
    """

    show_full_result_count = False
    paginator = EstimatedCountPaginator
    list_per_page = 50
    sortable_by: Sequence[str] = ()
    list_before_template = "admin/_export_link.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LargeChangeList]:
        return LargeChangeList

    def get_urls(self) -> list[Any]:
        opts = self.model._meta
        page = path(
            "export/", self.admin_site.admin_view(self.export), name=f"{opts.app_label}_{opts.model_name}_export"
        )
        return [page, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """The list as it is filtered, as CSV, the newest row first; what is cut says so in its last line.

        Nobody gets a file of which the audit log does not know.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            # As the list itself does with an address that it does not understand.
            return redirect("../?e=1")
        file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
        try:
            written = self._write(request, rows, file)
            model, name = self.model._meta.model_name, str(self.model._meta.verbose_name_plural)
            import_string(settings.LIST_DOWNLOADED)(model=model, name=name, chosen=request.GET.dict(), rows=written)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        filename = f"{model}-{clock.now():%Y%m%d-%H%M}.csv"
        return FileResponse(file, as_attachment=True, filename=filename, content_type=CONTENT_TYPE)

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
