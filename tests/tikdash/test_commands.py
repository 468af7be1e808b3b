"""The commands as an operator calls them: a short text or JSON on stdout, errors as one line and status 1."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import orjson
import psycopg
import pytest
from django.conf import settings
from django.core.management import ManagementUtility
from psycopg import sql

from accounts.models import Tenant
from accounts.services.tenants import create_tenant
from snapshots.models import FetchJob, Post, TrackedAccount
from tests.cast import Cast
from tests.environment import DATABASE, ROOT, RUN
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tikdash.db.scope import tenant_scope

NOBODY = "postgresql://tikdash:x@127.0.0.1:9/tikdash"


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def process(*arguments: str, **variables: str) -> Done:
    """`python manage.py …` in a process of its own, on the database of this test run."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"TIKLIVE_BASE_URL": settings.TIKLIVE_BASE_URL} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def manage(*arguments: str) -> Done:
    """The same in this process, which is faster."""
    status, stdout, stderr = 0, StringIO(), StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as error:
            status = int(error.code or 0)
    return Done(status, stdout.getvalue(), stderr.getvalue())


def data_of(done: Done) -> Any:
    """What a command printed as JSON, and nothing else."""
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return orjson.loads(done.stdout)


def error_of(done: Done) -> str:
    """The one line that a failed command printed, without Django's first word."""
    assert done.returncode == 1 and done.stdout == "", done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip().removeprefix("CommandError: ")


# --- tracking and fetching -------------------------------------------------------------------------------------------


def test_track_stores_the_account_its_numbers_and_posts_and_refuses_it_the_second_time(
    committed_db: Cast, upstream: Caller
) -> None:
    said = data_of(process("track", "acme", "@Lena.Bakes", "--reason", "own", "--tags", "a,b", "--json"))
    [tracked] = said["tracked"]
    followers = upstream.look("truth/account", handle="lena.bakes")["followers"]
    assert (tracked["handle"], tracked["followers"], tracked["posts"]) == ("lena.bakes", followers, 60)
    with tenant_scope(committed_db.acme):
        account = TrackedAccount.objects.get()
        assert (account.pk, account.tracked_reason, account.tags) == (tracked["id"], "own", ["a", "b"])
        assert Post.objects.count() == 60
    assert error_of(process("track", "acme", "lena.bakes")) == "lena.bakes: @lena.bakes is tracked already."
    with tenant_scope(committed_db.rival):
        assert not TrackedAccount.objects.exists()


def test_track_goes_on_after_a_bad_handle_and_still_fails(committed_db: Cast, upstream: Caller) -> None:
    upstream.order("overrides", {"deleted": [{"handle": "gone.one"}]})
    done = manage("track", "acme", "not a handle", "gone.one", "noor.kitchen")
    assert done.returncode == 1 and done.stdout.startswith("@noor.kitchen: tracked, ")
    bad, gone, summary = done.stderr.strip().splitlines()
    assert "is not a TikTok handle" in bad and gone.startswith("gone.one: TikTok knows no @gone.one.")
    assert summary == "CommandError: 2 of 3 handles could not be tracked."
    with tenant_scope(committed_db.acme):
        assert TrackedAccount.objects.get().username == "noor.kitchen"
        assert not FetchJob.objects.filter(kind="probe", state__in=["active", "refused"]).exists()


@pytest.mark.parametrize(
    "command", [["track", "nobody", "lena.bakes"], ["fetch", "nobody", "x1"], ["drain", "--tenant", "nobody"]]
)
def test_a_tenant_that_does_not_exist_is_said(committed_db: Cast, command: list[str]) -> None:
    assert error_of(manage(*command)) == "There is no tenant “nobody”."


def test_fetch_runs_both_jobs_now_and_says_what_came(committed_db: Cast, upstream: Caller) -> None:
    manage("track", "globex", "professor.bubbles")
    reports = data_of(manage("fetch", "globex", "https://www.tiktok.com/@professor.bubbles", "--json"))
    assert [(report["kind"], report["outcome"]) for report in reports] == [("profile", "ok"), ("posts", "ok")]
    text = manage("fetch", "globex", "professor.bubbles", "--kind", "posts").stdout
    assert text.startswith("posts: ") and "0 new, 0 gone, 0 back" in text
    assert error_of(manage("fetch", "globex", "lena.bakes")) == "@lena.bakes is not tracked here."
    upstream.order("faults", [{"kind": "http", "status": 500}])
    assert error_of(manage("fetch", "globex", "professor.bubbles", "--kind", "profile")) == (
        "profile: TikLiveAPI has a problem at the moment. We will try again shortly."
    )


def test_dispatch_claims_and_sends_and_drain_works_until_nothing_is_due(committed_db: Cast, upstream: Caller) -> None:
    for tenant in (committed_db.acme, committed_db.globex):
        with tenant_scope(tenant):
            make_job(make_account("lena.bakes", tiktok_user_id=upstream.account_id("lena.bakes")), "profile")
    assert data_of(manage("drain", "--tenant", "acme", "--json")) == {"jobs": 1, "outcomes": {"ok": 1}}
    assert data_of(process("dispatch", "--json")) == {"sent": 1}, "the one of Globex is left"
    assert manage("dispatch").stdout == "0 jobs sent.\n"
    with tenant_scope(committed_db.globex):
        FetchJob.objects.update(lease_until=None)
    assert manage("drain").stdout == "1 job: 1 ok\n"
    assert manage("drain").stdout == "0 jobs: none due\n"


# --- tenants and installation ----------------------------------------------------------------------------------------


def test_create_tenant_prints_what_it_made(committed_db: Cast) -> None:
    made = data_of(manage("create_tenant", "northwind", "--plan", "pro", "--owner", "nina@northwind.example", "--json"))
    tenant = Tenant.objects.get(slug="northwind")
    assert (made["id"], made["schema"], made["plan"]) == (tenant.pk, "shared", "pro")
    assert tenant.memberships.get().user.email == "nina@northwind.example"  # type: ignore[attr-defined]
    text = manage("create_tenant", "own-schema", "--dedicated", "--plan", "enterprise", "--name", "Own Schema").stdout
    assert text.startswith("Own Schema: tenant ") and "schema tenant_own_schema" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["acme"], "The address “acme” is taken. Choose another one."),
        (["admin"], "“admin” is kept for Tikdash itself. Choose another address."),
        (["fine", "--plan", "gold"], "There is no plan “gold”. Plans: free, pro, enterprise."),
        (["fine", "--owner", "nina"], "“nina” is not an e-mail address."),
        (["fine", "--name", "x" * 200], "A name has at most 120 characters."),
    ],
)
def test_create_tenant_refuses_in_one_line_and_makes_nothing(
    committed_db: Cast, arguments: list[str], sentence: str
) -> None:
    assert error_of(manage("create_tenant", *arguments)) == sentence
    assert Tenant.objects.count() == 3


def test_init_db_changes_nothing_the_second_time(committed_db: Cast) -> None:
    manage("init_db")
    again = data_of(manage("init_db", "--json"))
    assert again == {"database": DATABASE, "shards": 2, "new_partitions": []}
    assert Tenant.objects.count() == 3


def test_doctor_finds_a_sound_installation_sound(committed_db: Cast) -> None:
    assert manage("doctor").stdout == "Everything is sound.\n"
    assert data_of(manage("doctor", "--json")) == {"faults": []}


@contextmanager
def administrator() -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=DATABASE, autocommit=True) as connection:
        yield connection


def test_doctor_names_the_schema_that_is_missing_and_a_table_that_shows_too_much(committed_db: Cast) -> None:
    create_tenant(slug="doomed", plan="enterprise", dedicated=True)
    with administrator() as admin:
        admin.execute("ALTER SCHEMA tenant_doomed RENAME TO tenant_hidden")
        admin.execute("CREATE TABLE shared.leaky (tenant_id bigint)")
        try:
            done = manage("doctor")
        finally:
            admin.execute("ALTER SCHEMA tenant_hidden RENAME TO tenant_doomed")
            admin.execute("DROP TABLE shared.leaky")
    assert done.returncode == 1
    leaky, missing = done.stderr.removeprefix("CommandError: ").strip().splitlines()
    assert leaky == "shared.leaky has tenant_id and no row-level security"
    assert missing.startswith("The schema “tenant_doomed” of a shard is missing. Restore it from a backup")
    assert "manage.py make_schema tenant_doomed" in missing


def test_doctor_refuses_a_log_in_that_row_level_security_does_not_bind(committed_db: Cast) -> None:
    as_superuser = settings.DATABASE_ADMIN_URL.rsplit("/", 1)[0] + f"/{DATABASE}"
    said = process("doctor", DATABASE_URL=as_superuser).stderr
    assert "DATABASE_URL must not be used: the role “postgres” is a superuser" in said

    role, base = f"nosy_{RUN}", settings.DATABASE_ADMIN_URL.split("@")[1].rsplit("/", 1)[0]
    with administrator() as admin:
        name = sql.Identifier(role)
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'nosy' IN ROLE tikdash_owner").format(name))
        try:
            admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), name))
            said = process("doctor", DATABASE_URL=f"postgresql://{role}:nosy@{base}/{DATABASE}").stderr
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))
    assert f"the role “{role}” inherits the rights of “tikdash_owner”. Run `manage.py init_db`." in said


@pytest.mark.parametrize(
    "command", [["dispatch"], ["doctor"], ["track", "acme", "lena"], ["init_db"]], ids=lambda command: command[0]
)
def test_a_database_that_is_not_there_is_one_line_for_every_command(command: list[str]) -> None:
    said = error_of(process(*command, DATABASE_URL=NOBODY, DATABASE_ADMIN_URL=NOBODY))
    assert "Connection refused" in said and "Traceback" not in said


@pytest.mark.parametrize("command", [["dispatch"], ["doctor"]])
def test_a_broker_that_is_not_there_is_no_traceback(committed_db: Cast, command: list[str]) -> None:
    done = process(*command, REDIS_URL="redis://127.0.0.1:9/0")
    assert "Traceback" not in done.stderr
    if command == ["doctor"]:
        assert error_of(done) == "Redis does not answer. Check REDIS_URL and that the server runs."


@pytest.mark.parametrize(
    "url", ["garbage", "sqlite:///x.db", "postgresql://127.0.0.1/x", "postgresql://u:p@127.0.0.1:port/x"]
)
def test_an_address_that_is_none_is_one_line_with_the_form_it_should_have(url: str) -> None:
    assert error_of(process("dispatch", DATABASE_URL=url)) == (
        "DATABASE_URL must be a PostgreSQL address: postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE."
    )
