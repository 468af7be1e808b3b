"""Texts in files that spreadsheets open: what begins like a formula must not become one."""

from __future__ import annotations

#: First characters that make a spreadsheet take a text for a formula, wide forms included.
RISKY = "=+-@\t\r\n＝＋－＠"


def harmless(text: str) -> str:
    """`text`, with an apostrophe in front where a spreadsheet would compute it."""
    return f"'{text}" if text.startswith(tuple(RISKY)) else text
