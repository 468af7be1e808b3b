"""Keeps a copy of your accounts and posts, and draws one account's growth. Python's standard library is enough.

    TIKDASH_URL=https://tikdash.example TIKDASH_TOKEN=tkd_… python example_api.py

Run it as often as you like: the first time it reads everything, then only what changed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

URL = os.environ.get("TIKDASH_URL", "http://localhost:8000").rstrip("/")
TOKEN = os.environ.get("TIKDASH_TOKEN", "")
KEPT = Path(os.environ.get("TIKDASH_COPY", "tikdash-copy.json"))


def get(path: str, **query: Any) -> Any:
    """One answer. Waits where the API says so; ends with its sentence where something is wrong."""
    address = f"{URL}/api/v1/{path}?{urlencode({name: value for name, value in query.items() if value is not None})}"
    while True:
        try:
            with urlopen(Request(address, headers={"Authorization": f"Bearer {TOKEN}"})) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            body = json.load(error)
            if error.code in (429, 503):
                time.sleep(int(error.headers.get("Retry-After", "5")))
                continue
            raise SystemExit(f"{body['message']} ({body['code']}, request {body['request_id']})") from None


def rounds(path: str, marker: str) -> Iterator[Any]:
    """The pages of one round: what changed since the marker, `start` for all. The last one has the next marker."""
    cursor = None
    while True:
        page = get(path, updated_since=marker, cursor=cursor, limit=200)
        yield page
        cursor = page["next"]
        if cursor is None:
            return


def follow(copy: dict[str, Any], path: str, account_of: str) -> int:
    """Brings one list of the copy up to date; returns how many rows came."""
    kept = copy.setdefault(path, {"marker": "start", "rows": {}})
    came = 0
    for page in rounds(path, kept["marker"]):
        gone = {each["account_id"] for each in page["deleted"]}
        # First what is gone, with all its posts; then the rows, by their ids.
        kept["rows"] = {key: row for key, row in kept["rows"].items() if row[account_of] not in gone}
        for row in page["data"]:
            kept["rows"][str(row["id"])] = row
            came += 1
        kept["marker"] = page["updated_since"] or kept["marker"]
    return came


def main() -> None:
    copy = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    came = {path: follow(copy, path, account_of) for path, account_of in (("accounts", "id"), ("posts", "account_id"))}
    KEPT.write_text(json.dumps(copy))
    for path, rows in came.items():
        sys.stdout.write(f"{path}: {rows} changed, {len(copy[path]['rows'])} in the copy\n")
    for account in list(copy["accounts"]["rows"].values())[:1]:
        series = get(f"accounts/{account['id']}/growth", metric="followers", days=30, form="columns")
        sys.stdout.write(f"@{account['handle']}: {series['values'][-1:]} followers, {series['total']} in 30 days\n")


if __name__ == "__main__":
    main()
