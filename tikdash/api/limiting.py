"""How often a token may ask: so many requests in each minute of its own, counted in Redis."""

from __future__ import annotations

from dataclasses import dataclass

from tikdash import clock
from tikdash.redis import RedisGone, server

WINDOW_S = 60


@dataclass(frozen=True)
class Rate:
    """Where one stands: `left` of `limit` requests until the window ends in `reset_s`; not `known` without Redis."""

    limit: int
    left: int
    reset_s: int
    known: bool = True

    @property
    def is_over(self) -> bool:
        return self.left < 0

    @property
    def headers(self) -> dict[str, str]:
        """After draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"minute";r={max(0, self.left)};t={self.reset_s}',
        }


def count(name: str, limit: int) -> Rate:
    """Counts one request of `name`. Without Redis nothing is counted, and `known` is False."""
    now = clock.now().timestamp()
    window = int(now // WINDOW_S)
    reset_s = max(1, round((window + 1) * WINDOW_S - now))
    key = f"api:rate:{name}:{window}"
    try:
        with server().reached() as redis:
            pipe = redis.pipeline(transaction=False)
            pipe.incr(key)
            pipe.expire(key, 2 * WINDOW_S)
            used = int(pipe.execute()[0])
    except RedisGone:
        return Rate(limit, limit, reset_s, known=False)
    return Rate(limit, limit - used, reset_s)
