"""Operators give dead jobs another chance: what it comes to, at once for a few, by a worker with progress for many."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from accounts.selectors import schemas, tenant_by_slug
from accounts.services.auditing import Actor, acting, current_actor
from snapshots.scheduling.planner import CREDITS
from snapshots.services.dead_letters import retry_dead
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput, Unavailable

#: Up to so many are done while somebody waits; of more a worker does so many at a time.
AT_ONCE, PIECE = 500, 1_000
#: How long the progress of a run is kept, s.
KEPT_S = 86_400
#: Kinds that ask no endpoint that costs credits.
FREE = frozenset({"pictures"})

#: By kind, and last of all kinds together: a tenant may have dead jobs of several.
COUNT = """
    SELECT kind, count(*), count(DISTINCT tenant_id) FROM fetch_jobs
     WHERE state = 'dead' AND (%(code)s::text IS NULL OR error_code = %(code)s)
           AND (%(kind)s::text IS NULL OR kind = %(kind)s)
           AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s)
           AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
     GROUP BY GROUPING SETS ((kind), ())
"""
NEXT = """
    SELECT id FROM fetch_jobs
     WHERE state = 'dead' AND (%(code)s::text IS NULL OR error_code = %(code)s)
           AND (%(kind)s::text IS NULL OR kind = %(kind)s)
           AND (%(tenant)s::bigint IS NULL OR tenant_id = %(tenant)s) AND id > %(after)s
     ORDER BY id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Choice:
    """Which dead jobs: of a cause, a kind, a tenant (by its address), or some of one shard by their ids; all where
    nothing is said."""

    code: str | None = None
    kind: str | None = None
    tenant: str | None = None
    schema: str | None = None
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Cost:
    """How many jobs come back, of how many tenants, and the credits that they take at least when they run once."""

    jobs: int
    tenants: int
    credits: int
    by_kind: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Progress:
    """How far a run is. `is_over` also where it ended with an error, which `said` names."""

    done: int
    of: int
    is_over: bool
    said: str = ""


def cost_of(choice: Choice) -> Cost:
    """What retrying the chosen jobs comes to. Raises NotFound for a tenant that does not exist."""
    kinds: dict[str, int] = {}
    tenants = 0
    for schema, parameters in _shards(choice):
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(COUNT, parameters)
            for kind, jobs, theirs in cursor.fetchall():
                if kind is None:
                    tenants += theirs
                else:
                    kinds[kind] = kinds.get(kind, 0) + jobs
    credits = sum(credits_of(kind, jobs) for kind, jobs in kinds.items())
    by_kind = sorted(kinds.items(), key=lambda row: (-row[1], row[0]))
    return Cost(sum(kinds.values()), tenants, credits, tuple(by_kind))


def credits_of(kind: str, jobs: int) -> int:
    """What so many runs of a kind cost at least."""
    return 0 if kind in FREE else round(jobs * CREDITS.get(kind, 1.0))


def retry_now(choice: Choice) -> int:
    """Makes the chosen jobs active, at most AT_ONCE of them while somebody waits; returns how many.

    Raises BadInput for more: those are for a worker (`begin_retry`).
    """
    jobs = cost_of(choice).jobs
    if jobs > AT_ONCE:
        raise BadInput(f"{jobs:,} jobs are too many to wait for.")
    return _retry(choice)


def begin_retry(choice: Choice) -> str:
    """Notes a run for a worker and returns its name. Raises Unavailable without Redis, through which a worker hears."""
    run = uuid.uuid4().hex
    actor = current_actor()
    noted = {"choice": asdict(choice), "actor": asdict(actor), "done": 0, "of": cost_of(choice).jobs, "over": False}
    _note(run, noted)
    return run


def go_on_with_retry(run: str) -> None:
    """A worker's part: piece by piece, so that a run that is killed goes on where it was when it is sent again."""
    noted = cache.get(_key(run))
    if noted is None or noted["over"]:
        return
    chosen = noted["choice"]
    choice = Choice(**chosen | {"ids": None if chosen["ids"] is None else tuple(chosen["ids"])})
    try:
        # Whoever pressed the button has done it, not the worker.
        with acting(Actor(**noted["actor"])):
            for number in _pieces(choice):
                noted["done"] += number
                _note(run, noted)
    except Exception as error:
        _note(run, noted | {"over": True, "said": f"It stopped at an error ({type(error).__name__}); retry the rest."})
        raise
    _note(run, noted | {"over": True})


def progress_of_retry(run: str) -> Progress | None:
    """How far the run is; None for one that nobody knows any more. Raises Unavailable without Redis."""
    try:
        noted: dict[str, Any] | None = cache.get(_key(run))
    except (RedisError, OSError):
        raise Unavailable("Redis does not answer: how far the worker is cannot be said at the moment.") from None
    return None if noted is None else Progress(noted["done"], noted["of"], noted["over"], noted.get("said", ""))


def _retry(choice: Choice) -> int:
    tenant = tenant_by_slug(choice.tenant) if choice.tenant else None
    return retry_dead(ids=choice.ids, code=choice.code, kind=choice.kind, tenant=tenant, schema=choice.schema)


def _pieces(choice: Choice) -> Iterator[int]:
    """Retries piece by piece; yields how many jobs each piece had."""
    for schema, parameters in _shards(choice):
        last = 0
        while True:
            with all_tenants(schema), connection.cursor() as cursor:
                cursor.execute(NEXT, parameters | {"after": last, "most": PIECE})
                ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                break
            last = ids[-1]
            yield retry_dead(ids=ids, schema=schema)


def _shards(choice: Choice) -> list[tuple[str, dict[str, Any]]]:
    tenant = tenant_by_slug(choice.tenant) if choice.tenant else None
    parameters = {
        "code": choice.code,
        "kind": choice.kind,
        "tenant": tenant.id if tenant else None,
        "ids": None if choice.ids is None else list(choice.ids),
    }
    if tenant:
        return [(tenant.schema_name, parameters)]
    return [(schema, parameters) for schema in ([choice.schema] if choice.schema else schemas())]


def _note(run: str, noted: dict[str, Any]) -> None:
    try:
        cache.set(_key(run), noted, KEPT_S)
    except (RedisError, OSError):
        raise Unavailable("Redis does not answer, so no worker can be told. Try again soon.") from None


def _key(run: str) -> str:
    return f"ops:retry:{run}"
