"""People whom the plan has no seat for: they wait, and come in again as soon as there is room. Nobody is removed."""

from __future__ import annotations

from django.db import connection

from tikdash import clock
from tikdash.db.scope import no_scope

#: Owners never wait; then admins come before members, and who joined first before who joined last.
FIT = """
    WITH ranked AS (
        SELECT id, row_number() OVER (
                   ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END, created_at, id) AS place,
               role = 'owner' AS is_owner
          FROM public.memberships WHERE tenant_id = %(tenant)s)
    UPDATE public.memberships m
       SET waits_since = CASE WHEN r.place > %(seats)s AND NOT r.is_owner THEN %(now)s::timestamptz END
      FROM ranked r
     WHERE m.id = r.id AND (m.waits_since IS NOT NULL) <> (r.place > %(seats)s AND NOT r.is_owner)
"""


def fit_seats(tenant_id: int, seats: int | None) -> int:
    """Who is beyond `seats` (None: nobody) waits, and everybody else does not; returns for how many that changed."""
    with no_scope(), connection.cursor() as cursor:
        cursor.execute(FIT, {"tenant": tenant_id, "seats": 2**31 if seats is None else seats, "now": clock.now()})
        return int(cursor.rowcount)
