"""What the front page of operations shows of tenants and of the upstream's outages."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import Tenant, UpstreamIncident
from tikdash.ui.tiles import BAD, KEY, PAUSED, Figure, Risk, Row, Tile, at, tile

MOST_TENANTS, MOST_OUTAGES = 20, 5
#: What weighs how much: a tenant for which nothing is fetched is worse off than one that is late.
WEIGHTS = {
    Tenant.PauseCause.KEY: (3.0, "No key that works: nothing is fetched", KEY),
    Tenant.PauseCause.OPS: (0.4, "Paused by operations", PAUSED),
    Tenant.PauseCause.MOVE: (0.3, "Being moved", PAUSED),
}


def risks() -> list[Risk]:
    """Tenants for which nothing is fetched although they pay for it."""
    rows = Tenant.objects.filter(fetching_paused_at__isnull=False, fetching_paused_cause__in=WEIGHTS)
    found = []
    for tenant_id, cause in rows.order_by("fetching_paused_at").values_list("id", "fetching_paused_cause")[:200]:
        weight, said, kind = WEIGHTS[Tenant.PauseCause(cause)]
        found.append(Risk(tenant_id, said, weight, kind))
    return found


@tile("outages", "Outages of the upstream", permission="accounts.view_upstreamincident",
      link="admin:accounts_upstreamincident_changelist")  # fmt: skip
def outages() -> Tile:
    """Whether one lasts, and the last ones."""
    rows = list(UpstreamIncident.objects.order_by("-began_at")[:MOST_OUTAGES])
    lasting = [row for row in rows if row.ended_at is None]
    return Tile(
        figures=(Figure("Lasting", str(len(lasting)), "", BAD if lasting else ""),),
        headings=("Began", "Ended", "Note"),
        rows=tuple(
            Row(
                (at(row.began_at), at(row.ended_at) if row.ended_at else "lasts", row.note or "–"),
                BAD if row.ended_at is None else "",
                reverse("admin:accounts_upstreamincident_change", args=[row.pk]),
            )
            for row in rows
        ),
        nothing="None is written down.",
    )
