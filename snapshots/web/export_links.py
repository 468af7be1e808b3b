"""Where a list can be had as a file, for the menu beside it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse


def export_links(view: str, query: Mapping[str, str | int], **ids: int | str) -> dict[str, str]:
    """The addresses of the files of a list in the state of `query`: `xlsx_url`, `csv_url`, `json_url`,
    `definitions_url`."""
    state = {name: str(value) for name, value in query.items() if value}
    return {
        "xlsx_url": _address(view, "xlsx", state, ids),
        "csv_url": _address(view, "csv", state, ids),
        "json_url": _address(view, "json", state, ids),
        "definitions_url": _address(view, "csv", state | {"part": "definitions"}, ids),
    }


def _address(view: str, form: str, query: Mapping[str, str], ids: Mapping[str, int | str]) -> str:
    path = reverse(view, kwargs={"form": form, **ids})
    return f"{path}?{urlencode(query)}" if query else path
