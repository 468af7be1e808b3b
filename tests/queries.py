"""How many statements something sends to PostgreSQL, and which. The statement of a scope is not among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

#: Of the test's own transaction, not of the page.
NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT")


def statements_of(call: Callable[[], Any]) -> list[str]:
    """The statements that `call` sends, in their order; prepared ones too."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured if not query["sql"].startswith(NOT_COUNTED)]


def assert_at_most(most: int, statements: list[str]) -> None:
    """Fails with all statements when there are more than `most`."""
    assert len(statements) <= most, f"{len(statements)} statements:\n" + "\n".join(sql[:200] for sql in statements)
