"""How the work stands, for operators: jobs by queue and kind, and who has most of what is due."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.selectors import (
    PausedKindRef,
    PausedTenant,
    TenantRef,
    all_tenants_listed,
    paused_kinds,
    paused_tenants,
    schemas,
)  # fmt: skip
from snapshots.scheduling.holds import holds_now
from snapshots.scheduling.leases import NOW
from tikdash import clock
from tikdash.db.scope import all_tenants

TOP_TENANTS = 10
#: Due for so many seconds longer than that says that something is behind, and not only between two ticks.
LATE_AFTER_S = 600

_OF_TENANT = "(%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s)"
#: Each part is served by a partial index of its own: rows that are neither due, held, paused nor dead are not read.
JOBS = f"""
    WITH due AS (
        SELECT queue, kind, tenant_id, count(*) FILTER (WHERE may_run) AS due,
               count(*) FILTER (WHERE may_run AND claimable_at < {NOW} - make_interval(secs => %(late)s)) AS overdue,
               count(*) FILTER (WHERE NOT may_run) AS held_back, min(claimable_at) FILTER (WHERE may_run) AS oldest
          FROM fetch_jobs CROSS JOIN LATERAL (
               SELECT tenant_id <> ALL(%(tenants)s::bigint[]) AND kind <> ALL(%(kinds)s::text[]) AS may_run) AS held
         WHERE state = 'active' AND queue = ANY(%(queues)s) AND claimable_at <= {NOW} AND {_OF_TENANT}
         GROUP BY queue, kind, tenant_id
    ),
    states AS (
        SELECT queue, kind, tenant_id, due, overdue, held_back, oldest, 0 AS claimed, 0 AS running, 0 AS paused,
               0 AS dead
          FROM due
        UNION ALL
        SELECT queue, kind, tenant_id, 0, 0, 0, NULL, count(*) FILTER (WHERE started_at IS NULL), count(started_at),
               0, 0
          FROM fetch_jobs WHERE lease_until IS NOT NULL AND lease_until > {NOW} AND {_OF_TENANT}
         GROUP BY queue, kind, tenant_id
        UNION ALL
        SELECT queue, kind, tenant_id, 0, 0, 0, NULL, 0, 0, count(*), 0
          FROM fetch_jobs WHERE state = 'paused' AND {_OF_TENANT} GROUP BY queue, kind, tenant_id
        UNION ALL
        SELECT queue, kind, tenant_id, 0, 0, 0, NULL, 0, 0, 0, count(*)
          FROM fetch_jobs WHERE state = 'dead' AND {_OF_TENANT} GROUP BY queue, kind, tenant_id
    ),
    tops AS (
        SELECT tenant_id, sum(due)::bigint AS due FROM due WHERE due > 0 GROUP BY tenant_id
         ORDER BY 2 DESC, 1 LIMIT %(top)s
    )
    SELECT queue, kind, NULL::bigint, sum(due)::bigint, sum(overdue)::bigint, sum(held_back)::bigint,
           sum(claimed)::bigint, sum(running)::bigint, sum(paused)::bigint, sum(dead)::bigint, min(oldest)
      FROM states GROUP BY queue, kind
    UNION ALL
    SELECT '', '', tenant_id, due, 0, 0, 0, 0, 0, 0, NULL FROM tops
"""


@dataclass(frozen=True)
class Counts:
    """Jobs: `due` waits to be claimed, `overdue` of these for more than ten minutes; `claimed` waits for a worker.

    `held_back` is due too, but for a tenant or kind that is paused, or of a kind outside its hours; `paused` are
    single jobs.
    """

    due: int = 0
    overdue: int = 0
    held_back: int = 0
    claimed: int = 0
    running: int = 0
    paused: int = 0
    dead: int = 0
    oldest_due_at: datetime | None = None

    def __add__(self, other: Counts) -> Counts:
        moments = [moment for moment in (self.oldest_due_at, other.oldest_due_at) if moment]
        return Counts(
            self.due + other.due,
            self.overdue + other.overdue,
            self.held_back + other.held_back,
            self.claimed + other.claimed,
            self.running + other.running,
            self.paused + other.paused,
            self.dead + other.dead,
            min(moments, default=None),
        )


@dataclass(frozen=True)
class Overview:
    """The work of all shards, or of one tenant. `top_tenants` are those with most due jobs, by slug."""

    total: Counts
    by_queue: dict[str, Counts]
    by_kind: dict[str, Counts]
    top_tenants: dict[str, int]
    paused_tenants: list[PausedTenant]
    paused_kinds: list[PausedKindRef]


def jobs_overview(tenant: TenantRef | None = None) -> Overview:
    """How the jobs stand now."""
    total = Counts()
    by_queue: dict[str, Counts] = defaultdict(Counts)
    by_kind: dict[str, Counts] = defaultdict(Counts)
    due_of: dict[int, int] = defaultdict(int)
    holds = holds_now({}, at_once=True)
    parameters: dict[str, Any] = {
        "tenants": holds.tenants,
        "kinds": holds.kinds,
        "tenant": tenant.id if tenant else None,
        "queues": list(settings.QUEUE_ROOM),
        "late": LATE_AFTER_S,
        "top": TOP_TENANTS,
        "now": clock.frozen(),
    }
    for schema in [tenant.schema_name] if tenant else schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(JOBS, parameters)
            for queue, kind, tenant_id, *numbers in cursor.fetchall():
                if tenant_id is not None:
                    due_of[tenant_id] += numbers[0]
                    continue
                counts = Counts(*numbers)
                total += counts
                by_queue[queue] += counts
                by_kind[kind] += counts
    return Overview(
        total,
        {queue: by_queue[queue] for queue in settings.QUEUE_ROOM if queue in by_queue},
        dict(sorted(by_kind.items())),
        _by_slug(due_of),
        [each for each in paused_tenants() if tenant is None or each.slug == tenant.slug],
        paused_kinds(),
    )


def _by_slug(due_of: dict[int, int]) -> dict[str, int]:
    largest = sorted(due_of.items(), key=lambda item: (-item[1], item[0]))[:TOP_TENANTS]
    slugs = {ref.id: ref.slug for ref in all_tenants_listed()} if largest else {}
    return {slugs.get(tenant_id, str(tenant_id)): due for tenant_id, due in largest}
