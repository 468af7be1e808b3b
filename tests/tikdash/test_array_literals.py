"""Array literals mean to PostgreSQL what they were made from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tikdash.db.upsert import array_literal

MOMENT = datetime(2026, 11, 15, 12, 0, 0, 123456, UTC)


@pytest.mark.parametrize(
    ("sql_type", "values"),
    [
        ("text", []),
        ("text", [""]),
        ("text", ["", "a", ""]),
        ("text", [None]),
        ("text", ["NULL", None, "null", "None"]),
        ("text", ['"', "\\", '\\"', "{}", "a,b", " a ", "'", "%s", "\n\t", "🥐", "हिंदी", "\\0"]),
        ("text", ['"', None, "\\", "x"]),
        ("jsonb", ['{"play_count": "ne\\"g"}', None]),
        ("bigint", [2**63 - 1, -(2**63), 0, None]),
        ("bigint", []),
        ("integer", [None, None]),
        ("smallint", [7, None]),
        ("boolean", [True, None, False]),
        ("uuid", [UUID(int=7), None]),
        ("date", [date(2026, 11, 15), None]),
        ("timestamptz", [MOMENT, None, MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45)))]),
    ],
)
def test_postgresql_reads_the_values_that_were_given(db: None, sql_type: str, values: list[Any]) -> None:
    read = "unnested::text" if sql_type == "jsonb" else "unnested"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {read} FROM unnest(%s::{sql_type}[]) WITH ORDINALITY AS u(unnested, place) ORDER BY place",
            [array_literal(sql_type, iter(values))],
        )
        assert [row[0] for row in cursor.fetchall()] == values
