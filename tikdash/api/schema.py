"""The OpenAPI schema, made of the code; `docs/openapi.yaml` is a copy of it that a test compares."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from drf_spectacular.generators import SchemaGenerator

from tikdash.api import errors

URLCONF = "tikdash.urls_api"
#: Fields that `fields=` may leave out: those of rows of lists.
ROWS = frozenset({"Account", "Post"})
HEADERS = {
    "RateLimit": (
        "Requests left in this minute of your token (r), and seconds until it ends (t).",
        '"minute";r=299;t=41',
    ),
    "RateLimit-Policy": ("How many (q) in how many seconds (w).", '"minute";q=300;w=60'),
}


@cache
def schema() -> dict[str, Any]:
    """The whole API."""
    found: dict[str, Any] = SchemaGenerator(urlconf=URLCONF).get_schema(request=None, public=True)
    return found


def as_yaml() -> str:
    """As it stands in the repository."""
    return yaml.safe_dump(plain(schema()), sort_keys=False, allow_unicode=True, width=120)


def plain(value: Any) -> Any:
    """Without classes of libraries, which YAML does not know."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: what is the same everywhere."""
    shapes = result["components"]["schemas"]
    for name in ROWS:
        shapes[name]["required"] = ["id"]
    shapes["Error"]["properties"]["code"]["enum"] = sorted(errors.ALL)
    result["components"]["headers"] = {
        name: {"description": about, "schema": {"type": "string"}, "example": example}
        for name, (about, example) in HEADERS.items()
    }
    for methods in result["paths"].values():
        for method, operation in methods.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            _finish(method, operation)
    return result


def _finish(method: str, operation: dict[str, Any]) -> None:
    for number, answer in operation["responses"].items():
        content = answer.get("content", {})
        if number.startswith("2") and "text/csv" in content:
            content["text/csv"] = {"schema": {"type": "string", "description": "The rows under one line of names."}}
        elif not number.startswith("2") and content:
            answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        if number != "401":
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    if method == "get":
        operation["responses"].setdefault("304", {"description": "You have this answer already (`If-None-Match`)."})
    if method == "post":
        operation.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_.:-]+$"},
                "description": "Sent again with the same key within 24 hours, nothing is done twice and the first"
                " answer comes back, with `Idempotent-Replayed: true`.",
            }
        )
