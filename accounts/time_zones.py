"""Time zones that a person or a workspace may choose, by the names of the IANA database."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

#: What the database holds for old systems, beside the zones of places.
_OTHERS = ("Etc/", "SystemV/", "posix/", "right/")


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Zones of places by name, such as `Europe/Paris`, behind `UTC`."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith(_OTHERS))
    return ("UTC", *places)


def is_time_zone(name: str) -> bool:
    """True for a name that `zone_named` knows."""
    return name in _known()


def zone_named(*names: str) -> ZoneInfo:
    """The zone of the first name that is one; UTC where none is."""
    for name in names:
        if name and is_time_zone(name):
            return ZoneInfo(name)
    return ZoneInfo("UTC")


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    # `localtime` is the machine's own zone, which is nobody's choice.
    return frozenset(available_timezones() - {"localtime"})
