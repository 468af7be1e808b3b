"""How many jobs have ended and how long they took, by queue: counted in Redis, a command a batch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from redis.exceptions import RedisError

from tikdash.redis import RedisGone, server

ENDED, BUSY_MS = "jobs:ended", "jobs:busy-ms"


def count_ended(jobs: Mapping[str, int], busy_ms: Mapping[str, int]) -> None:
    """Adds to the sums. Without Redis nothing is counted: the next sample says that it does not know."""
    with suppress(RedisError, RedisGone), server().reached() as redis:
        pipeline = redis.pipeline(transaction=False)
        for queue, number in jobs.items():
            pipeline.hincrby(ENDED, queue, number)
            pipeline.hincrby(BUSY_MS, queue, busy_ms.get(queue, 0))
        pipeline.execute()


def ended_so_far() -> tuple[dict[str, int], dict[str, int]] | None:
    """Jobs that ended, and milliseconds that they took, by queue; None without Redis."""
    try:
        with server().reached() as redis:
            found = [cast("dict[bytes, bytes]", redis.hgetall(name)) for name in (ENDED, BUSY_MS)]
    except (RedisError, RedisGone):
        return None
    ended, busy = ({queue.decode(): int(number) for queue, number in sums.items()} for sums in found)
    return ended, busy
