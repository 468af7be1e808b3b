"""Lists by when something was posted, at any number of posts: account by account, through the index that pages have.

An index of the times alone would cost every reading of every post.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest

from tikdash.ui.admin_ranges import Range, RangeFilter, range_filter

#: The list holds so many posts of a range at most, the newest.
MOST_POSTS = 5_000
POSTED = """
    SELECT p.id FROM accounts a
     CROSS JOIN LATERAL (
           SELECT id, posted_at FROM posts
            WHERE tenant_id = a.tenant_id AND account_id = a.id AND posted_at >= %(begin)s AND posted_at < %(end)s
            ORDER BY posted_at DESC LIMIT %(most)s) AS p
     WHERE %(slug)s = '' OR a.tenant_id IN (SELECT id FROM public.tenants WHERE slug = %(slug)s)
     ORDER BY p.posted_at DESC LIMIT %(most)s
"""

TrackedFilter = range_filter("tracked_since", "tracked since", "tracked")
MeasuredFilter = range_filter("measured_at", "newest numbers", "measured", has_never=True)


class PostedFilter(RangeFilter):
    """Posts by when they were posted: the newest of the range."""

    title = f"posted (the newest {MOST_POSTS:,})"
    parameter_name = "posted"

    def inside(self, request: HttpRequest, queryset: QuerySet[Any], there: Range) -> QuerySet[Any]:
        facts: dict[str, Any] = {
            "begin": there.begin, "end": there.end, "slug": request.GET.get("tenant", "").replace("\0", ""),
            "most": MOST_POSTS,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(POSTED, facts)
            return queryset.filter(pk__in=[row[0] for row in cursor.fetchall()])
