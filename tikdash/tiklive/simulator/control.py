"""`/_sim/…`: the handles by which tests and the demo move the simulator. No key is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from .cast import CAST
from .clock import format_time, parse_time
from .creators import Creator
from .faults import Rule
from .reply import Reply, json_reply
from .rows import COUNTERS
from .schedule import Plan, counters_at
from .world import Overrides

if TYPE_CHECKING:
    from .app import Simulator

Control = Callable[["Simulator", dict[str, str], bytes], Any]


class ClockOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Either a moment (frozen unless `running`), or an offset to real time, or real time."""

    now: str | None = None
    running: bool = False
    offset_s: float | None = None
    real: bool = False


def show_clock(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Simulator time and how it runs."""
    return simulator.clock.describe()


def set_clock(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Move the clock; answers where it is now."""
    order = msgspec.json.decode(body, type=ClockOrder)
    if order.now is not None:
        (simulator.clock.start_at if order.running else simulator.clock.freeze)(parse_time(order.now))
    elif order.offset_s is not None:
        simulator.clock.shift(order.offset_s)
    elif order.real:
        simulator.clock.shift(0)
    else:
        raise ValueError("say now, offset_s or real")
    return simulator.clock.describe()


def show_stats(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Requests and credits since the start or the last reset."""
    return simulator.ledger.describe()


def reset(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Statistics, rate limits, faults, overrides and clock as they were at the start."""
    simulator.reset()
    return {"reset": True}


def show_faults(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """The rules in force with how often each matched and hit."""
    return simulator.faults.describe()


def set_faults(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Replace all rules."""
    simulator.faults.replace(msgspec.json.decode(body, type=list[Rule]))
    return simulator.faults.describe()


def clear_faults(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """No faults any more."""
    simulator.faults.replace(())
    return []


def set_overrides(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Replace what was ordered on top of the drawn world."""
    overrides = msgspec.json.decode(body, type=Overrides)
    simulator.world.override(overrides)
    return msgspec.to_builtins(overrides)


def show_cast(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """The named creators."""
    return [{"handle": role.handle, "note": role.note, "renamed_to": role.renamed_to} for role in CAST]


def true_account(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """All counters of an account at simulator time, without any quirk of transport."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at)}
    counts = asdict(simulator.world.counts(creator, at))
    return {
        "exists": True,
        "at": format_time(at),
        "id": str(creator.id),
        "handle": creator.handle,
        "nickname": creator.nickname,
        "private": creator.private,
        "verified": creator.verified,
        "region": creator.region,
        "joined_at": creator.joined_at,
        "curve": creator.curve,
        "posts_per_week": creator.posts_per_week,
        **counts,
    }


def true_posts(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Every post made so far, newest first, deleted ones too; `limit` and `since` (ISO) shorten it."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at), "posts": []}
    since = parse_time(params["since"]) if "since" in params else -math.inf
    limit = int(params.get("limit", 1_000_000))
    pinned = {plan.id for plan in simulator.world.pinned(creator, at)}
    posts: list[dict[str, object]] = []
    for plan in simulator.world.posts(creator, at):
        if plan.create_time < since or len(posts) >= limit:
            break
        posts.append(_true_post(simulator, plan, at, pinned))
    return {"exists": True, "at": format_time(at), "id": str(creator.id), "posts": posts}


def _true_post(simulator: Simulator, plan: Plan, at: float, pinned: set[int]) -> dict[str, object]:
    return {
        "id": str(plan.id),
        "create_time": plan.create_time,
        "deleted": not simulator.world.visible(plan, at),
        "pinned": plan.id in pinned,
        **dict(zip(COUNTERS, counters_at(plan, at), strict=True)),
    }


def _creator(simulator: Simulator, params: dict[str, str], at: float) -> Creator | None:
    if params.get("id", "").isdecimal():
        return simulator.world.by_id(int(params["id"]), at)
    if "handle" not in params:
        raise ValueError("say handle or id")
    return simulator.world.find(params["handle"], at)


CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "clock"): show_clock,
    ("POST", "clock"): set_clock,
    ("GET", "stats"): show_stats,
    ("POST", "reset"): reset,
    ("GET", "faults"): show_faults,
    ("POST", "faults"): set_faults,
    ("DELETE", "faults"): clear_faults,
    ("POST", "overrides"): set_overrides,
    ("GET", "cast"): show_cast,
    ("GET", "truth/account"): true_account,
    ("GET", "truth/posts"): true_posts,
}


def control(simulator: Simulator, method: str, name: str, params: dict[str, str], body: bytes) -> Reply:
    """Answer one `/_sim/…` request; what was sent wrong comes back as a sentence with status 400."""
    handler = CONTROLS.get((method, name))
    if handler is None:
        return json_reply({"error": f"no {method} /_sim/{name}"}, 404)
    try:
        return json_reply(handler(simulator, params, body))
    except (ValueError, msgspec.MsgspecError) as error:
        return json_reply({"error": str(error)}, 400)
