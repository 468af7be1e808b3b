"""What snapshots shows on a tenant's page of the administration: how new its numbers are, its jobs, failures."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts.selectors import TenantRef
from accounts.tenant_page import BAD, GOOD, WARN, Fact, Panel
from snapshots.models import FetchJob
from snapshots.scheduling.leases import NOW
from tikdash import clock
from tikdash.db.scope import tenant_scope

#: Jobs of a tenant by kind, in one pass over its own: due for so long that they are late, running, failing, dead.
JOBS = f"""
    SELECT kind, count(*),
           count(*) FILTER (WHERE state = 'active' AND claimable_at <= {NOW} - make_interval(secs => %(late)s::float8)),
           count(*) FILTER (WHERE started_at IS NOT NULL AND lease_until > {NOW}),
           count(*) FILTER (WHERE state = 'active' AND attempts > 0),
           count(*) FILTER (WHERE state = 'dead'),
           count(*) FILTER (WHERE state = 'paused')
      FROM fetch_jobs WHERE tenant_id = %(tenant)s AND state IN ('active', 'dead', 'paused') GROUP BY kind ORDER BY kind
"""
LAST = """
    SELECT j.failed_at, a.username, j.kind, j.state, j.error
      FROM fetch_jobs j LEFT JOIN accounts a ON a.id = j.account_id
     WHERE j.tenant_id = %(tenant)s AND j.failed_at IS NOT NULL AND j.error <> ''
     ORDER BY j.failed_at DESC LIMIT 8
"""
ACCOUNTS = "SELECT state, count(*) FROM accounts WHERE tenant_id = %(tenant)s GROUP BY state ORDER BY 2 DESC"


def panels(tenant: TenantRef) -> list[Panel]:
    """Freshness with jobs, and the last failures."""
    if not tenant.schema_name or tenant.state == "erased":
        return []
    parameters: dict[str, Any] = {"tenant": tenant.id, "late": settings.WATCH_OVERDUE_S, "now": clock.frozen()}
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(ACCOUNTS, parameters)
        accounts = cursor.fetchall()
        cursor.execute(JOBS, parameters)
        jobs = cursor.fetchall()
        cursor.execute(LAST, parameters)
        last = cursor.fetchall()
    return [_jobs(tenant, accounts, jobs), _failures(tenant, last)]


def _jobs(tenant: TenantRef, accounts: list[tuple[str, int]], jobs: list[tuple[Any, ...]]) -> Panel:
    number = sum(count for _, count in accounts)
    late, running, failing, dead = (sum(row[place] for row in jobs) for place in (2, 3, 4, 5))
    stale = next((row[2] for row in jobs if row[0] == FetchJob.Kind.PROFILE), 0)
    share = stale / number if number else 0.0
    facts = (
        Fact(
            "Accounts",
            f"{number:,}" + (f" ({', '.join(f'{n:,} {state}' for state, n in accounts)})" if accounts else ""),
        ),
        Fact("Stale", f"{share:.0%} of the accounts", BAD if share > 0.2 else WARN if share > 0.05 else GOOD),
        Fact("Late jobs", f"{late:,}", WARN if late else ""),
        Fact("Running", f"{running:,}"),
        Fact("Failing", f"{failing:,}", WARN if failing else ""),
        Fact("Dead", f"{dead:,}", BAD if dead else ""),
        Fact("Handles", "track a list", link=reverse("admin_bring_handles", args=[tenant.id])),
    )
    return Panel(
        "Accounts and jobs",
        facts,
        ("Kind", "Jobs", "Late", "Running", "Failing", "Dead", "Paused"),
        tuple((FetchJob.Kind(row[0]).label, *(f"{count:,}" for count in row[1:])) for row in jobs),
        nothing="There are no jobs.",
        link=f"{reverse('admin:snapshots_fetchjob_changelist')}?q={tenant.slug}",
        permission="snapshots.view_fetchjob",
    )


def _failures(tenant: TenantRef, last: list[tuple[Any, ...]]) -> Panel:
    return Panel(
        "Last failures",
        (),
        ("When", "Account", "Kind", "State", "Why"),
        tuple(
            (f"{at:%Y-%m-%d %H:%M} UTC", f"@{name}" if name else "–", str(kind), str(state), str(error)[:200])
            for at, name, kind, state, error in last
        ),
        nothing="No job has an error.",
        permission="snapshots.view_fetchjob",
    )
