"""What an app says on the front page of operations: tiles of figures and rows, each with the way to the list behind it.

Apps do not know each other; each has functions marked with `tile`, and the front page puts them together by their names
in the settings (`OPS_TILES`). Tenants in trouble are named by functions of `OPS_RISKS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

#: How a figure stands; empty where it says nothing of good or bad.
GOOD, WARN, BAD = "good", "warn", "bad"


@dataclass(frozen=True)
class Figure:
    """One number with its name; `link` leads to the rows that it counts."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    link: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a tile's table; its first cell is the link."""

    cells: tuple[str, ...]
    tone: str = ""
    link: str = ""


@dataclass(frozen=True)
class Tile:
    """What a tile shows. `chart` is an SVG made of numbers by `tikdash.ui`, `said` a sentence."""

    figures: tuple[Figure, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    chart: str = ""
    said: str = ""
    nothing: str = ""


@dataclass(frozen=True)
class TileProvider:
    """A tile's name and who fills it. Only people with `permission` see it; its answer is kept for `kept_s` seconds.

    Not to be called itself: templates would.
    """

    code: str
    title: str
    work: Callable[[], Tile]
    permission: str
    link: str
    kept_s: int
    wide: bool


#: In what a tenant can be in trouble, and what the list of those is called.
KEY, QUOTA, STALE, FAILING, PAUSED = "key", "quota", "stale", "failing", "paused"
RISKS = {KEY: "No key", QUOTA: "Quota", STALE: "Stale", FAILING: "Failing", PAUSED: "Paused by us"}


@dataclass(frozen=True)
class Risk:
    """What is wrong with one tenant; what weighs most is shown first. `kind` is one of RISKS."""

    tenant_id: int
    said: str
    weight: float
    kind: str


def risks_by_tenant() -> dict[int, list[Risk]]:
    """What all apps know to be wrong with tenants: the same for the front page and for the list behind it."""
    found: dict[int, list[Risk]] = defaultdict(list)
    for path in settings.OPS_RISKS:
        for risk in cast("Iterable[Risk]", import_string(path)()):
            found[risk.tenant_id].append(risk)
    return dict(found)


def tile(
    code: str, title: str, *, permission: str, link: str = "", kept_s: int = 5, wide: bool = False
) -> Callable[[Callable[[], Tile]], TileProvider]:
    """Marks a function as what fills a tile; `link` is the name of the address behind the whole tile."""

    def marked(work: Callable[[], Tile]) -> TileProvider:
        return TileProvider(code, title, work, permission, link, kept_s, wide)

    return marked


def span(seconds: float) -> str:
    """A duration for operators: `48 s`, `12 min`, `3.5 h`, `2.1 d`."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:,.0f} min"
    return f"{seconds / 3_600:,.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.1f} d"


def at(moment: datetime) -> str:
    """A moment for operators, always in UTC: `27 Nov 03:12 UTC`."""
    return f"{moment:%d %b %H:%M} UTC"


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:,.0f} {unit}"
        number /= 1000
    return f"{number:,.2f} TB"
