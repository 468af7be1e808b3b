"""What the API is: its schema as JSON and YAML, and a page for people, made of it without any script."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tikdash.api import errors, schema

#: The page shows text and our own style sheets.
CSP = "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
METHODS = ("get", "post", "put", "patch", "delete")


@require_safe
def as_json(request: HttpRequest) -> HttpResponse:
    """The schema as JSON."""
    return _kept(HttpResponse(_json(), content_type="application/vnd.oai.openapi+json"))


@require_safe
def as_yaml(request: HttpRequest) -> HttpResponse:
    """The schema as YAML."""
    return _kept(HttpResponse(schema.as_yaml(), content_type="application/yaml"))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """All addresses, for people."""
    return _page(render(request, "api/docs.html", {"groups": _groups(), "info": schema.schema()["info"]}))


@require_safe
def errors_page(request: HttpRequest) -> HttpResponse:
    """All codes of errors, for people."""
    return _page(render(request, "api/errors.html", {"errors": sorted(errors.ALL.items())}))


@cache
def _json() -> bytes:
    return orjson.dumps(schema.plain(schema.schema()))


def _kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "public, max-age=300"
    return response


def _page(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = CSP
    return _kept(response)


@cache
def _groups() -> list[dict[str, Any]]:
    """Operations by their tag, in the order of addresses."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema.schema()["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    return [{"name": name, "operations": operations} for name, operations in groups.items()]


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "summary": operation["summary"],
        "about": operation.get("description", ""),
        "parameters": [
            {
                "name": each["name"],
                "where": each["in"],
                "type": _type(each["schema"]),
                "about": each.get("description", ""),
            }
            for each in operation.get("parameters", [])
        ],
        "body": _fields(body) if body else [],
        "answers": [
            {"status": number, "about": answer.get("description", ""), "fields": _of_answer(answer)}
            for number, answer in operation["responses"].items()
            if number.startswith("2")
        ],
    }


def _of_answer(answer: dict[str, Any]) -> list[dict[str, str]]:
    for content in answer.get("content", {}).values():
        return _fields(content["schema"])
    return []


def _fields(shape: dict[str, Any]) -> list[dict[str, str]]:
    """The fields of a shape; of a list those of its rows."""
    shape = _resolved(shape)
    if "data" in shape.get("properties", {}):
        shape = _resolved(shape["properties"]["data"]["items"])
    return [
        {
            "name": name,
            "type": _type(field),
            "about": _about(field),
            "metric": f"{field['x-metric']} v{field['x-metric-version']}, {field['x-unit']}"
            if "x-metric" in field
            else "",
        }
        for name, field in shape.get("properties", {}).items()
    ]


def _about(field: dict[str, Any]) -> str:
    """What a field is, without the list of its choices, which its type has already."""
    return "\n".join(line for line in field.get("description", "").splitlines() if not line.startswith("* `")).strip()


def _resolved(shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in shape:
        found: dict[str, Any] = schema.schema()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        return found
    return shape


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return str(shape["$ref"].rpartition("/")[2])
    for word in ("allOf", "oneOf", "anyOf"):
        if word in shape:
            return " or ".join(dict.fromkeys(_type(each) for each in shape[word]))
    if "enum" in shape:
        return ", ".join(map(str, (each for each in shape["enum"] if each is not None)))
    kinds = shape.get("type", "any")
    kind = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in shape:
        return f"list of {_type(shape['items'])}"
    return f"{kind} ({shape['format']})" if "format" in shape else kind
