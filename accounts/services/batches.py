"""Actions on many rows: at once for a few, by a worker with progress for many. Each row stands for itself."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from celery import current_app
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.cache import cache
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.bulk_page import BulkAction, bulk_actions
from accounts.models import AuditEntry
from accounts.services.auditing import Actor, acting, current_actor
from tikdash.db.scope import all_tenants, no_scope
from tikdash.errors import TikdashError, Unavailable

log = structlog.get_logger(__name__)

#: Up to so many rows are done while somebody waits; a worker says after so many how far it is.
AT_ONCE, PIECE = 50, 20
#: How long the progress of a run is kept, s.
KEPT_S = 86_400
#: So many refusals are named; of more, how many.
MOST_NAMED = 20
#: By name: tasks stand above services.
TASK = "accounts.go_on_with_batch"
NO_REDIS = "Redis does not answer, so no worker can be told. Try again soon."


@dataclass
class Done:
    """What came of it: rows that were changed, rows that were so already, and what was refused, as sentences."""

    changed: int = 0
    same: int = 0
    refused: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.changed + self.same + self.refused


@dataclass(frozen=True)
class Progress:
    """How far a run is, and by whom it may be looked at. `stopped` is why it ended before its end."""

    action: BulkAction
    done: Done
    of: int
    is_over: bool
    stopped: str = ""


def do_to(action: BulkAction, keys: Sequence[int], data: dict[str, Any], done: Done | None = None) -> Done:
    """Does the action to rows, one by one; what refuses it is named and keeps nothing else from being done."""
    done = done or Done()
    for key in keys:
        try:
            is_new = action.run(key, data)
        except TikdashError as error:
            done.refused += 1
            if len(done.said) < MOST_NAMED:
                done.said.append(f"{_named(action, key)}: {error}")
            continue
        done.changed, done.same = done.changed + is_new, done.same + (not is_new)
        if is_new:
            _note_in_history(action, key, data)
    return done


def begin_batch(action: BulkAction, keys: Sequence[int], data: dict[str, Any]) -> str:
    """Notes a run and has a worker do it; returns its name. Raises Unavailable without Redis."""
    run = uuid.uuid4().hex
    noted = {
        "action": action.name, "data": data, "actor": asdict(current_actor()), "of": len(keys), "over": False,
        "done": asdict(Done()), "stopped": "",
    }  # fmt: skip
    try:
        cache.set(_keys(run), list(keys), KEPT_S)
        cache.set(_name(run), noted, KEPT_S)
        current_app.send_task(TASK, args=[run])
    except (BrokerError, RedisError, OSError):
        raise Unavailable(NO_REDIS) from None
    return run


def go_on_with_batch(run: str) -> None:
    """A worker's part: piece by piece, so that a run that is killed goes on where it was when it is sent again."""
    noted, keys = cache.get(_name(run)), cache.get(_keys(run))
    if noted is None or keys is None or noted["over"]:
        return
    action, done = bulk_actions()[noted["action"]], Done(**noted["done"])
    try:
        # Whoever pressed the button has done it, not the worker.
        with acting(Actor(**noted["actor"])):
            while piece := keys[done.rows : done.rows + PIECE]:
                do_to(action, piece, noted["data"], done)
                cache.set(_name(run), noted | {"done": asdict(done)}, KEPT_S)
    except Exception as error:
        why = f"It stopped at an error ({type(error).__name__}): choose the rest again. The log has it."
        cache.set(_name(run), noted | {"done": asdict(done), "over": True, "stopped": why}, KEPT_S)
        raise
    cache.set(_name(run), noted | {"done": asdict(done), "over": True}, KEPT_S)
    counts = Counter(changed=done.changed, same=done.same, refused=done.refused)
    log.info("batch_done", action=action.name, **counts)


def progress_of_batch(run: str) -> Progress | None:
    """How far the run is; None for one that nobody knows any more. Raises Unavailable without Redis."""
    try:
        noted: dict[str, Any] | None = cache.get(_name(run))
    except (RedisError, OSError):
        raise Unavailable("Redis does not answer: how far the worker is cannot be said at the moment.") from None
    if noted is None:
        return None
    action = bulk_actions()[noted["action"]]
    return Progress(action, Done(**noted["done"]), noted["of"], noted["over"], noted["stopped"])


def _note_in_history(action: BulkAction, key: int, data: dict[str, Any]) -> None:
    """The row's own history in the administration says it, beside the audit log."""
    actor = current_actor()
    if actor.kind != AuditEntry.ActorKind.STAFF or actor.id is None:
        return
    with all_tenants():
        row = action.model._default_manager.filter(pk=key).first()
    if row is not None:
        message = f"{action.title}: {data['reason']}" if data.get("reason") else action.title
        with no_scope():
            LogEntry.objects.log_actions(actor.id, [row], CHANGE, change_message=message)


def _named(action: BulkAction, key: int) -> str:
    with all_tenants():
        return str(action.model._default_manager.filter(pk=key).first() or key)


def _name(run: str) -> str:
    return f"ops:batch:{run}"


def _keys(run: str) -> str:
    return f"ops:batch:{run}:rows"
