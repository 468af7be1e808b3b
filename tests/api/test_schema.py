"""The schema is true, stands in the repository, and is what people and the example read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client

from accounts.token_scopes import SCOPES
from snapshots.analytics.metrics import METRICS
from tests.api.asking import partner
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tikdash.api import errors, schema
from tikdash.db.scope import tenant_scope
from tikdash.env import ROOT

FILE = ROOT / "docs" / "openapi.yaml"


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema.schema()["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_file_in_the_repository_is_the_schema() -> None:
    assert FILE.read_text(encoding="utf-8") == schema.as_yaml(), "Run `make openapi`, and look at what changed."


def test_every_operation_says_what_it_does_and_how_it_fails() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) >= 30
    for path, method, operation in operations():
        assert operation["summary"] and operation["description"] and operation["tags"], (path, method)
        assert {"401", "403", "404", "429"} <= operation["responses"].keys(), (path, method)
        for parameter in operation.get("parameters", []):
            assert parameter["in"] == "path" or parameter["description"], (path, parameter["name"])


def test_every_number_of_a_metric_names_it() -> None:
    found = json.dumps(schema.plain(schema.schema()["components"]["schemas"]))
    for metric_id in ("followers", "hearts", "plays", "diggs", "er_views_post"):
        assert f'"x-metric": "{metric_id}", "x-metric-version": {METRICS[metric_id].version}' in found


def test_every_scope_of_reading_but_those_to_come_opens_something() -> None:
    """Webhooks are written down as a scope before there is anything of them in the API."""
    resources = {
        pattern.callback.view_class.resource for pattern in _patterns() if hasattr(pattern.callback, "view_class")
    }
    assert {scope.partition(":")[0] for scope in SCOPES} - resources == {"webhooks"}


def _patterns() -> list[Any]:
    from tests.isolation.test_api_urls import PATTERNS

    return PATTERNS


def test_schema_and_pages_are_open_and_load_nothing_from_elsewhere(cast: Cast) -> None:
    for host in ("localhost", "acme.localhost"):
        client = Client(headers={"host": host})
        found = client.get("/api/v1/openapi.json")
        assert found.json()["openapi"].startswith("3.1") and "Set-Cookie" not in found
        assert client.get("/api/v1/openapi.yaml").content.decode() == FILE.read_text(encoding="utf-8")
        page = client.get("/api/docs/")
        text = page.content.decode()
        assert (
            "script-src" not in page["Content-Security-Policy"]
            and "default-src 'self'" in page["Content-Security-Policy"]
        )
        assert "//" not in text.replace("https://www.tiktok.com", "").replace("<!doctype", "").split("<body>")[0]
        assert "accounts_track" in text and "er_views_post v1, fraction" in text
        listed = client.get("/api/docs/errors").content.decode()
        assert all(f'id="{code}"' in listed for code in errors.ALL)
    assert Client(headers={"host": "nobody.localhost"}).get("/api/docs/").status_code == 404


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_given: Any) -> None:
        """Nothing."""


@pytest.fixture
def served(committed_db: Cast) -> Any:
    """The application behind a real socket."""
    application = get_wsgi_application()

    def app(environ: Any, start_response: Any) -> Any:
        try:
            yield from application(environ, start_response)
        finally:
            connections.close_all()

    server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_example_keeps_a_copy(committed_db: Cast, served: str, tmp_path: Path) -> None:
    cast, kept = committed_db, tmp_path / "copy.json"
    with tenant_scope(cast.acme):
        account = make_account("lena")
        make_snapshots(account, [100, 110])
        make_post(account)
    environment = os.environ | {
        "TIKDASH_URL": served, "TIKDASH_TOKEN": partner(cast.acme).raw, "TIKDASH_COPY": str(kept),
    }  # fmt: skip

    def run() -> str:
        command = [sys.executable, str(ROOT / "docs" / "example_api.py")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    assert run() == "accounts: 1 changed, 1 in the copy\nposts: 1 changed, 1 in the copy\n" + (
        "@lena: [110] followers, 10 in 30 days\n"
    )
    for _ in range(100):
        # A transaction anywhere in the cluster, such as another test's, keeps rows coming again until it ends.
        if run().startswith("accounts: 0 changed, 1 in the copy\nposts: 0 changed"):
            break
        time.sleep(0.3)
    with tenant_scope(cast.acme):
        make_post(account)
    assert run().splitlines()[1] == "posts: 1 changed, 2 in the copy"
    assert json.loads(kept.read_text())["accounts"]["rows"][str(account.pk)]["handle"] == "lena"
