"""Statements that a process repeats: their placeholders are numbered once, not at each execution.

psycopg turns `%(name)s` into `$1` for every execution of a statement beyond 4,096 characters, and makes its bytes anew
for every one: for the statement that stores a page of posts that was a tenth of the page's whole cost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.db.backends.postgresql.base import CursorMixin

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")


@lru_cache(maxsize=1024)
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with `$1`, `$2` … in place of `%s` or `%(name)s`, and the names in the order of their numbers.

    A name that occurs twice has one number; there are no names where the placeholders have none.
    """
    names: dict[str, int] = {}
    unnamed = 0

    def number(found: re.Match[str]) -> str:
        nonlocal unnamed
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            unnamed += 1
            return f"${unnamed}"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return _PLACEHOLDER.sub(number, statement).encode(), tuple(names)


def in_order(names: tuple[str, ...], parameters: Any) -> Sequence[Any]:
    """The parameters by number. KeyError for one that is missing."""
    if isinstance(parameters, Mapping):
        return [parameters[name] for name in names]
    return parameters  # type: ignore[no-any-return]


class PreparedCursor(CursorMixin, psycopg.RawCursor[Any]):
    """Django's cursor for such statements: parameters travel beside them, by number."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if params is None:
            return super().execute(query, **options)
        statement, names = numbered(query)
        return super().execute(statement, in_order(names, params), **options)
