"""What the admin's lists share."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import connection

#: Up to here a list is counted exactly.
COUNTED = 10_000


class EstimatedCountPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to a bound; beyond it, an unfiltered list gets PostgreSQL's own estimate."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        bounded = rows.order_by()[: COUNTED + 1].values("pk")
        counted = len(bounded)
        if counted <= COUNTED:
            return counted
        query = rows.query
        if query.where:
            return counted
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c"
                " WHERE c.oid = to_regclass(%s) OR c.oid IN"
                " (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s))",
                [query.model._meta.db_table] * 2,
            )
            return max(counted, int(cursor.fetchone()[0]))
