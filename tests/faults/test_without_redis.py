"""Redis is gone: who waits in front of a page is served, all other work waits, and nothing is lost or done twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
import urllib3
from honcho.environ import parse_procfile

from tests.e2e.stack import running, wait_for
from tests.environment import ROOT
from tests.faults.installation import Installation, works

TOKEN = "0123456789abcdefghijklmnopqrstuv"
SESSION = """
from accounts.sessions import SessionStore
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.services.tenants import add_member
from accounts.selectors import tenant_by_slug
from accounts.models import User
acme = tenant_by_slug("acme")
add_member(tenant_id=acme.id, email="ana@acme.example", role="owner", password="correct-horse-battery")
ana = User.objects.get(email="ana@acme.example")
store = SessionStore()
store[SESSION_KEY], store[HASH_SESSION_KEY] = str(ana.pk), ana.get_session_auth_hash()
store[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
store.create()
print(store.session_key)
"""


class Ana:
    """A person of Acme who is logged in."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        made = installation.manage("shell", "--no-imports", "-c", SESSION)
        assert made.returncode == 0, made.stderr
        self.session = made.stdout.split()[-1]

    def ask(self, method: str, path: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request(
            method,
            f"http://127.0.0.1:{self.installation.port}{path}",
            headers={
                "Host": "acme.localhost",
                "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
                "X-CSRFToken": TOKEN,
            },
            timeout=20,
            retries=False,
            redirect=False,
        )

    def refreshes(self, account_id: int) -> float:
        """Presses the button; seconds until the page answered."""
        began = time.monotonic()
        answer = self.ask("POST", f"/accounts/{account_id}/refresh/")
        assert answer.status == 302, answer.data
        return time.monotonic() - began


@pytest.fixture
def ana(installation: Installation) -> Ana:
    return Ana(installation)


@pytest.fixture
def without_valkey(installation: Installation) -> Iterator[None]:
    """Everything worked, and Valkey is killed; it comes back empty at the end at the latest."""
    wait_for(works(installation), "the jobs", installation.logs)
    wait_for(lambda: nothing_runs(installation), "the worker to be done", installation.logs)
    installation.servers.stop_valkey(signal.SIGKILL)
    for left in (installation.servers.directory / "valkey").glob("*.rdb"):
        left.unlink()
    yield
    installation.servers.start_valkey()
    wait_for(works(installation), "the worker to go on", installation.logs)


def nothing_runs(installation: Installation) -> bool:
    return installation.sql("SELECT count(*) FROM shared.fetch_jobs WHERE lease_until > now()") == [(0,)]


def account_of(installation: Installation, handle: str) -> int:
    [(account_id,)] = installation.sql(f"SELECT id FROM shared.accounts WHERE username = '{handle}'")
    assert isinstance(account_id, int)
    return account_id


def fetched(installation: Installation, account_id: int) -> bool:
    return installation.sql(
        f"SELECT count(*) FROM shared.fetch_jobs WHERE account_id = {account_id} AND kind IN ('profile', 'posts')"
        " AND succeeded_at IS NOT NULL"
    ) == [(2,)]


def forget_refreshes(installation: Installation) -> None:
    installation.sql("UPDATE shared.fetch_jobs SET requested_at = NULL")


def calls(installation: Installation) -> dict[object, object]:
    found = installation.sql("SELECT endpoint, count(*) FROM usage_events GROUP BY 1")
    return {row[0]: row[1] for row in found}


@pytest.mark.usefixtures("without_valkey")
def test_a_refresh_is_served_background_waits_and_all_goes_on_when_redis_is_back(
    installation: Installation, ana: Ana
) -> None:
    lena, noor = (account_of(installation, handle) for handle in ("lena.bakes", "noor.kitchen"))
    before = calls(installation)
    forget_refreshes(installation)
    installation.make_all_due()
    assert ana.refreshes(lena) < 3, "a person does not wait for a server that is gone"
    wait_for(lambda: fetched(installation, lena), "the refresh", installation.logs)
    time.sleep(3)
    assert (
        installation.sql(
            "SELECT attempts, error, succeeded_at, lease_until FROM shared.fetch_jobs"
            f" WHERE account_id = {noor} AND kind IN ('profile', 'posts')"
        )
        == [(0, "", None, None)] * 2
    )
    began = time.monotonic()
    page = ana.ask("GET", f"/accounts/{lena}/")
    assert page.status == 200 and time.monotonic() - began < 3

    installation.servers.start_valkey()
    wait_for(installation.all_ran, "the background to go on", installation.logs)
    wait_for(lambda: nothing_runs(installation), "the worker to be done", installation.logs)
    after = calls(installation)
    # Two accounts, each with one profile and two pages of posts: as if nothing had happened.
    made = {name: after[name] - before.get(name, 0) for name in after}  # type: ignore[operator]
    assert {name: count for name, count in made.items() if count} == {"userinfo-by-username": 2, "user-posts": 4}
    worker = installation.log("worker")
    assert "redis_is_gone" in worker and "redis_is_back" in worker
    assert "Traceback" not in worker


@pytest.mark.usefixtures("without_valkey")
def test_a_new_account_is_checked_and_read_without_redis(installation: Installation, ana: Ana) -> None:
    form = urllib3.request(
        "POST",
        f"http://127.0.0.1:{installation.port}/accounts/add/",
        fields={"handle": "tinyfermenter", "reason": "own"},
        headers={
            "Host": "acme.localhost",
            "Cookie": f"sessionid={ana.session}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
        },
        timeout=20,
        retries=False,
        redirect=False,
    )
    assert form.status == 302, form.data
    wait_for(
        lambda: installation.sql("SELECT count(*) FROM shared.accounts WHERE username = 'tinyfermenter'") == [(1,)],
        "the account",
        installation.logs,
    )
    account_id = account_of(installation, "tinyfermenter")
    wait_for(lambda: fetched(installation, account_id), "its posts", installation.logs)
    installation.sql(f"DELETE FROM shared.fetch_jobs WHERE account_id = {account_id}")


@pytest.mark.usefixtures("without_valkey")
def test_a_worker_that_starts_without_redis_serves_people_and_stops_when_asked_to(
    installation: Installation, ana: Ana
) -> None:
    """The installation's own worker may take the job as well: what counts is that this one says it serves."""
    command = parse_procfile((ROOT / "Procfile").read_text()).processes["worker"]
    log = installation.logs / "second-worker.log"
    with running(command, log, installation.environment):
        wait_for(lambda: "redis_is_gone" in log.read_text(), "the second worker", installation.logs)
        forget_refreshes(installation)
        installation.make_all_due()
        lena = account_of(installation, "lena.bakes")
        ana.refreshes(lena)
        wait_for(lambda: fetched(installation, lena), "the refresh", installation.logs)
    assert "Traceback" not in log.read_text()
