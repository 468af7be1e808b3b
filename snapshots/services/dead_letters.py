"""Jobs that failed too often: what they died of, over all shards, and giving them another chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.selectors import TenantRef, schemas
from accounts.services.auditing import record
from snapshots.scheduling.leases import NOW
from tikdash import clock
from tikdash.db.scope import all_tenants

#: Those that come back do so over this time, s: what killed them may still be there.
SPREAD_OVER_S = 600

_CHOSEN = """
      state = 'dead' AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s)
      AND (%(code)s::text IS NULL OR error_code = %(code)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
"""
GROUPS = f"""
    SELECT error_code, kind, count(*), array_agg(DISTINCT tenant_id), min(failed_at), max(failed_at),
           (array_agg(error ORDER BY failed_at DESC NULLS LAST))[1]
      FROM fetch_jobs WHERE {_CHOSEN} GROUP BY error_code, kind
"""
#: One behind the other by age, so that the first of them tells whether it is over.
RETRY = f"""
    WITH chosen AS (
        SELECT id, row_number() OVER (ORDER BY failed_at, id) - 1 AS place, count(*) OVER () AS jobs
          FROM fetch_jobs WHERE {_CHOSEN}
    ), retried AS (
    UPDATE fetch_jobs j
       SET state = 'active', attempts = 0, lease_until = NULL, started_at = NULL,
           next_due_at = {NOW} + make_interval(
               secs => least(%(spread)s::float8, chosen.jobs::float8) * chosen.place / chosen.jobs)
      FROM chosen WHERE j.id = chosen.id AND j.state = 'dead'
    RETURNING j.tenant_id)
    SELECT tenant_id, count(*) FROM retried GROUP BY tenant_id ORDER BY tenant_id
"""


@dataclass(frozen=True)
class DeadGroup:
    """Dead jobs of one kind with the same cause; `example` is the newest error's sentence."""

    error_code: str
    kind: str
    jobs: int
    tenants: int
    oldest: datetime | None
    newest: datetime | None
    example: str


def dead_groups(
    *, code: str | None = None, kind: str | None = None, tenant: TenantRef | None = None
) -> list[DeadGroup]:
    """Dead jobs by cause and kind over all shards, or of one tenant, code or kind; the largest group first."""
    found: dict[tuple[str, str], DeadGroup] = {}
    for schema in _schemas_of(tenant):
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(GROUPS, _parameters(code, kind, tenant, None))
            for error_code, job_kind, jobs, tenant_ids, oldest, newest, example in cursor.fetchall():
                group = DeadGroup(error_code, job_kind, jobs, len(tenant_ids), oldest, newest, example)
                before = found.get((error_code, job_kind))
                found[error_code, job_kind] = _together(before, group) if before else group
    return sorted(found.values(), key=lambda group: (-group.jobs, group.error_code, group.kind))


def retry_dead(
    *,
    ids: Iterable[int] | None = None,
    code: str | None = None,
    kind: str | None = None,
    tenant: TenantRef | None = None,
    schema: str | None = None,
    spread_s: float = SPREAD_OVER_S,
) -> int:
    """Makes dead jobs active again, with no failures counted; returns how many.

    All of them, or those of `code`, `kind`, `tenant`, the shard `schema` and `ids`. They are due one a second, or
    closer together so that the last is due within `spread_s`. ValueError for ids without a tenant or shard: each shard
    counts its jobs from 1.
    """
    if ids is not None and tenant is None and schema is None:
        raise ValueError("ids name jobs of one shard: say which")
    retried = 0
    parameters = _parameters(code, kind, tenant, None if ids is None else list(ids))
    for each in [schema] if schema else _schemas_of(tenant):
        with all_tenants(each), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(RETRY, parameters | {"spread": spread_s, "now": clock.frozen()})
            for tenant_id, jobs in cursor.fetchall():
                record("fetching.jobs_retried", tenant_id=tenant_id, after={"count": jobs, "code": code, "kind": kind})
                retried += jobs
    return retried


def _schemas_of(tenant: TenantRef | None) -> list[str]:
    return [tenant.schema_name] if tenant else schemas()


def _parameters(code: str | None, kind: str | None, tenant: TenantRef | None, ids: list[int] | None) -> dict[str, Any]:
    return {"code": code, "kind": kind, "tenant": tenant.id if tenant else None, "ids": ids}


def _together(one: DeadGroup, other: DeadGroup) -> DeadGroup:
    """The same group of two shards, which share no tenant."""
    newest_first = sorted((one, other), key=lambda group: (group.newest is None, -_seconds(group.newest)))
    moments = [moment for moment in (one.oldest, other.oldest) if moment]
    return DeadGroup(
        one.error_code,
        one.kind,
        one.jobs + other.jobs,
        one.tenants + other.tenants,
        min(moments, default=None),
        newest_first[0].newest,
        newest_first[0].example,
    )


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
