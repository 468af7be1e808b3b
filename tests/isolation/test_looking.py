"""Staff who look at a workspace open each of its pages as the owner, and PostgreSQL is told to write nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.accounts.test_looking import look
from tests.cast import Cast
from tests.isolation.test_urls import MEMBERS_ONLY, PATHS, ids
from tests.queries import statements_of

#: Pages that ask who it is before they open: what they would show is not for who only looks.
STEP_UP = {"workspace_delete", "tokens", "keys", "transfer"}
__all__ = ["ids"]


def writes(client: Client, path: str) -> tuple[Any, list[str]]:
    answers: list[Any] = []
    statements = statements_of(lambda: answers.append(client.get(path)))
    return answers[0], [
        sql for sql in statements if sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE", "TRUNCATE"))
    ]


@pytest.mark.parametrize("part", range(4))
def test_no_page_writes_while_somebody_looks(cast: Cast, ids: dict[str, dict[str, int]], part: int) -> None:
    there = look(cast, cast.ana)
    for name in sorted(PATHS)[part::4]:
        path = PATHS[name].format(**ids["acme"])
        answer, written = writes(there, path)
        if MEMBERS_ONLY[name] == "POST":
            assert answer.status_code in (302, 404, 405), (name, answer.status_code)
        elif name == "export_file":
            assert answer.status_code == 404, "a file is for the person who asked, not for who looks"
        elif name in STEP_UP:
            assert answer.status_code in (200, 302), (name, answer.status_code)
        else:
            assert answer.status_code in (200, 204, 302), (name, answer.status_code)
        assert written == [], (name, written)
        refused = there.post(path)
        assert refused.status_code == 403, (name, refused.status_code)
