"""What has been spent in a UTC day or month: counted in Redis, and summed from the ledger where Redis does not know.

There is a count for a tenant, for a key and for the whole deployment. A tenant's is what it is charged: requests that
failed cost us, not it. A count lives for ten minutes and is then summed anew, from rollups and the events behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import structlog
from django.db import connection
from redis.exceptions import RedisError

from tikdash.db.partitions import first_of_month
from tikdash.db.scope import PUBLIC_SCHEMA, all_tenants, tenant_scope
from tikdash.redis import RedisGone, Script, Server, server

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: Seconds after which a count is summed anew.
COUNTED_FOR_S = 600
ADD_WHERE_COUNTED = Script(Path(__file__).parent / "lua" / "add_where_counted.lua")
COUNT_FROM = Script(Path(__file__).parent / "lua" / "count_from.lua")

#: In one statement, so that both halves are of the same moment: what is rolled up, and the events behind that.
SUM_OF_TENANT = """
    SELECT coalesce((SELECT sum(charged) FROM public.usage_daily
                      WHERE tenant_id = %(tenant)s AND day >= %(from)s AND day < %(until)s), 0)
         + coalesce((SELECT sum(credits) FROM public.usage_corrections
                      WHERE tenant_id = %(tenant)s AND day >= %(from)s AND day < %(until)s), 0)
         + coalesce((SELECT sum(credits) FROM public.usage_events
                      WHERE tenant_id = %(tenant)s AND outcome = 'ok' AND occurred_at < %(ends)s
                        AND occurred_at >= greatest(%(begins)s, (SELECT max(filled_until) FROM public.usage_fills))), 0)
"""
#: Requests of which nobody knows the end may have been paid for: a cap of ours counts them.
SUM_OF_ALL = """
    SELECT coalesce((SELECT sum(credits + unsettled_credits) FROM public.usage_daily
                      WHERE day >= %(from)s AND day < %(until)s AND (%(key)s IS NULL OR key_id = %(key)s)), 0)
         + coalesce((SELECT sum(credits) FROM public.usage_events
                      WHERE occurred_at < %(ends)s AND (%(key)s IS NULL OR key_id = %(key)s)
                        AND occurred_at >= greatest(%(begins)s, (SELECT max(filled_until) FROM public.usage_fills))), 0)
"""


@dataclass(frozen=True)
class _LedgerOf:
    """The scope in which a tenant's usage is read: the ledger is a shared table, wherever the tenant's rows are."""

    id: int
    schema_name: str = PUBLIC_SCHEMA


@dataclass(frozen=True, slots=True)
class Count:
    """A count of a tenant, of a key, or (with neither) of the whole deployment, in the day or month of `begins`."""

    begins: date
    monthly: bool = False
    tenant_id: int | None = None
    key_id: str | None = None

    @property
    def name(self) -> str:
        """The counter in Redis."""
        of = self.tenant_id if self.tenant_id is not None else f"key:{self.key_id}" if self.key_id else "all"
        return f"credits:{of}:{self.begins:{'%Y%m' if self.monthly else '%Y%m%d'}}"

    @property
    def ends(self) -> date:
        """The first day behind it, which is when its cap opens again."""
        return first_of_month(self.begins, 1) if self.monthly else self.begins + timedelta(days=1)


def of_day(day: date, **whose: Any) -> Count:
    return Count(day, monthly=False, **whose)


def of_month(day: date, **whose: Any) -> Count:
    """The count of the month of `day`."""
    return Count(first_of_month(day), monthly=True, **whose)


def inside_ledger_of(tenant_id: int) -> AbstractContextManager[None]:
    """The scope of a tenant in the shared tables."""
    return tenant_scope(_LedgerOf(tenant_id))


def counted(names: Sequence[str] | Sequence[bytes]) -> list[bytes | None]:
    """What Redis has under the names of counts, in one round trip; None where it does not know."""
    try:
        return cast("list[bytes | None]", server().ask("MGET", *names))
    except (RedisGone, RedisError) as error:
        _say_unless_gone(error)
        return [None] * len(names)


def spent(count: Count, known: bytes | None = None) -> int:
    """The credits of a count so far; `known` is what `counted` has found."""
    if known is None:
        [known] = counted([count.name.encode()])
    return summed(count) if known is None else int(known)


def summed(count: Count) -> int:
    """The credits of a count as the ledger has them; Redis counts on from there."""
    # Calls that end while the ledger is being read are noted beside the count.
    _asked(lambda redis: _note_what_ends(redis, count.name))
    total = _sum(count)
    _asked(lambda redis: redis.run(COUNT_FROM, [count.name], [total, COUNTED_FOR_S]))
    return total


def spent_on(day: date, tenant_id: int) -> int:
    """The credits that the tenant has spent on a UTC day so far."""
    return spent(of_day(day, tenant_id=tenant_id))


def add(day: date, tenant_id: int, key_id: str, credits: int, *, charged: int) -> None:
    """Adds to the counts of the day and its month where there are any; others are summed when they are asked for."""
    names, amounts = [], []
    for whose, amount in (({"tenant_id": tenant_id}, charged), ({"key_id": key_id}, credits), ({}, credits)):
        names += [of_day(day, **whose).name, of_month(day, **whose).name]
        amounts += [amount, amount]
    server().soon(ADD_WHERE_COUNTED, names, amounts)


def forget(tenant_id: int, days: Sequence[date]) -> None:
    """Has a tenant's counts summed anew: what it is charged was put right."""
    names = [
        count.name for day in days for count in (of_day(day, tenant_id=tenant_id), of_month(day, tenant_id=tenant_id))
    ]
    _asked(lambda redis: _delete(redis, names))


def _asked(work: Callable[[Server], T]) -> T | None:
    """What Redis says, or None where it says nothing of use: the ledger knows everything that it knows."""
    try:
        return work(server())
    except (RedisGone, RedisError) as error:
        _say_unless_gone(error)
        return None


def _say_unless_gone(error: Exception) -> None:
    if not isinstance(error, RedisGone):
        log.warning("credits_not_counted", error=f"{type(error).__name__}: {error}")


def _note_what_ends(redis: Server, name: str) -> None:
    with redis.reached() as connected:
        connected.set(f"{name}:since", 0, nx=True, ex=60)


def _delete(redis: Server, names: Sequence[str]) -> None:
    with redis.reached() as connected:
        connected.delete(*names)


def _sum(count: Count) -> int:
    parameters = {
        "tenant": count.tenant_id,
        "key": count.key_id,
        "from": count.begins,
        "until": count.ends,
        "begins": datetime.combine(count.begins, time(), UTC),
        "ends": datetime.combine(count.ends, time(), UTC),
    }
    inside = all_tenants() if count.tenant_id is None else inside_ledger_of(count.tenant_id)
    with inside, connection.cursor() as cursor:
        cursor.execute(SUM_OF_ALL if count.tenant_id is None else SUM_OF_TENANT, parameters)
        return int(cursor.fetchone()[0])
