"""What the admin's lists share."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
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

    There are no pages beyond the bound: to skip rows PostgreSQL reads them.
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
