"""`/_sim/…`: the handles by which tests and the demo move the simulator. No key is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from .cast import CAST
from .clock import parse_time
from .faults import Rule
from .limits import KeyOrder, LimitOrder
from .reply import Reply, json_reply
from .truth import TRUTHS
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


class RecordOrder(msgspec.Struct, forbid_unknown_fields=True):
    """Whether answers are recorded from now on."""

    record: bool


def show_served(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """What was answered since recording began, or was last taken."""
    return simulator.served.describe()


def record_served(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Begin to record answers, or end it: `{"record": true}`. What was recorded stays until it is taken."""
    order = msgspec.json.decode(body, type=RecordOrder)
    simulator.served.record(order.record)
    return msgspec.to_builtins(order)


def take_served(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """What was answered since recording began, or was last taken; forgets it."""
    return simulator.served.take()


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


def show_limits(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """The rate limits in force."""
    return msgspec.to_builtins(simulator.limits.describe())


def set_limits(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Change rate limits: `{"all": {"rpm": 200, "burst": 50}, "keys": {"sim-a": {"rpm": 20}}}`."""
    simulator.limits.change(msgspec.json.decode(body, type=LimitOrder))
    return msgspec.to_builtins(simulator.limits.describe())


def show_keys(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Revoked keys and ends of credits."""
    return msgspec.to_builtins(simulator.keys.order)


def set_keys(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Revoke keys and set credits: `{"revoked": ["sim-a"], "credits": {"sim-b": 100}}`."""
    simulator.keys.order = msgspec.json.decode(body, type=KeyOrder)
    return msgspec.to_builtins(simulator.keys.order)


CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "clock"): show_clock,
    ("POST", "clock"): set_clock,
    ("GET", "stats"): show_stats,
    ("GET", "served"): show_served,
    ("POST", "served"): record_served,
    ("DELETE", "served"): take_served,
    ("POST", "reset"): reset,
    ("GET", "faults"): show_faults,
    ("POST", "faults"): set_faults,
    ("DELETE", "faults"): clear_faults,
    ("POST", "overrides"): set_overrides,
    ("GET", "cast"): show_cast,
    ("GET", "limits"): show_limits,
    ("POST", "limits"): set_limits,
    ("GET", "keys"): show_keys,
    ("POST", "keys"): set_keys,
}


def control(simulator: Simulator, method: str, name: str, params: dict[str, str], body: bytes) -> Reply:
    """Answer one `/_sim/…` request; what was sent wrong comes back as a sentence with status 400."""
    handler = CONTROLS.get((method, name))
    if method == "GET" and name.startswith("truth/"):
        handler = TRUTHS.get(name.removeprefix("truth/"))
    if handler is None:
        return json_reply({"error": f"no {method} /_sim/{name}"}, 404)
    try:
        return json_reply(handler(simulator, params, body))
    except (ValueError, msgspec.MsgspecError) as error:
        return json_reply({"error": str(error)}, 400)
