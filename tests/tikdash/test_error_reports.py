"""Error reports: what went wrong, where, for whom; no key, no cookie, no body, no local variable."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import sentry_sdk
import structlog
from django.test import Client, RequestFactory

from tests.cast import Cast
from tests.environment import ROOT
from tests.reporting import DSN, Kept, reporting
from tikdash import error_reports
from tikdash.tiklive.ports import ApiKey

KEY = "sk-live-reports-Zq8wNfR2vXy7"
MARKER = "a-marker-that-may-be-seen"
#: What a request carries and no report may. Up here, because reports show the lines around those that were running.
FOREIGN_KEY, BEARER, BODY, TICKET = "another-key", "Bearer something", "typed=a-body-nobody-needs", "opens-a-workspace"


@pytest.fixture
def kept() -> Iterator[Kept]:
    ApiKey(id="reports", secret=KEY, last_four=KEY[-4:])
    with reporting() as kept:
        yield kept


def raise_with_the_key_nearby() -> None:
    local = {"X-Api-Key": KEY, "note": MARKER}
    raise ValueError(f"the upstream said: {KEY} is unknown ({local['note']})")


def report() -> None:
    try:
        raise_with_the_key_nearby()
    except ValueError as error:
        sentry_sdk.capture_exception(error)


def test_an_error_with_the_key_in_its_message_arrives_without_it(kept: Kept) -> None:
    report()
    [event] = kept.events
    said = event["exception"]["values"][0]
    assert said["value"] == f"the upstream said: [key] is unknown ({MARKER})"
    assert said["stacktrace"]["frames"][-1]["function"] == "raise_with_the_key_nearby"
    assert KEY not in kept.everything and (event["environment"], event["release"]) == ("tests", "tikdash@0")


def test_no_frame_shows_its_local_variables(kept: Kept) -> None:
    report()
    frames = kept.events[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert [frame for frame in frames if "vars" in frame] == []


def test_breadcrumbs_contexts_tags_and_users_of_the_event_are_cleaned(kept: Kept) -> None:
    sentry_sdk.add_breadcrumb(category="http", message=f"GET with {KEY}", data={"headers": {"X-Api-Key": "x"}, KEY: 1})
    logging.getLogger("some.library").error("sent %s", KEY.encode())
    structlog.get_logger("tikdash.x").error("said", header=KEY)
    scope = sentry_sdk.get_isolation_scope()
    scope.set_context("call", {"params": [{"key": KEY}], "note": MARKER})
    scope.set_tag("key", KEY)
    scope.set_user({"id": KEY})
    scope.set_extra("object", {"deep": [{"deeper": (KEY, KEY.encode())}]})
    report()
    assert KEY not in kept.everything and MARKER in kept.everything
    assert kept.events[-1]["breadcrumbs"]["values"][0]["data"] == {"headers": {}, "[key]": 1}
    crumbs = [crumb["message"] for crumb in kept.events[-1]["breadcrumbs"]["values"]]
    assert crumbs[0] == "GET with [key]"
    assert "sent b'[key]'" in crumbs
    assert crumbs[-1] == "said"


def serve(method: str, path: str, body: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """One request through the entrance that gunicorn uses; status and headers of the answer."""
    from tikdash.wsgi import application

    said: list[Any] = []
    environ = RequestFactory(headers=headers).generic(method, path, body).environ
    b"".join(application(environ, lambda *status_and_headers: said.extend(status_and_headers)))
    return said[0], dict(said[1])


def test_a_request_is_reported_without_its_key_cookies_and_body(kept: Kept, cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.web.views.workspaces_of", lambda user_id: raise_with_the_key_nearby())
    client = Client()
    client.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.cookies["sessionid"].value
    status, headers = serve(
        "GET",
        f"/?ticket={TICKET}&key={KEY}",
        BODY,
        headers={
            "Host": "localhost", "X-Api-Key": FOREIGN_KEY, "Authorization": BEARER, "X-Note": MARKER,
            "Cookie": f"sessionid={session}",
        },
    )  # fmt: skip
    assert status.startswith("500")
    [event] = kept.events
    request = event["request"]
    assert request["url"] == "http://localhost/"
    assert request["headers"]["X-Note"] == MARKER
    assert not {"X-Api-Key", "Authorization", "Cookie"} & set(request["headers"])
    for hidden in (KEY, FOREIGN_KEY, BEARER, BODY, TICKET, session, cast.ana.email):
        assert hidden not in kept.everything
    assert "user" not in event or not {"email", "ip_address", "id"} & set(event["user"])
    assert event["tags"]["request_id"] == headers["X-Request-Id"]


def test_an_event_names_its_tenant_and_request(kept: Kept) -> None:
    with structlog.contextvars.bound_contextvars(tenant="acme", request_id="0123456789abcdef", other="x"):
        report()
    report()
    assert kept.events[0]["tags"] == {"tenant": "acme", "request_id": "0123456789abcdef"}
    assert not kept.events[1].get("tags")


def test_what_our_code_logs_as_an_error_is_one_issue_with_its_traceback(kept: Kept) -> None:
    for job in (7, 8):
        try:
            raise_with_the_key_nearby()
        except ValueError:
            structlog.get_logger("snapshots.services.jobs").exception("job_broke", job=job, key=KEY)
    first, second = kept.events
    assert first["logentry"]["message"] == second["logentry"]["message"] == "job_broke"
    assert (first["extra"]["job"], second["extra"]["job"], first["extra"]["key"]) == ("7", "8", "[key]")
    assert first["exception"]["values"][0]["type"] == "ValueError"
    assert KEY not in kept.everything


def test_transactions_are_cleaned_as_events_are() -> None:
    event = {"transaction": f"/{KEY}", "request": {"cookies": {"a": "b"}, "headers": {"HTTP_X_API_KEY": "x"}}}
    ApiKey(id="reports", secret=KEY, last_four=KEY[-4:])

    assert error_reports._clean_event(event, {}) == {"transaction": "/[key]", "request": {"headers": {}}}


def test_without_a_dsn_nothing_is_sent_or_even_imported() -> None:
    program = "import django, sys; django.setup(); print('sentry_sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("as_json", ["1", "0"])
@pytest.mark.parametrize("where", ["main", "thread", "log", "warning", "mistake in a log call"])
def test_what_nobody_caught_is_a_line_of_the_log_without_the_key(where: str, as_json: str) -> None:
    program = f"""
import django, logging, os, sys, threading, warnings
django.setup()
from tikdash.redaction import hide
key = "".join(["sk-live-", "reports-Zq8wNfR2vXy7"])
hide(key)
def breaks():
    raise ValueError("{MARKER} " + key)
if {where!r} == "thread":
    thread = threading.Thread(target=breaks, name="worker " + key)
    thread.start(); thread.join()
elif {where!r} == "log":
    logging.getLogger("x").error("%s", ["{MARKER}", key])
elif {where!r} == "warning":
    warnings.warn("{MARKER} " + key)
elif {where!r} == "mistake in a log call":
    logging.getLogger("x").error("%d {MARKER}", key)
else:
    breaks()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "tikdash.settings", "LOG_JSON": as_json, "LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert MARKER in said and "[key]" in said and KEY not in said
    assert done.returncode == (1 if where == "main" else 0)
    if as_json == "1" and where != "mistake in a log call":
        [line] = done.stderr.splitlines()
        assert orjson.loads(line)["level"] in ("critical", "error", "warning")


def test_uncaught_errors_still_reach_the_reports(tmp_path: Any) -> None:
    """Sentry wraps our hook, and ours comes after it: reported, and logged without the key."""
    program = f"""
import os, sys
os.environ["SENTRY_DSN"] = {DSN!r}
import django
import sentry_sdk.transport
sent = []
sentry_sdk.transport.HttpTransport.capture_envelope = lambda self, envelope: sent.append(envelope.serialize())
django.setup()
import atexit
atexit.register(lambda: print(b"".join(sent).decode()))
from tikdash.redaction import hide
hide("sk-live-reports-Zq8wNfR2vXy7")
raise ValueError("{MARKER} sk-live-reports-Zq8wNfR2vXy7")
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        cwd=ROOT,
        env=dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "tikdash.settings", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{MARKER} [key]" in done.stdout
    assert f"{MARKER} [key]" in done.stderr
    assert "uncaught" in done.stderr
