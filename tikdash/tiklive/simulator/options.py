"""What the simulator can be told at its start, for both ways to start it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from .clock import parse_time
from .faults import Rule

DEFAULT_BURST = 50

SCENARIOS: dict[str, list[dict[str, object]]] = {
    "calm": [],
    "flaky": [
        {"kind": "http", "status": 500, "probability": 0.03},
        {"kind": "http", "status": 429, "retry_after": 2, "probability": 0.02},
        {"kind": "slow", "seconds": 2, "probability": 0.03},
        {"kind": "reset", "probability": 0.01},
    ],
    "dirty": [
        {"kind": "nulls", "every": 41},
        {"kind": "zeroed", "every": 37},
        {"kind": "duplicates", "endpoint": "user-posts", "every": 11},
        {"kind": "truncated", "every": 53},
        {"kind": "not_json", "every": 59},
    ],
    "down": [{"kind": "http", "status": 503}],
}


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one run. `rpm` and `burst` limit each key a minute and a second, 0 means no limit."""

    host: str = "127.0.0.1"
    port: int = 8100
    seed: int = 7
    epoch: float = 0.0
    latency_ms: float = 0.0
    rpm: int = 0
    burst: int = 0
    keys: tuple[str, ...] = ()
    rounded: bool = False
    threads: int = 16
    rules: tuple[Rule, ...] = ()
    handles_file: Path | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options on a parser."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=8100, help="0 takes a free port; the line printed at the start names it"
    )
    parser.add_argument("--seed", type=int, default=7, help="another seed is another world")
    parser.add_argument(
        "--epoch",
        type=_moment,
        default=None,
        metavar="DATE",
        help="day 0 of the named creators' events; keep it with the data it produced "
        "(default: the 1st of the month 30 days ago)",
    )
    parser.add_argument("--latency-ms", type=float, default=0, help="mean time to answer, with some jitter")
    parser.add_argument("--rpm", type=int, default=0, help="requests a minute and key, 0: no limit")
    parser.add_argument(
        "--burst",
        type=int,
        default=None,
        help=f"requests a second and key, 0: no limit (default: {DEFAULT_BURST} with --rpm, else none)",
    )
    parser.add_argument(
        "--keys",
        type=_names,
        default=(),
        help="comma-separated valid keys (default: all that begin with sim-)",
    )
    parser.add_argument(
        "--rounded", action="store_true", help="large profile counts rounded, as TikTok's web shows them"
    )
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument(
        "--scenario",
        dest="rules",
        type=_scenario,
        default=(),
        metavar="NAME|FILE",
        help=f"faults from the start: {', '.join(SCENARIOS)}, or a JSON file with a list of rules",
    )
    parser.add_argument(
        "--handles-file",
        type=_writable_file,
        default=None,
        metavar="FILE",
        help="remember the handles asked for over restarts, so that ids keep their names",
    )


def read_options(arguments: Mapping[str, Any]) -> Options:
    """Options out of parsed arguments; names that are not ours (Django's own) are passed over."""
    given = {field.name: arguments[field.name] for field in fields(Options) if field.name in arguments}
    if given.get("burst") is None:
        given["burst"] = DEFAULT_BURST if given.get("rpm") else 0
    if given.get("epoch") is None:
        given["epoch"] = default_epoch(time.time())
    return Options(**given)


def default_epoch(at: float) -> float:
    """The first day of the month in which the day 30 days ago lies, as unix seconds."""
    day = datetime.fromtimestamp(at, UTC) - timedelta(days=30)
    return datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()


def _moment(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO date") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _writable_file(text: str) -> Path:
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from error
    return path


def _scenario(text: str) -> tuple[Rule, ...]:
    try:
        rules = SCENARIOS[text] if text in SCENARIOS else msgspec.json.decode(Path(text).read_bytes())
        return tuple(msgspec.convert(rules, list[Rule]))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither {', '.join(SCENARIOS)} nor a readable file") from error
    except msgspec.MsgspecError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
