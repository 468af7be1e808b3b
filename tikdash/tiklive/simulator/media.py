"""Small pictures for avatars and covers, drawn from the name in their address."""

from __future__ import annotations

import colorsys
import struct
import zlib
from functools import lru_cache

from .chance import digest

SIZES = {"avatar": (96, 96), "cover": (90, 160), "photo": (120, 120), "sound-cover": (64, 64)}


@lru_cache(2_000)
def picture(kind: str, name: str) -> bytes | None:
    """A PNG of about one kilobyte, or None for a kind that has no picture."""
    if kind not in SIZES:
        return None
    width, height = SIZES[kind]
    draw = digest(kind, name)
    hue = draw[0] / 255
    paper = _colour(hue, 0.35, 0.93)
    ink = _colour((hue + 0.35) % 1, 0.75, 0.55)
    rows = bytearray()
    for y in range(height):
        cells = draw[8 + y * 6 // height * 3 : 11 + y * 6 // height * 3]
        half = b"".join((ink if cell & 1 else paper) * (width // 6) for cell in cells)
        line = half + b"".join(half[at : at + 3] for at in range(len(half) - 3, -1, -3))
        rows += b"\0" + line
    return _png(len(line) // 3, height, bytes(rows))


def _colour(hue: float, saturation: float, value: float) -> bytes:
    return bytes(int(part * 255) for part in colorsys.hsv_to_rgb(hue, saturation, value))


def _png(width: int, height: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
