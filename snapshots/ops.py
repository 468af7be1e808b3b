"""What the front page of operations shows of jobs: due, late, running, dead, and whom it hits. Over all shards.

Every number comes from an index of `fetch_jobs` that holds only the rows in question: however many jobs there are, what
is neither due nor dead costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.urls import reverse

from accounts.selectors import schemas
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import jobs_in_flight
from snapshots.scheduling.holds import holds_now
from snapshots.scheduling.leases import NOW
from snapshots.services.retrying import credits_of
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.ui.numbers import exact
from tikdash.ui.tiles import BAD, FAILING, STALE, WARN, Figure, Risk, Row, Tile, span, tile

#: So many causes of death, and so many tenants of a kind of trouble, are shown.
MOST_CAUSES, MOST_TENANTS = 8, 20
#: Beyond so many dead jobs of a shard the shares of tenants are those of a part of them.
DEAD_READ = 20_000

DUE = f"""
    SELECT count(*), count(*) FILTER (WHERE claimable_at <= {NOW} - make_interval(secs => %(overdue)s::float8)),
           coalesce(extract(epoch FROM {NOW} - min(claimable_at)), 0)::float8
      FROM fetch_jobs
     WHERE state = 'active' AND queue = ANY(%(queues)s::text[]) AND claimable_at <= {NOW}
           AND tenant_id <> ALL(%(tenants)s::bigint[]) AND kind <> ALL(%(kinds)s::text[])
"""
DEAD = "SELECT error_code, count(*) FROM fetch_jobs WHERE state = 'dead' GROUP BY error_code"
#: Accounts whose profile should have been read long ago, by tenant, with how many accounts the tenant has.
STALE_ACCOUNTS = f"""
    WITH late AS (
        SELECT tenant_id, count(*) AS late FROM fetch_jobs
         WHERE state = 'active' AND queue = ANY(%(queues)s::text[]) AND kind = 'profile'
               AND claimable_at <= {NOW} - make_interval(secs => %(overdue)s::float8)
               AND tenant_id <> ALL(%(tenants)s::bigint[])
         GROUP BY tenant_id ORDER BY late DESC LIMIT %(most)s)
    SELECT tenant_id, late, (SELECT count(*) FROM accounts a WHERE a.tenant_id = late.tenant_id) FROM late
"""
DEAD_OF_TENANTS = """
    SELECT tenant_id, count(*) FROM (SELECT tenant_id FROM fetch_jobs WHERE state = 'dead' LIMIT %(read)s) AS dead
     GROUP BY tenant_id ORDER BY 2 DESC LIMIT %(most)s
"""


DUE_OF = f"""
    SELECT kind, count(*) FROM fetch_jobs
     WHERE state = 'active' AND queue = ANY(%(queues)s::text[]) AND claimable_at <= {NOW}
           AND tenant_id = ANY(%(tenants)s::bigint[])
     GROUP BY kind
"""


@dataclass
class JobsNow:
    """The queue of record over all shards: jobs that are due, those of them that are late, and the dead by cause."""

    due: int = 0
    overdue: int = 0
    oldest_s: float = 0.0
    running: int = 0
    dead: Counter[str] = field(default_factory=Counter)


def jobs_now() -> JobsNow:
    """How the jobs stand."""
    found = JobsNow(running=sum(jobs_in_flight().values()))
    parameters = _parameters()
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(DUE, parameters)
            due, overdue, oldest_s = cursor.fetchone()
            found.due, found.overdue = found.due + due, found.overdue + overdue
            found.oldest_s = max(found.oldest_s, oldest_s)
            cursor.execute(DEAD)
            for code, number in cursor.fetchall():
                found.dead[code] += number
    return found


def due_of(tenants: Sequence[int]) -> tuple[int, int]:
    """Jobs of these tenants that are due now, paused or not, and the credits that they cost at least."""
    jobs = credits = 0
    parameters: dict[str, Any] = {
        "queues": list(FetchJob.Queue.values),
        "tenants": list(tenants),
        "now": clock.frozen(),
    }
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(DUE_OF, parameters)
            for kind, number in cursor.fetchall():
                jobs, credits = jobs + number, credits + credits_of(kind, number)
    return jobs, credits


def jobs_link(**filters: str) -> str:
    """The list of jobs, filtered."""
    return f"{reverse('admin:snapshots_fetchjob_changelist')}?{urlencode(filters)}"


@tile("jobs", "Jobs", permission="snapshots.view_fetchjob", link="admin:snapshots_fetchjob_changelist")
def jobs() -> Tile:
    """Due, overdue, oldest, running and dead by cause."""
    now = jobs_now()
    dead, limit_s = sum(now.dead.values()), settings.WATCH_OVERDUE_S
    by_cause = reverse("admin:snapshots_fetchjob_dead")
    late = BAD if now.oldest_s > limit_s else WARN if now.oldest_s > 0.8 * limit_s else ""
    return Tile(
        figures=(
            Figure("Due", exact(now.due), link=jobs_link(stands="due")),
            Figure("Overdue", exact(now.overdue), f"for more than {span(limit_s)}", BAD if now.overdue else "",
                   jobs_link(stands="overdue")),
            Figure("Oldest", span(now.oldest_s), "", late, jobs_link(stands="due")),
            Figure("Running", exact(now.running), link=jobs_link(stands="running")),
            Figure("Dead", exact(dead), "", BAD if dead else "", by_cause),
        ),
        headings=("Died of", "Jobs"),
        rows=tuple(
            Row((code or "no cause", exact(number)), BAD, f"{by_cause}?{urlencode({'code': code})}")
            for code, number in now.dead.most_common(MOST_CAUSES)
        ),
        nothing="No job is dead.",
    )  # fmt: skip


def risks() -> list[Risk]:
    """Tenants whose numbers are late, and whose jobs die."""
    found = []
    parameters = _parameters() | {"most": MOST_TENANTS, "read": DEAD_READ}
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(STALE_ACCOUNTS, parameters)
            for tenant_id, late, accounts in cursor.fetchall():
                share = min(1.0, late / accounts) if accounts else 1.0
                found.append(Risk(tenant_id, f"{share:.0%} of {accounts:,} accounts are stale", share, STALE))
            cursor.execute(DEAD_OF_TENANTS, parameters)
            for tenant_id, number in cursor.fetchall():
                found.append(Risk(tenant_id, f"{number:,} dead jobs", min(1.0, number / 100), FAILING))
    return found


def _parameters() -> dict[str, Any]:
    holds = holds_now({}, at_once=True)
    return {
        "queues": list(FetchJob.Queue.values),
        "overdue": settings.WATCH_OVERDUE_S,
        "tenants": holds.tenants,
        "kinds": holds.kinds,
        "now": clock.frozen(),
    }
