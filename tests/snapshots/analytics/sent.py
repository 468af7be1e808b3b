"""How many statements really went to PostgreSQL: libpq's own record of the wire, which sees prepared ones too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from django.db import connection


def statements_sent(call: Callable[[], Any]) -> int:
    """How often `call` made PostgreSQL execute something, the statement of a scope included."""
    connection.ensure_connection()
    wire = connection.connection.pgconn
    with tempfile.TemporaryFile("w+") as record:
        wire.trace(record.fileno())
        try:
            call()
        finally:
            wire.untrace()
        record.seek(0)
        return sum(line.split("\t")[3:4] in (["Execute"], ["Query"]) for line in record)
