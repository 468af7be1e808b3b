"""One fetch for all tenants on the shared key that track the same creator.

Which creators have several of them is counted over all shards and kept in Redis, as a hint: it says nothing to any
tenant, and without it everybody fetches for itself.
"""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from django.db import connection

from accounts.selectors import schemas, standing
from tikdash.db.scope import all_tenants
from tikdash.redis import Server, where_there

#: Set of the numeric ids of creators that several tenants on the shared key track.
SHARED_CREATORS = "dispatch:shared-creators"
#: A count that is not renewed is forgotten: creators that nobody shares any more would be kept in the cache in vain.
_KEPT_S = 2 * 86_400
_AT_ONCE = 5_000
CREATORS = """
    SELECT tiktok_user_id, count(*) FROM accounts
     WHERE right(tiktok_user_id, 1) = %(digit)s AND tenant_id <> ALL(%(own_keys)s::bigint[])
           AND removed_at IS NULL
     GROUP BY tiktok_user_id
"""


def is_shared(tiktok_user_id: str) -> bool:
    """True where several tenants on the shared key track this creator."""
    return bool(where_there(lambda server: _has(server, tiktok_user_id), False))


def count_shared_creators() -> int:
    """Counts anew; returns how many creators several tenants track."""
    own_keys, shared = standing().own_keys, list[str]()
    # By last digit, so that a tenth of all creators is in memory at a time.
    for digit in "0123456789":
        count: Counter[str] = Counter()
        for schema in schemas():
            with all_tenants(schema), connection.cursor() as cursor:
                cursor.execute(CREATORS, {"digit": digit, "own_keys": own_keys})
                count.update(dict(cursor.fetchall()))
        shared += [creator for creator, tenants in count.items() if tenants > 1]
    where_there(lambda server: _replace(server, shared), None)
    return len(shared)


def forget_shared(creators: list[str], *, really: bool = True) -> list[str]:
    """Takes these creators out of the count; returns those that were in it."""
    return where_there(lambda server: _forget(server, creators, really), [])


def _forget(server: Server, creators: list[str], really: bool) -> list[str]:
    with server.reached() as redis:
        found = [creator for creator in creators if redis.sismember(SHARED_CREATORS, creator)]
        if found and really:
            redis.srem(SHARED_CREATORS, *found)
    return found


def _has(server: Server, creator: str) -> bool:
    with server.reached() as redis:
        return bool(redis.sismember(SHARED_CREATORS, creator))


def _replace(server: Server, creators: list[str]) -> None:
    fresh = f"{SHARED_CREATORS}:{uuid4().hex}"
    with server.reached() as redis, redis.pipeline(transaction=True) as pipe:
        for start in range(0, len(creators), _AT_ONCE):
            pipe.sadd(fresh, *creators[start : start + _AT_ONCE])
        if creators:
            pipe.rename(fresh, SHARED_CREATORS)
            pipe.expire(SHARED_CREATORS, _KEPT_S)
        else:
            pipe.delete(SHARED_CREATORS)
        pipe.execute()
