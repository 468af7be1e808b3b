"""What stands between strangers and us: settings of production, headers, sizes, origins, and who asks the internet."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from tests.cast import PASSWORD, Cast
from tests.environment import ROOT

#: A deployment as `.env.example` asks for it, behind TLS.
PRODUCTION = {
    "DATABASE_URL": "postgresql://tikdash:x@127.0.0.1:1/tikdash",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "3f9a7c1e5b2d8f4a6c0e9b7d1f3a5c8e2b4d6f8a0c1e3b5d7f9a2c4e6b8d0f1a",
    "TENANT_KEY_FERNET": Fernet.generate_key().decode(),
    "TOKEN_PEPPERS": "1:" + 50 * "p",
    "TIKLIVE_KEY": "a-key",
    "BASE_DOMAIN": "tikdash.example",
    "ALLOWED_HOSTS": "*",
    "BEHIND_TLS_PROXY": "1",
    "TIKDASH_VAR": str(ROOT / "var" / "test"),
}
#: Modules that open connections, and who may import them: everything else goes through one of these.
NETWORK = {"requests", "urllib3", "http.client", "httpx", "aiohttp", "ftplib", "telnetlib", "urllib.request"}
ALLOWED = {
    "tikdash/outgoing.py": "whatever a person can aim: checked addresses only",
    "tikdash/tiklive/transport.py": "the upstream, whose address the settings name",
    "tikdash/tiklive/errors.py": "names of errors",
    "tikdash/demo.py": "the simulator's clock",
    "tikdash/management/commands/run.py": "waits until our own processes answer",
}


def in_production(*command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | PRODUCTION, capture_output=True, text=True, timeout=120
    )


def test_djangos_checks_for_a_deployment_find_nothing() -> None:
    done = in_production("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_behind_tls_cookies_are_bound_to_their_host_and_browsers_stay_on_https() -> None:
    script = """
import django, json
from django.conf import settings
django.setup()
from django.test import RequestFactory
from django.middleware.security import SecurityMiddleware
from django.http import HttpResponse
pass_on = SecurityMiddleware(lambda request: HttpResponse())
plain = pass_on(RequestFactory().get("/x/", headers={"host": "acme.tikdash.example"}))
tls = pass_on(RequestFactory().get("/", headers={"host": "acme.tikdash.example", "x-forwarded-proto": "https"}))
health = pass_on(RequestFactory().get("/health/live"))
print(json.dumps({"cookies": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME], "to": plain["Location"],
  "hsts": tls["Strict-Transport-Security"], "health": health.status_code, "domain": settings.SESSION_COOKIE_DOMAIN,
  "flags": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.CSRF_COOKIE_SECURE]}))
"""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tikdash.settings")
    done = in_production("-c", "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tikdash.settings'\n" + script)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found == {
        "cookies": ["__Host-session", "__Host-csrf"],
        "to": "https://acme.tikdash.example/x/",
        "hsts": "max-age=31536000; includeSubDomains; preload",
        "health": 200,
        "domain": None,
        "flags": [True, True, True],
    }


def test_a_secret_that_is_missing_stops_the_start_with_one_sentence() -> None:
    without = PRODUCTION | {"SECRET_KEY": ""}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=kept | without, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0 and "Set SECRET_KEY" in done.stderr + done.stdout


@pytest.mark.parametrize(("host", "path"), [("localhost", "/log-in/"), ("acme.localhost", "/accounts/")])
def test_pages_allow_no_script_but_our_files(cast: Cast, host: str, path: str) -> None:
    client = Client(headers={"host": host})
    client.force_login(cast.ana) if path == "/accounts/" else None
    answer = client.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
    assert "script-src" not in policy and "unsafe" not in answer["Content-Security-Policy"]
    assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'self'"
    assert policy["form-action"] == "'self' localhost localhost:* *.localhost *.localhost:*"
    assert answer["X-Frame-Options"] == "DENY" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_administration_has_no_script_in_its_pages_either(cast: Cast) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(cast.olga)
    for path in ("/admin/", "/admin/accounts/tenant/", f"/admin/accounts/user/{cast.ana.pk}/change/"):
        answer = client.get(path)
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy["script-src"] == "'self' 'unsafe-eval'"
        assert inline_scripts(answer.content.decode()) == []


def inline_scripts(html: str) -> list[str]:
    """Scripts that stand in the page, and handlers in its tags; blocks of data are neither."""
    found = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", html)
    return found + re.findall(r"<[a-z][^>]*\son[a-z]+\s*=\s*[\"']", html)


def test_no_template_has_scripts_or_styles_in_its_tags() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        if "emails" in path.parts or "admin" in path.relative_to(ROOT / "templates").parts[:1]:
            continue
        html = path.read_text()
        assert inline_scripts(html) == [], path
        assert not re.search(r"<style\b|\sstyle\s*=", html), path


@pytest.mark.parametrize("length", ["5000001", "99999999999999999999999", "-1", "x"])
def test_a_request_that_is_too_long_is_refused_before_it_is_read(db: None, length: str) -> None:
    client = Client(headers={"host": "localhost"})
    answer = client.post("/log-in/", {"login": "x"}, CONTENT_LENGTH=length)
    assert answer.status_code == 413 and b"This is too large" in answer.content


@pytest.mark.parametrize("origin", ["http://evil.example", "http://rival.localhost", "null"])
def test_a_form_of_another_origin_is_refused(cast: Cast, origin: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "acme.localhost"})
    page = client.get("/log-in/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"login": "ana@acme.example", "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
    assert client.post("/log-in/", form, headers={"origin": origin}).status_code == 403
    assert client.post("/log-in/", form, headers={"origin": "http://acme.localhost"}).status_code == 302
    form["csrfmiddlewaretoken"] = "x" * 64
    assert client.post("/log-in/", form).status_code == 403


def test_only_named_modules_open_connections() -> None:
    """Whatever a person can aim goes through `tikdash.outgoing`, which reaches public addresses only."""
    found: dict[str, Any] = {}
    for package in ("accounts", "billing", "snapshots", "tikdash"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "/simulator/" not in name and (used := imported(path) & NETWORK):
                found[name] = used
    assert set(found) - set(ALLOWED) == set(), found
    assert "tikdash/outgoing.py" in found and "tikdash/tiklive/transport.py" in found


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names | {name.split(".")[0] for name in names}
