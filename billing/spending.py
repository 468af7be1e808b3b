"""What a tenant has spent today: counted in Redis, and summed from the ledger where Redis does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar, cast

import structlog
from django.db import connection
from redis.exceptions import RedisError

from tikdash.db.scope import PUBLIC_SCHEMA, tenant_scope
from tikdash.redis import RedisGone, Script, Server, server

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: Seconds after which a count is summed anew. A call that ends while its day is being summed may be counted twice or
#: not at all; for no longer than this.
COUNTED_FOR_S = 600
ADD_WHERE_COUNTED = Script(Path(__file__).parent / "lua" / "add_where_counted.lua")

SUM = """
    SELECT coalesce(sum(credits), 0) FROM public.usage_events
     WHERE tenant_id = %s AND occurred_at >= %s AND occurred_at < %s
"""


@dataclass(frozen=True)
class _LedgerOf:
    """The scope in which a tenant's usage is read: the ledger is a shared table, wherever the tenant's rows are."""

    id: int
    schema_name: str = PUBLIC_SCHEMA


def spent_on(day: date, tenant_id: int) -> int:
    """The credits that the tenant has spent on a UTC day so far."""
    key = _key(day, tenant_id)
    counted = _asked(lambda redis: _get(redis, key))
    if counted is not None:
        return int(counted)
    spent = _summed(day, tenant_id)
    _asked(lambda redis: _set_where_missing(redis, key, spent))
    return spent


def add(day: date, tenant_id: int, credits: int) -> None:
    """Adds to the count of the day where there is one; without Redis, or a count, the next question sums the ledger."""
    server().soon(ADD_WHERE_COUNTED, [_key(day, tenant_id)], [credits])


def _asked(work: Callable[[Server], T]) -> T | None:
    """What Redis says, or None where it says nothing of use: the ledger knows everything that it knows."""
    try:
        return work(server())
    except RedisGone:
        return None
    except RedisError as error:
        log.warning("credits_not_counted", error=f"{type(error).__name__}: {error}")
        return None


def _get(redis: Server, key: str) -> bytes | None:
    with redis.reached() as connected:
        return cast("bytes | None", connected.get(key))


def _set_where_missing(redis: Server, key: str, spent: int) -> None:
    with redis.reached() as connected:
        connected.set(key, spent, nx=True, ex=COUNTED_FOR_S)


def _key(day: date, tenant_id: int) -> str:
    return f"credits:{tenant_id}:{day:%Y%m%d}"


def _summed(day: date, tenant_id: int) -> int:
    begins = datetime.combine(day, time(), UTC)
    with tenant_scope(_LedgerOf(tenant_id)), connection.cursor() as cursor:
        cursor.execute(SUM, [tenant_id, begins, begins + timedelta(days=1)])
        return int(cursor.fetchone()[0])
