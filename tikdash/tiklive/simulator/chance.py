"""Chance without state: the same seed and name always give the same numbers, in every process and version."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

DRAWS = 16
_UNPACK = struct.Struct(f"<{DRAWS}I").unpack
_SCALE = 1 / 2**32


def digest(*parts: object) -> bytes:
    """64 bytes that depend on every part and on nothing else."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode()).digest()


def number(*parts: object) -> int:
    """A 64-bit unsigned integer drawn for these parts."""
    return int.from_bytes(digest(*parts)[:8], "little")


def units(*parts: object) -> tuple[float, ...]:
    """Sixteen independent draws from [0, 1)."""
    return tuple(value * _SCALE for value in _UNPACK(digest(*parts)))


def bell(draws: Sequence[float]) -> float:
    """An approximately standard normal number out of four independent draws."""
    return (sum(draws[:4]) - 2) * math.sqrt(3)


def pick(items: Sequence[T], draw: float) -> T:
    """The item at this draw's share of the sequence."""
    return items[int(draw * len(items))]
