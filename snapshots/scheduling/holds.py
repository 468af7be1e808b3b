"""What a dispatcher leaves alone: what is paused, what has its hours, and whose turn at the upstream is not yet.

Workers write down in Redis who was told to wait, and until when; dispatchers read it once a tick. Claiming such jobs
meanwhile would only make them be put back again. Without Redis nothing is known, and nothing held back by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog
from django.conf import settings

from accounts.selectors import TenantRef, standing
from snapshots.models import FetchJob
from snapshots.scheduling.cadence import closed_kinds
from tikdash import clock
from tikdash.errors import TikdashError
from tikdash.redis import Server, where_there
from tikdash.tiklive.errors import BreakerOpen, NotAdmitted, TooBusy
from tikdash.tiklive.ports import load_ports

log = structlog.get_logger(__name__)

#: Who waits, each with the end of its wait in seconds of Redis' clock: tenants by id, and these two.
WAITING = "dispatch:waiting"
EVERYBODY, SHARED_KEY = "everybody", "shared-key"
_KEPT_S = 3600
#: These stand still with the key itself; any other wait is of one tenant, as far as its place in line.
_OF_THE_KEY = frozenset({"key_breaker", "paused"})
_OF_THE_UPSTREAM = "upstream_breaker"
_UNLIMITED = 2**31 - 1
#: So many batches at least hold what is claimed for a key, so that several workers share it.
_BATCHES_OF_A_KEY = 5
#: These make a few requests. Any other may make dozens, and what is behind it in a batch would outlive its lease.
_SHORT_KINDS = frozenset({FetchJob.Kind.PROFILE.value, FetchJob.Kind.POSTS.value, FetchJob.Kind.PROBE.value})


@dataclass(frozen=True)
class Holds:
    """What one tick leaves alone.

    `tenants` and `kinds` are paused, or outside their hours; the tenants in `waiting` get nothing but what people wait
    for; `shared_room` is how many more background jobs of tenants on the shared key may be claimed, `own_keys` are the
    tenants that do not count there.
    """

    tenants: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    own_keys: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    upstream_waits: bool = False
    shared_room: int = _UNLIMITED

    def less(self, claimed: int) -> Holds:
        """The same, after so many background jobs on the shared key were claimed."""
        return replace(self, shared_room=max(0, self.shared_room - claimed))


def holds_now(in_flight: Mapping[tuple[str, int], int], at_once: bool = False) -> Holds:
    """What is left alone now, given how many jobs each (queue, tenant) has in flight.

    With `at_once` the caller runs what it claims itself, and hears from the upstream how long that takes: only pauses
    and hours count.
    """
    now, stands = clock.now(), standing()
    kinds = sorted({*stands.paused_kinds, *closed_kinds(now, settings.KIND_WINDOWS)})
    if stands.is_stopped:
        kinds = sorted(FetchJob.Kind.values)
    holds = Holds(stands.paused_tenants, kinds, stands.own_keys)
    if at_once:
        return holds
    waiting: set[str] = where_there(_waiting, set())
    own = set(stands.own_keys)
    held = sum(n for (queue, tenant_id), n in in_flight.items() if is_background(queue) and tenant_id not in own)
    return replace(
        holds,
        waiting=[int(name) for name in waiting - {EVERYBODY, SHARED_KEY}],
        upstream_waits=EVERYBODY in waiting,
        shared_room=0 if SHARED_KEY in waiting else max(0, shared_key_places() - held),
    )


def shared_key_places() -> int:
    """How many background jobs may be claimed for the shared key at a time: its requests of a few seconds."""
    per_second = settings.TIKLIVE_KEY_PER_MINUTE * settings.TIKLIVE_KEY_SHARE / 60
    return max(2 * _BATCHES_OF_A_KEY, int(per_second * settings.KEY_CLAIMED_AHEAD_S))


def most_in_batch(queue: str, kind: str) -> int:
    """How many jobs of a tenant go to one worker at a time, to be run one after the other."""
    if kind not in _SHORT_KINDS:
        return 1
    if not is_background(queue):
        return settings.JOBS_PER_TASK
    return min(settings.JOBS_PER_TASK, shared_key_places() // _BATCHES_OF_A_KEY)


def is_background(queue: str) -> bool:
    """True for queues that nobody waits for in front of a page."""
    return queue != FetchJob.Queue.INTERACTIVE


def note_wait(tenant: TenantRef, error: NotAdmitted) -> None:
    """Tells dispatchers that asking again does not make sense before `error.retry_after` seconds have passed."""
    name = _who_waits(tenant, error)
    wait_s = error.retry_after or 0.0
    if name is not None and wait_s > 0:
        where_there(lambda server: _note(server, name, wait_s), None)


def _who_waits(tenant: TenantRef, error: NotAdmitted) -> str | None:
    reason = error.reason if isinstance(error, TooBusy) else error.detail if isinstance(error, BreakerOpen) else ""
    if reason == _OF_THE_UPSTREAM:
        return EVERYBODY
    if reason in _OF_THE_KEY and _is_on_shared_key(tenant):
        return SHARED_KEY
    return str(tenant.id) if reason else None


def _is_on_shared_key(tenant: TenantRef) -> bool:
    try:
        return load_ports().keys.key_for(tenant.id).shared
    except TikdashError:
        return False


def _note(server: Server, name: str, wait_s: float) -> None:
    with server.reached() as redis:
        seconds, microseconds = redis.time()  # type: ignore[misc]
        with redis.pipeline(transaction=False) as pipe:
            pipe.zadd(WAITING, {name: seconds + microseconds / 1e6 + wait_s})
            pipe.zremrangebyscore(WAITING, "-inf", seconds)
            pipe.expire(WAITING, _KEPT_S)
            pipe.execute()


def _waiting(server: Server) -> set[str]:
    with server.reached() as redis, redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zrange(WAITING, 0, -1, withscores=True)
        (seconds, microseconds), rows = pipe.execute()
    now = seconds + microseconds / 1e6
    return {name.decode() for name, until in rows if until > now}
