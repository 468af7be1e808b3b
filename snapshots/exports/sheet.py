"""What is exported: columns, one statement that gives the rows, and what the numbers in them mean.

PostgreSQL does the work: texts are made harmless for spreadsheets, and times written, by the statement itself, so that
its COPY is the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from snapshots.analytics.metrics import METRICS, Metric
from tikdash.ui.cells import RISKY

Kind = Literal["text", "id", "number", "fraction", "date", "time"]
_CODES = ", ".join(str(ord(sign)) for sign in RISKY)
#: The number of its first character is cheaper to look at than a pattern.
HARMLESS = f"CASE WHEN ascii({{0}}) IN ({_CODES}) THEN '''' || {{0}} ELSE {{0}} END"
ISO_TIME = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


@dataclass(frozen=True)
class Column:
    """One column. `key` heads it in CSV, `label` in a spreadsheet; `sql` is its expression in the sheet's statement.

    Numbers stay numbers; an `id` is a text, because a spreadsheet keeps 15 digits of a number only. A `fraction` is
    0.0616 for 6.16 %. `metric` is the id of what it shows in the registry.
    """

    key: str
    label: str
    sql: str
    kind: Kind = "text"
    metric: str = ""
    note: str = ""

    @property
    def expression(self) -> str:
        """The value as it leaves the database."""
        if self.kind == "text":
            return HARMLESS.format(self.sql)
        return ISO_TIME.format(self.sql) if self.kind == "time" else self.sql

    @property
    def plain(self) -> str:
        """The same for programs, which run no cell."""
        return self.sql if self.kind == "text" else self.expression

    @property
    def definition(self) -> Metric | None:
        return METRICS.get(self.metric)


@dataclass(frozen=True)
class Sheet:
    """One list to export: `SELECT columns source`, with `parameters` for the source in their order.

    `name` begins the file's name; `as_of` is when the newest number in it was measured, None where there is none;
    `filters` says in words what was left out.
    """

    title: str
    name: str
    columns: Sequence[Column]
    source: str
    parameters: Sequence[Any]
    as_of: datetime | None
    filters: Sequence[tuple[str, str]] = field(default_factory=list)

    @property
    def statement(self) -> str:
        """The rows, with placeholders for `parameters`."""
        return f"SELECT {', '.join(f'{column.expression} AS {column.key}' for column in self.columns)} {self.source}"

    @property
    def plain_statement(self) -> str:
        """As `statement`, with texts as they are."""
        return f"SELECT {', '.join(f'{column.plain} AS {column.key}' for column in self.columns)} {self.source}"

    def file_name(self, ending: str, part: str = "") -> str:
        """Without anything that a person typed, so that it needs no quoting."""
        day = f"-{self.as_of:%Y%m%d-%H%M}Z" if self.as_of else ""
        return f"{self.name}{f'-{part}' if part else ''}{day}.{ending}"
