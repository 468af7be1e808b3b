"""A partner's program in tests: a token, and requests with it."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.services.tokens import create_token
from accounts.token_scopes import SCOPES

READ_ONLY = sorted(scope for scope in SCOPES if scope.endswith(":read"))


class Partner:
    """Asks with one token. Paths are below `/api/v1/`; answers are Django's."""

    def __init__(self, raw: str, host: str = "localhost") -> None:
        self.raw = raw
        self.client = Client(headers={"host": host, "authorization": f"Bearer {raw}"}, raise_request_exception=False)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method, f"/api/v1/{path}", _json(body), content_type="application/json", headers=headers
        )

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def all_rows(self, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of all pages of a list."""
        rows, query = [], dict(query or {})
        while True:
            found = self.get(path, query).json()
            rows += found["data"]
            if found["next"] is None:
                return rows
            query["cursor"] = found["next"]


def _json(body: Any) -> bytes:
    import orjson

    return b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)


def partner(tenant: Any, host: str = "localhost", *, scopes: Any = None, tags: Any = ()) -> Partner:
    """A program of a tenant, with all scopes unless some are named."""
    made = create_token(tenant=tenant, name="Reporting", scopes=scopes or sorted(SCOPES), tags=tags)
    return Partner(made.raw, host)
