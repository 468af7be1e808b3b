"""What is kept of a tenant outside of the database: keys of Redis, and files.

A test looks whether a name with the tenant's number is left, so that a new one finds its way into this list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.files.storage import default_storage

from tikdash.redis import Server, where_there

#: Keys that are the tenant's: kept answers, its share of keys, the version of its key, counts of credits, kept runs.
KEYS_OF_TENANT = r"tla:{n}:.*|tlk:.*:t:{n}|tikdash:key-version:{n}|credits:{n}:.*|analytics:runs:\d+:{n}"
#: Sorted sets that name tenants by their number among others.
SETS_OF_TENANTS = re.compile(r"tlk:.*:(?:turns|waiting)|dispatch:waiting")


def forget_in_redis(tenant_id: int) -> int:
    """Deletes all that Redis has of a tenant; returns how many keys that were. Without Redis: 0, nothing is kept there
    for longer than two weeks."""
    return where_there(lambda server: _forget(server, tenant_id), 0)


def files_of(tenant_id: int) -> list[str]:
    """The names of all files of a tenant in the file storage."""
    return list(_walk(f"pictures/{tenant_id}"))


def drop_files(tenant_id: int) -> None:
    """Deletes them, and the folders that they were in."""
    folder = f"pictures/{tenant_id}"
    for name in list(_walk(folder)):
        default_storage.delete(name)
    for path in sorted(_folders(folder), key=len, reverse=True):
        # Only a local folder has any; a bucket has names.
        default_storage.delete(path)


def _walk(folder: str) -> Iterator[str]:
    folders, files = _listed(folder)
    yield from (f"{folder}/{name}" for name in files if name)
    for name in folders:
        yield from _walk(f"{folder}/{name}")


def _folders(folder: str) -> Iterator[str]:
    folders, _files = _listed(folder)
    for name in folders:
        yield from _folders(f"{folder}/{name}")
    if default_storage.exists(folder):
        yield folder


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _forget(server: Server, tenant_id: int) -> int:
    mine, deleted = re.compile(KEYS_OF_TENANT.format(n=tenant_id)), 0
    with server.reached() as redis:
        for key in redis.scan_iter(count=1000):
            name = key.decode("utf-8", "replace")
            if mine.fullmatch(name):
                deleted += int(redis.delete(key))  # type: ignore[arg-type]
            elif SETS_OF_TENANTS.fullmatch(name) and redis.type(key) == b"zset":
                redis.zrem(key, str(tenant_id))
    return deleted
