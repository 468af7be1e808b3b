"""Formats: JSON by orjson, CSV of a list's rows; JSON is what comes in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from tikdash.ui.cells import harmless

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class Json(BaseRenderer):
    """Times are UTC with a Z, numbers numbers; floats that are none are null."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, media_type: str | None = None, context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str, option=_OPTIONS)


class Csv(BaseRenderer):
    """The rows of a list under one line of names; errors stay JSON, which the view sees to."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, media_type: str | None = None, context: Any = None) -> bytes:
        if not isinstance(data, Mapping) or not isinstance(data.get("data"), list):
            return orjson.dumps(data, default=str, option=_OPTIONS)
        rows = data["data"]
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
        return text.getvalue().encode()


class Ndjson(BaseRenderer):
    """A line a row, streamed by the view; what went wrong is one JSON object."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(self, data: Any, media_type: str | None = None, context: Any = None) -> bytes:
        return orjson.dumps(data, default=str, option=_OPTIONS)


class Zip(Ndjson):
    """A file, streamed by the view; what went wrong is one JSON object."""

    media_type = "application/zip"
    format = "zip"


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "" if value is None else value
    if isinstance(value, str):
        return harmless(value)
    return orjson.dumps(value, default=str, option=_OPTIONS).decode().strip('"')


class JsonBody(BaseParser):
    """An object as JSON."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, context: Any = None) -> Any:
        raw = stream.read()
        try:
            found = orjson.loads(raw)
        except (orjson.JSONDecodeError, RecursionError):
            raise ParseError("The body is not JSON.") from None
        if not isinstance(found, dict):
            raise ParseError("The body is to be a JSON object.")
        return found
