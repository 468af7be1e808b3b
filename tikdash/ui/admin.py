"""What the admin's lists share."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db import connection

#: Up to here a list is counted exactly, and paged through: what is further down is found by a search or a filter.
COUNTED = 10_000
#: The table, or all partitions of one.
ESTIMATE = """
    SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c
     WHERE c.oid = to_regclass(%(table)s)
           OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%(table)s))
"""


class EstimatedCountPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a bound; beyond it, an unfiltered list gets PostgreSQL's own estimate.

    There are no pages beyond the bound: to skip rows PostgreSQL reads them. Where it has to skip or sort, it does so
    with keys alone, and reads the rows of one page whole, with what they refer to.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted = int(rows.order_by().values("pk")[: COUNTED + 1].count())
        query = rows.query
        if counted <= COUNTED or query.where:
            return counted
        with connection.cursor() as cursor:
            cursor.execute(ESTIMATE, {"table": query.model._meta.db_table})
            return max(counted, int(cursor.fetchone()[0]))

    @cached_property
    def num_pages(self) -> int:
        return min(int(super().num_pages), -(-COUNTED // self.per_page))

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        if number == 1 and self._is_in_order_of_keys():
            return super().page(number)
        keys, rows = self.keys((number - 1) * self.per_page, number * self.per_page), cast("Any", self.object_list)
        found = {row.pk: row for row in rows.filter(pk__in=keys).order_by()}
        return Page([found[key] for key in keys if key in found], number, self)

    def keys(self, begin: int, end: int) -> list[Any]:
        """The keys of the rows from the one place to the other."""
        rows: Any = self.object_list
        return list(rows.values_list("pk", flat=True)[begin:end])

    def _is_in_order_of_keys(self) -> bool:
        query = cast("Any", self.object_list).query
        first = next(iter(query.order_by or query.get_meta().ordering), None)
        return isinstance(first, str) and first.lstrip("-") in ("pk", query.get_meta().pk.name)
