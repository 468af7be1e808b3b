"""The jobs of a tenant's accounts, as its plan and what is known of each account want them: made, paced, taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

import structlog
from django.conf import settings
from django.db import connection

from accounts.selectors import TenantRef
from accounts.services.seats import fit_seats
from snapshots.scheduling.cadence import next_due
from snapshots.scheduling.leases import NOW
from snapshots.scheduling.planner import PLANNED, Facts, Planned, plan_accounts
from snapshots.services.accounts import KINDS, cadences_of, make_missing_jobs
from snapshots.services.fitting import fit_to_plan
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.db.upsert import array_literal
from tikdash.plans import PlanLimits, limits_of, plan_service

log = structlog.get_logger(__name__)

#: The last sound number of followers of a day about a week ago; a post's best start against the median of the others.
FACTS = f"""
    SELECT a.id, a.tracked_since, a.viewed_at, posts.newest, stories.newest,
           abs(a.follower_count - before.follower_count) / nullif(before.follower_count, 0)::float,
           posts.best_start / nullif(posts.usual, 0)
      FROM accounts a
      LEFT JOIN LATERAL (
           SELECT s.follower_count FROM account_snapshots s
            WHERE s.account_id = a.id AND s.follower_count IS NOT NULL
              AND NOT coalesce(s.suspect ? 'follower_count', false)
              AND s.captured_on BETWEEN ({NOW} AT TIME ZONE 'UTC')::date - 9 AND ({NOW} AT TIME ZONE 'UTC')::date - 6
            ORDER BY s.captured_on DESC LIMIT 1) AS before ON true
      LEFT JOIN LATERAL (
           SELECT max(p.posted_at) AS newest,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY p.play_count)
                      FILTER (WHERE p.posted_at <= {NOW} - interval '48 hours') AS usual,
                  max(p.play_count) FILTER (WHERE p.posted_at > {NOW} - interval '48 hours') AS best_start
             FROM (SELECT posted_at, play_count FROM posts
                    WHERE account_id = a.id AND deleted_at IS NULL ORDER BY posted_at DESC LIMIT 30) AS p) AS posts
           ON true
      LEFT JOIN LATERAL (SELECT max(posted_at) AS newest FROM stories WHERE account_id = a.id) AS stories ON true
"""
PLANNED_JOBS = """
    SELECT id, account_id, kind, cadence_s, offset_s, why, next_due_at
      FROM fetch_jobs
     WHERE kind = ANY(%(kinds)s) AND account_id IS NOT NULL
"""
#: A job that is to run more often than before does not wait for its old time; one that is to run less often does, and
#: so does one that has failed.
APPLY = """
    UPDATE fetch_jobs j
       SET cadence_s = p.cadence_s, why = p.why,
           next_due_at = CASE WHEN j.attempts = 0 THEN least(j.next_due_at, p.due) ELSE j.next_due_at END
      FROM unnest(%(ids)s::bigint[], %(cadences)s::integer[], %(whys)s::text[], %(dues)s::timestamptz[])
           AS p(id, cadence_s, why, due)
     WHERE j.id = p.id
"""
#: What somebody is running at this moment goes the next time.
TAKE_AWAY = f"""
    DELETE FROM fetch_jobs
     WHERE kind = ANY(%(kinds)s) AND account_id IS NOT NULL AND (lease_until IS NULL OR lease_until <= {NOW})
"""


@dataclass(frozen=True)
class JobsPlanned:
    """How many jobs were made, paced anew, and taken away."""

    made: int
    changed: int
    taken_away: int


NOTHING_PLANNED = JobsPlanned(0, 0, 0)


def plan_jobs_of(tenants: Iterable[TenantRef]) -> None:
    """As `plan_jobs`, for each of these tenants; trouble with one is logged, and the others get theirs."""
    for tenant in tenants:
        try:
            with tenant_scope(tenant):
                planned = plan_jobs(tenant)
        except Exception:
            log.exception("planning_broke", tenant=tenant.slug)
            continue
        if planned != NOTHING_PLANNED:
            log.info("jobs_planned", tenant=tenant.slug, **vars(planned))


def plan_jobs(tenant: TenantRef) -> JobsPlanned:
    """Gives every account of the tenant of the present scope the jobs that it should have. Twice: changes nothing."""
    limits = limits_of(tenant)
    made = make_missing_jobs(tenant)
    allowed = plan_service().follow(tenant)
    fit_to_plan(allowed.accounts)
    fit_seats(tenant.id, allowed.seats)
    taken_away = _take_away([kind for kind in KINDS if kind not in cadences_of(limits)])
    plans = plan_accounts(
        limits.cadences,
        _facts(),
        clock.now(),
        daily_credits=limits.daily_credits,
        pages=ceil(limits.posts_kept_fresh / settings.POSTS_PER_PAGE_UPSTREAM),
    )
    return JobsPlanned(made, _apply(limits, plans), taken_away)


def _facts() -> dict[int, Facts]:
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"now": clock.frozen()})
        return {row[0]: Facts(*row[1:]) for row in cursor.fetchall()}


def _apply(limits: PlanLimits, plans: dict[int, dict[str, Planned]]) -> int:
    changed = []
    with connection.cursor() as cursor:
        cursor.execute(PLANNED_JOBS, {"kinds": [kind for kind in PLANNED if kind in limits.cadences]})
        for job_id, account_id, kind, cadence_s, offset_s, why, due in cursor.fetchall():
            planned = plans.get(account_id, {}).get(kind)
            if planned is not None and (cadence_s, why) != (planned.cadence_s, planned.why):
                more_often = cadence_s is None or planned.cadence_s < cadence_s
                changed.append((job_id, planned, _first_due(kind, planned, offset_s) if more_often else due))
        if changed:
            cursor.execute(
                APPLY,
                {
                    "ids": array_literal("bigint", [job_id for job_id, _, _ in changed]),
                    "cadences": array_literal("integer", [planned.cadence_s for _, planned, _ in changed]),
                    "whys": array_literal("text", [planned.why for _, planned, _ in changed]),
                    "dues": array_literal("timestamptz", [due for _, _, due in changed]),
                },
            )
    return len(changed)


def _first_due(kind: str, planned: Planned, offset_s: int) -> datetime:
    return next_due(kind, planned.cadence_s, offset_s, clock.now(), settings.DAILY_STARTS)


def _take_away(kinds: list[str]) -> int:
    if not kinds:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(TAKE_AWAY, {"kinds": kinds, "now": clock.frozen()})
        return int(cursor.rowcount)
