"""Exports: made by a worker, whole or not at all, in bounded memory; fetched by who asked; then gone."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from celery.contrib.testing.worker import start_worker
from django.db import IntegrityError, connection
from django.test import Client

from accounts.models import AuditEntry, Export, Membership, TenantErasure, User
from accounts.selectors import TenantRef
from accounts.services import export_kinds, export_making
from accounts.services.closing import ask_for_deletion, end_grace
from accounts.services.erasing import erase_tenant
from accounts.services.export_files import drop_old_exports, private_files
from accounts.services.export_kinds import ExportKind, Making
from accounts.services.export_making import go_on_with_exports, make_export
from accounts.services.exports import (
    Asker,
    ask_for_export,
    cancel_export,
    delete_export,
    link_key,
    open_export,
    retry_export,
)
from accounts.services.tenants import add_member, create_tenant
from billing.models import Plan
from snapshots.services import export_kinds as kinds_of_snapshots
from tests import factories
from tests.cast import PASSWORD, Cast
from tests.environment import ROOT
from tests.mails import outbox
from tests.private_folder import use_private_folder
from tests.queries import assert_at_most, statements_of
from tikdash import clock
from tikdash.celery import app
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotAllowed, NotFound, NotInPlan

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PAGE = "/settings/exports/"


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """An empty private storage."""
    return use_private_folder(settings, tmp_path / "exports")


@pytest.fixture
def acme(committed_db: Cast) -> TenantRef:
    """Two accounts with a post each, and a day of both; Rival has the like."""
    for tenant in (committed_db.acme, committed_db.rival):
        with tenant_scope(tenant):
            for number in (1, 2):
                account = factories.make_account(f"{tenant.slug}.{number}", tags=["a"] * (number == 1), bio='=1+"x", é')
                factories.make_snapshots(account, [1, 2])
                factories.make_post_snapshot(factories.make_post(account, title='line\nbreak, "quoted" \\ 猫'))
    return committed_db.acme


def browser(user: User, host: str = "acme.localhost") -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend=BACKEND)
    return client


def stepped_up(client: Client) -> Client:
    client.post("/confirm/password/", {"password": PASSWORD})
    return client


def ask(tenant: TenantRef, kind: str = "accounts", user: User | None = None, **more: Any) -> UUID:
    asker = Asker(user.email if user else "a token", "owner" if user else "member", user.pk if user else None)
    return ask_for_export(tenant=tenant, kind=kind, asker=asker, **more)


def row(export_id: UUID) -> Export:
    with all_tenants():
        return Export.objects.get(pk=export_id)


def texts(content: bytes) -> dict[str, str]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def content_of(tenant: TenantRef, export_id: UUID, user: User | None = None) -> dict[str, str]:
    opened = open_export(tenant=tenant, export_id=export_id, role="owner", user_id=user.pk if user else None)
    with opened.file as file:
        return texts(file.read())


def link_of(page: str) -> str:
    found = re.search(r'href="(/settings/exports/[^"]+/file/\?key=[^"]+)"', page)
    assert found, page
    return unescape(found[1])


# --- what is in them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["csv", "json", "ndjson"])
@pytest.mark.parametrize("kind", ["accounts", "posts", "snapshots"])
def test_a_list_is_whole_and_one_s_own_in_every_format(acme: TenantRef, kind: str, chosen: str) -> None:
    export = ask(acme, kind, parameters={"format": chosen})
    assert make_export(export)
    files = content_of(acme, export)
    names = {"snapshots": ["account_snapshots", "post_snapshots"]}.get(kind, [kind])
    assert list(files) == [f"{name}.{chosen}" for name in names]
    for text in files.values():
        rows: list[dict[str, Any]] = {
            "csv": lambda text: list(csv.DictReader(io.StringIO(text, newline=""))),
            "json": orjson.loads,
            "ndjson": lambda text: [orjson.loads(line) for line in text.splitlines()],
        }[chosen](text)
        assert {each["username"] for each in rows} == {"acme.1", "acme.2"} and "rival" not in text
        if kind == "accounts":
            # A spreadsheet must not compute what somebody wrote; a program gets it as it was written.
            assert {each["bio"] for each in rows} == {("'" if chosen == "csv" else "") + '=1+"x", é'}
        if kind == "posts":
            assert {each["title"] for each in rows} == {'line\nbreak, "quoted" \\ 猫'}
        if kind == "snapshots":
            assert {each["data_state"] for each in rows} == {"ok"} and len(rows) in (2, 4)


@pytest.mark.parametrize(("chosen", "empty"), [("json", "[]\n"), ("ndjson", ""), ("csv", None)])
def test_an_empty_list_is_one(committed_db: Cast, chosen: str, empty: str | None) -> None:
    export = ask(committed_db.acme, "posts", parameters={"format": chosen})
    assert make_export(export)
    (text,) = content_of(committed_db.acme, export).values()
    assert text == empty if empty is not None else text.count("\n") == 1


def test_a_list_is_limited_to_tags_and_to_the_days_that_the_plan_shows(acme: TenantRef, monkeypatch: Any) -> None:
    tagged = ask(acme, "accounts", parameters={"tags": ["a", "it's"]})
    assert make_export(tagged) and "acme.2" not in content_of(acme, tagged)["accounts.csv"]
    whole = kinds_of_snapshots.limits_of
    monkeypatch.setattr(kinds_of_snapshots, "limits_of", lambda tenant: replace(whole(tenant), history_days=0))
    days = ask(acme, "snapshots")
    assert make_export(days)
    assert content_of(acme, days)["account_snapshots.csv"].count("\n") == 3


def test_what_cannot_be_asked_for_is_refused(acme: TenantRef, committed_db: Cast) -> None:
    with pytest.raises(BadInput, match="csv, json, ndjson"):
        ask(acme, parameters={"format": "pdf"})
    with pytest.raises(NotFound):
        ask(acme, "nothing")
    with pytest.raises(NotFound):
        ask(acme, "person", subject="1")
    with pytest.raises(NotAllowed):
        ask(acme, "everything")
    plan = Plan.objects.get(code=committed_db.rival.plan)
    Plan.objects.filter(pk=plan.pk).update(features=[])
    with pytest.raises(NotInPlan):
        ask(committed_db.rival)
    Plan.objects.filter(pk=plan.pk).update(features=plan.features)
    with all_tenants():
        assert not Export.objects.exists()


def test_one_of_a_kind_is_made_at_a_time_and_a_new_one_takes_the_place_of_the_old(
    acme: TenantRef, committed_db: Cast, files: Path
) -> None:
    first = ask(acme, user=committed_db.ana)
    with pytest.raises(LimitReached, match="being made already"):
        ask(acme, user=committed_db.max)
    assert ask(acme, "posts")
    assert make_export(first) and not make_export(first)
    second = ask(acme, user=committed_db.ana)
    assert make_export(second)
    assert (row(first).state, row(first).file, row(second).state) == ("expired", "", "ready")
    assert [path.name for path in files.rglob("*.zip")] == [row(second).file.partition("/")[2]]
    with tenant_scope(acme), pytest.raises(IntegrityError):
        Export.objects.create(kind="x", created_at=clock.now())
        Export.objects.create(kind="x", created_at=clock.now())


def test_never_more_are_made_at_a_time_than_the_setting_says(acme: TenantRef, settings: Any) -> None:
    settings.EXPORTS_AT_ONCE = 1
    first, second = ask(acme), ask(acme, "posts")
    with all_tenants():
        Export.objects.filter(pk=first).update(state="running", lease_until=clock.now() + timedelta(minutes=1))
    assert not make_export(second) and row(second).state == "waiting"
    with clock.at(clock.now() + timedelta(minutes=2)):
        assert make_export(second)


# --- memory ----------------------------------------------------------------------------------------------------------

#: Prints by how much making an export raised the most memory that the process ever had, in KB.
MEASURE = """
import resource, sys, uuid
from tests import environment
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tikdash.settings"
import django
django.setup()
from accounts.services.export_making import make_export
from accounts.services.export_kinds import export_kinds
export_kinds()
for small in sys.argv[1].split(","):
    assert make_export(uuid.UUID(small))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for large in sys.argv[2].split(","):
    assert make_export(uuid.UUID(large))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_stays_flat_however_much_there_is(acme: TenantRef, committed_db: Cast, files: Path) -> None:
    """60 MB of bios, as JSON and in “everything”."""
    ana = committed_db.ana
    with tenant_scope(acme), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts (username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,"
            " tracked_reason, tags, state, tracked_since)"
            " SELECT 'u' || n, n, '', '', '', repeat(md5(n::text), 500), false, 'own', '{}', 'active', now()"
            " FROM generate_series(1, 4000) n"
        )
    large = [ask(acme, "accounts", ana, parameters={"format": "json"}), ask(acme, "everything", ana)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ask(acme, "posts", ana)), ",".join(map(str, large))],
        cwd=ROOT, env=environ() | {"EXPORTS_ROOT": str(files)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for export in large:
        with private_files().open(row(export).file) as file, zipfile.ZipFile(file) as archive:
            assert sum(entry.file_size for entry in archive.infolist()) > 60_000_000
    assert int(done.stdout) < 20_000, f"{done.stdout} KB for 60 MB"


def environ() -> dict[str, str]:
    return dict(os.environ)


# --- workers that go -------------------------------------------------------------------------------------------------

#: Makes an export that takes its time.
SLOW = """
import sys, time, uuid
from tests import environment
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tikdash.settings"
import django
django.setup()
from accounts.services import export_kinds, export_making
known = export_kinds.export_kinds()["accounts"]
def slow(making):
    with making.file("half.txt") as write:
        for _ in range(600):
            write(b"x" * 100_000)
            print("wrote", flush=True)
            time.sleep(0.05)
object.__setattr__(known, "write", slow)
if sys.argv[2] == "storing":
    from django.core.files.storage import FileSystemStorage
    object.__setattr__(known, "write", lambda making: None)
    whole = FileSystemStorage._save
    def half(self, name, content):
        whole(self, name, content)
        print("wrote", flush=True)
        time.sleep(60)
    FileSystemStorage._save = half
export_making.make_export(uuid.UUID(sys.argv[1]))
"""


@pytest.mark.parametrize("moment", ["writing", "storing"])
def test_a_worker_that_is_killed_leaves_nothing_half_and_another_one_begins_anew(
    acme: TenantRef, committed_db: Cast, files: Path, settings: Any, moment: str
) -> None:
    export = ask(acme, user=committed_db.ana)
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(export), moment], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=environ() | {"EXPORTS_ROOT": str(files), "EXPORT_LEASE_S": "5"},
    )  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "wrote\n"
    assert row(export).state == "running" and not make_export(export)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(list(files.rglob("*.zip"))) == (moment == "storing")
    with pytest.raises(NotFound):
        open_export(tenant=acme, export_id=export, role="owner", user_id=committed_db.ana.pk)
    assert go_on_with_exports() == 0, "not before its lease is over"
    with clock.at(clock.now() + timedelta(seconds=10)):
        assert go_on_with_exports() == 1
        assert make_export(export)
    found = row(export)
    assert (found.state, found.attempts) == ("ready", 2)
    assert [path.name for path in files.rglob("*.zip")] == [found.file.partition("/")[2]]
    assert "acme.1" in content_of(acme, export, committed_db.ana)["accounts.csv"]


def instead(monkeypatch: Any, write: Any, name: str = "accounts") -> None:
    """Another writer for a kind."""
    known = export_kinds.export_kinds()
    changed = known | {name: replace(known[name], write=write)}
    monkeypatch.setattr(export_kinds, "export_kinds", lambda: changed)


def test_what_goes_wrong_is_tried_again_and_then_said(acme: TenantRef, monkeypatch: Any, files: Path) -> None:
    def broken(making: Making) -> None:
        with making.file("half.txt") as write:
            write(b"half")
            raise OSError("disk")

    instead(monkeypatch, broken)
    export = ask(acme)
    for attempt in (1, 2, 3):
        with pytest.raises(OSError, match="disk"):
            make_export(export)
        assert (row(export).state, row(export).attempts) == ("failed" if attempt == 3 else "waiting", attempt)
    assert "Try again" in row(export).error and list(files.rglob("*.zip")) == []
    monkeypatch.undo()
    second = retry_export(tenant=acme, export_id=export, asker=Asker("a token", "member"))
    assert make_export(second)


def test_a_sentence_of_ours_is_shown_at_once(acme: TenantRef, monkeypatch: Any) -> None:
    def refused(making: Making) -> None:
        raise LimitReached("There is too much.")

    instead(monkeypatch, refused)
    export = ask(acme)
    assert not make_export(export)
    assert (row(export).state, row(export).error) == ("failed", "There is too much.")


def test_killed_too_often_it_is_given_up(acme: TenantRef) -> None:
    export = ask(acme)
    with all_tenants():
        Export.objects.filter(pk=export).update(state="running", attempts=3, lease_until=clock.now())
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert not make_export(export)
    assert row(export).state == "failed" and "stopped too often" in row(export).error


def test_called_off_it_ends_within_a_block(acme: TenantRef, monkeypatch: Any, files: Path) -> None:
    monkeypatch.setattr(export_making, "BEAT_S", 0.02)
    seen: list[tuple[int, int]] = []

    def slow(making: Making) -> None:
        making.total = 10
        with making.file("one.txt") as write:
            write(b"x" * 1000)
        deadline = time.monotonic() + 5
        with making.file("two.txt") as write:
            while time.monotonic() < deadline:
                write(b"x")
                time.sleep(0.01)
                found = row(export)
                if found.done == 1 and not seen:
                    seen.append((found.done, found.total))
                    cancel_export(tenant=acme, export_id=export)
        raise AssertionError("it went on")

    instead(monkeypatch, slow)
    export = ask(acme)
    assert not make_export(export)
    assert seen == [(1, 10)] and row(export).state == "cancelled" and list(files.rglob("*.zip")) == []
    with pytest.raises(NotFound):
        cancel_export(tenant=acme, export_id=export)


def test_called_off_while_it_is_stored_its_file_goes(acme: TenantRef, monkeypatch: Any, files: Path) -> None:
    whole = export_making._finished

    def late(*arguments: Any) -> bool:
        cancel_export(tenant=acme, export_id=export)
        return whole(*arguments)

    monkeypatch.setattr(export_making, "_finished", late)
    export = ask(acme)
    assert not make_export(export)
    assert row(export).state == "cancelled" and list(files.rglob("*.zip")) == []


def test_a_real_worker_makes_it_and_writes_a_mail(acme: TenantRef, committed_db: Cast) -> None:
    with start_worker(app, perform_ping_check=False, pool="threads", concurrency=2, loglevel="ERROR"):
        export = ask(acme, user=committed_db.ana)
        deadline = time.monotonic() + 20
        while row(export).state != "ready" and time.monotonic() < deadline:
            time.sleep(0.05)
    assert row(export).state == "ready"
    sent = [one for one in outbox() if one.to == ["ana@acme.example"] and "export" in one.subject]
    assert len(sent) == 1 and "http://acme.localhost" in sent[0].body and PAGE in sent[0].body
    assert "key=" not in sent[0].body and row(export).file not in sent[0].body


# --- who gets them ---------------------------------------------------------------------------------------------------


def test_from_the_button_to_the_file(acme: TenantRef, committed_db: Cast, files: Path) -> None:
    ana = browser(committed_db.ana)
    assert ana.post(PAGE, {"kind": "posts", "format": "ndjson"}).status_code == 302
    with all_tenants():
        export = Export.objects.get().pk
    piece = ana.get(PAGE + "progress/", headers={"hx-request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in piece and "waiting" in piece and "/file/" not in piece
    again = ana.post(PAGE, {"kind": "posts", "format": "csv"})
    assert again.status_code == 422 and b"being made already" in again.content
    assert make_export(export)
    piece = ana.get(PAGE + "progress/", headers={"hx-request": "true"}).content.decode()
    assert "hx-get" not in piece, "polling ends"
    link = link_of(piece)
    answer = ana.get(link)
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/zip" and int(answer["Content-Length"]) == len(content)
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-posts-')
    assert "no-store" in answer["Cache-Control"]
    assert list(texts(content)) == ["posts.ndjson"]
    # The place of the file is nobody's business, and nothing serves it.
    name = row(export).file
    assert name not in piece and len(name.partition("/")[2]) > 30
    assert (files / name).stat().st_mode & 0o077 == 0
    for path in (f"/media/{name}", f"/static/{name}", f"/media/exports/{name}"):
        assert ana.get(path).status_code == 404
    with tenant_scope(acme):
        events = list(AuditEntry.objects.order_by("occurred_at").values_list("event", flat=True))
    assert events == ["workspace.export_asked", "workspace.export_made", "workspace.export_downloaded"]


def test_a_link_is_for_one_person_one_export_and_some_minutes(
    acme: TenantRef, committed_db: Cast, settings: Any
) -> None:
    export, other = ask(acme, user=committed_db.ana), ask(acme, "posts", committed_db.ana)
    assert make_export(export) and make_export(other)
    ana, max_, rita = (
        browser(committed_db.ana),
        browser(committed_db.max),
        browser(committed_db.rita, "rival.localhost"),
    )
    path = f"{PAGE}{export}/file/"
    link = f"{path}?key={link_key(export, committed_db.ana.pk)}"
    assert ana.get(link).status_code == 200
    for who, address in (
        (max_, link),
        (max_, f"{path}?key={link_key(export, committed_db.max.pk)}"),
        (ana, path),
        (ana, f"{path}?key=x"),
        (ana, f"{path}?key={link_key(other, committed_db.ana.pk)}"),
        (ana, f"{PAGE}{uuid4()}/file/?key={link_key(export, committed_db.ana.pk)}"),
        (rita, link),
        (rita, f"{path}?key={link_key(export, committed_db.rita.pk)}"),
    ):
        assert who.get(address).status_code == 404, address
    assert Client(headers={"host": "acme.localhost"}).get(link)["Location"].startswith("/log-in/")
    assert f"/{export}/file/" not in max_.get(PAGE).content.decode()
    settings.EXPORT_LINK_S = -1
    answer = ana.get(link, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)] and "This link has ended" in answer.content.decode()
    settings.EXPORT_LINK_S = 900
    Membership.objects.filter(user=committed_db.ana, tenant_id=acme.id).update(role="member")
    assert ana.get(link).status_code == 200
    Membership.objects.filter(user=committed_db.ana, tenant_id=acme.id).delete()
    assert ana.get(link).status_code == 404


def test_everything_is_for_owners_who_have_just_said_who_they_are(acme: TenantRef, committed_db: Cast) -> None:
    ana, max_ = browser(committed_db.ana), browser(committed_db.max)
    assert "Everything" not in max_.get(PAGE).content.decode()
    assert max_.post(PAGE, {"kind": "everything"}).status_code == 403
    assert ana.post(PAGE, {"kind": "everything"})["Location"].startswith("/confirm/")
    with all_tenants():
        assert not Export.objects.exists()
    assert stepped_up(ana).post(PAGE, {"kind": "everything"}).status_code == 302
    with all_tenants():
        export = Export.objects.get().pk
    assert make_export(export)
    link = link_of(ana.get(PAGE).content.decode())
    late = browser(committed_db.ana)
    assert late.get(link)["Location"].startswith("/confirm/")
    assert ana.get(link).status_code == 200
    Membership.objects.filter(user=committed_db.ana, tenant_id=acme.id).update(role="admin")
    assert ana.get(link).status_code == 403


@pytest.mark.parametrize("action", ["cancel", "again", "delete"])
def test_only_who_asked_or_manages_the_workspace_changes_an_export(
    acme: TenantRef, committed_db: Cast, action: str
) -> None:
    export = ask(acme, user=committed_db.ana)
    if action != "cancel":
        assert make_export(export)
    if action == "again":
        delete_export(tenant=acme, export_id=export)
    path = f"{PAGE}{export}/{action}/"
    assert browser(committed_db.max).post(path).status_code == 404
    assert browser(committed_db.rita, "rival.localhost").post(path).status_code == 404
    before = row(export).state
    ada = add_member(tenant_id=acme.id, email="ada@acme.example", role="admin").user
    assert browser(ada).post(path).status_code == 302
    with all_tenants():
        assert row(export).state != before or Export.objects.count() == 2
    assert browser(committed_db.ana).get(path).status_code == 405


def test_the_page_costs_the_same_with_many_exports(acme: TenantRef, committed_db: Cast) -> None:
    ana = browser(committed_db.ana)
    ana.get(PAGE)
    few = statements_of(lambda: ana.get(PAGE))
    with tenant_scope(acme):
        for _ in range(20):
            Export.objects.create(kind="posts", state="expired", created_at=clock.now(), asked_by=committed_db.ana)
    many = statements_of(lambda: ana.get(PAGE))
    assert_at_most(len(few), many)
    assert_at_most(6, many)


# --- and their end ---------------------------------------------------------------------------------------------------


def test_files_are_deleted_when_their_time_is_over(acme: TenantRef, committed_db: Cast, files: Path) -> None:
    ana = browser(committed_db.ana)
    export, deleted = ask(acme, user=committed_db.ana), ask(acme, "posts", committed_db.ana)
    assert make_export(export) and make_export(deleted)
    link = link_of(ana.get(PAGE).content.decode())
    assert drop_old_exports() == 0 and len(list(files.rglob("*.zip"))) == 2
    assert ana.post(f"{PAGE}{deleted}/delete/").status_code == 302
    assert len(list(files.rglob("*.zip"))) == 1 and row(deleted).state == "expired"
    with clock.at(clock.now() + timedelta(hours=73)):
        with pytest.raises(NotFound):
            open_export(tenant=acme, export_id=export, role="owner", user_id=committed_db.ana.pk)
        assert drop_old_exports() == 1 and drop_old_exports() == 0
    assert list(files.rglob("*.zip")) == [] and (row(export).state, row(export).file) == ("expired", "")
    assert ana.get(link).status_code == 404
    assert "Make it again" in ana.get(PAGE).content.decode()


def test_a_file_that_no_row_knows_goes_after_an_hour(acme: TenantRef, files: Path) -> None:
    export = ask(acme)
    assert make_export(export)
    private_files().save(f"{acme.id}/orphan.zip", io.BytesIO(b"x"))
    assert drop_old_exports() == 0
    with clock.at(clock.now() + timedelta(hours=2)):
        assert drop_old_exports() == 1
    assert [path.name for path in files.rglob("*.zip")] == [row(export).file.partition("/")[2]]


def test_a_workspace_that_goes_takes_its_files_along(acme: TenantRef, committed_db: Cast, files: Path) -> None:
    leaver = create_tenant(slug="leaver", name="Leaver", plan="pro")
    lea = add_member(tenant_id=leaver.id, email="lea@leaver.example", role="owner").user
    theirs, ours = ask(leaver, user=lea), ask(acme)
    assert make_export(theirs) and make_export(ours)
    asked = ask_for_deletion(tenant=leaver, by="owner", asker=lea.email)
    # In the days of grace its owner can still ask.
    client = browser(lea, "leaver.localhost")
    assert client.post(PAGE, {"kind": "posts"}).status_code == 302
    end_grace(asked)
    erase_tenant(erasure_id=asked.id)
    counts = TenantErasure.objects.get(pk=asked.id).counts
    assert counts["exported files"] == 1 and counts["exports"] == 2
    assert [path.parent.name for path in files.rglob("*.zip")] == [str(acme.id)]
    assert not (files / str(leaver.id)).exists()


def test_every_kind_says_what_it_is() -> None:
    for kind in export_kinds.export_kinds().values():
        assert isinstance(kind, ExportKind) and kind.label and kind.help and callable(kind.write)
