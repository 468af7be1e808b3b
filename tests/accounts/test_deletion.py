"""Deleting a workspace: days of grace, then nothing of it is left, whenever it is killed; others stay as they are."""

from __future__ import annotations

import io
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry, Export, Invitation, Membership, Shard, Tenant, TenantErasure, User
from accounts.selectors import TenantRef, all_tenants_listed, schemas, tenant_by_slug
from accounts.services import erasing
from accounts.services.auditing import Target, record
from accounts.services.changing import suspend, take_suspension_back
from accounts.services.closing import ask_for_deletion, call_deletion_off, end_grace, open_deletion
from accounts.services.erasing import KEPT, CannotErase, due_erasures, erase_tenant
from accounts.services.export_files import names_of_files, private_files
from accounts.services.export_making import make_export
from accounts.services.exports import Asker, ask_for_export, open_export
from accounts.services.moving import move_tenant
from accounts.services.tenants import add_member, create_tenant
from accounts.services.tokens import create_token
from accounts.tasks import erase_due_tenants
from billing.models import CreditGrant, Invoice, TenantBudget, UsageCorrection, UsageDaily, UsageEvent
from snapshots.models import FetchJob, TrackedAccount
from snapshots.pictures.files import keep_file
from tests import factories
from tests.accounts.test_moving import Stopped, fill, filled, sums
from tests.cast import Cast
from tests.environment import ROOT
from tikdash import clock
from tikdash.db.copying import tables_in_order
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import LimitReached, NotFound
from tikdash.redis import server
from tikdash.tiklive.ports import uuid7

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
OWNER = "mia@mover.example"


@pytest.fixture
def leaver(committed_db: Cast) -> TenantRef:
    """A workspace with rows in every kind of table, files and keys in Redis; Acme has the like. Ana is in both."""
    tenant = create_tenant(slug="mover", name="Mover", plan="pro")
    add_member(tenant_id=tenant.id, email=OWNER, role="owner", password="correct-horse-battery")
    add_member(tenant_id=tenant.id, email="ana@acme.example", role="member")
    for each in (committed_db.acme, tenant):
        fill(each)
        furnish(each)
    return tenant


def furnish(tenant: TenantRef) -> None:
    """What a tenant has beside its shard."""
    day = clock.today().replace(day=1)
    with tenant_scope(tenant):
        account = TrackedAccount.objects.order_by("pk")[0]
        name = f"pictures/{tenant.id}/avatar/ab/{tenant.id:040d}.webp"
        keep_file(name, b"a picture")
        TrackedAccount.objects.filter(pk=account.pk).update(avatar_file=name)
        create_token(tenant=tenant, name="A partner", scopes=["accounts:read"], tags=[], networks=[], expires_at=None)
        now = clock.now()
        Invitation.objects.create(
            email="new@mover.example", role="member", token_hash=f"{tenant.id:064d}", created_at=now, sent_at=now,
            expires_at=now,
        )  # fmt: skip
        record("account.tracked", target=Target("account", account.pk, "@mover.0"))
    with all_tenants():
        of = {"tenant_id": tenant.id}
        UsageEvent.objects.create(
            id=uuid7(), occurred_at=clock.now(), key_id="shared", endpoint="userid", feature="probe",
            priority="interactive", outcome="ok", credits=1, attempts=1, latency_ms=5, **of,
        )  # fmt: skip
        UsageDaily.objects.create(
            day=day, key_id="shared", endpoint="userid", feature="probe", priority="pro", requests=1, ok=1, failed=0,
            unsettled=0, credits=1, charged=1, unsettled_credits=0, latency_ms=5, **of,
        )  # fmt: skip
        UsageCorrection.objects.create(day=day, credits=-5, reason="Mia asked", made_at=clock.now(), **of)
        CreditGrant.objects.create(credits=100, starts_on=day, note="For Mia", made_at=clock.now(), **of)
        TenantBudget.objects.create(daily_credits=100, **of)
        Invoice.objects.create(
            month=day, number=f"X-{tenant.id}", issued_at=clock.now(), customer=tenant.name, plan="Pro", currency="USD",
            credits=1, total_cents=100, **of,
            lines={"items": [], "usage": [], "corrections": [{"day": "x", "credits": -5, "reason": "Mia asked"}]},
        )  # fmt: skip
    redis = server().connection
    for key in (f"tla:{tenant.id}:userid:1", f"tlk:shared:t:{tenant.id}", f"credits:{tenant.id}:20260101"):
        redis.set(key, "x")
    redis.zadd("tlk:shared:waiting", {str(tenant.id): 1.0})


def due_now(tenant: TenantRef) -> UUID:
    asked = ask_for_deletion(tenant=tenant, by="owner", asker=OWNER, reason="We go")
    end_grace(asked)
    return asked.id


def rows_of_everybody_else(tenant: TenantRef) -> dict[str, Any]:
    return {
        f"{each.slug}.{schema}": filled(sums(each.id, schema))
        for each in all_tenants_listed()
        if each.id != tenant.id
        for schema in ("public", each.schema_name)
    }


def assert_gone(number: int, *, schema: str) -> None:
    """Nothing of the tenant is anywhere but what invoices need, and that names nobody."""
    assert schema == "shared" or schema not in schemas()
    for one in ["public", *schemas()]:
        left = set(filled(sums(number, one)))
        assert left == (left & KEPT.keys()), (one, left)
    with all_tenants():
        assert set(filled(sums(number, "public"))) == {
            "invoices", "subscriptions", "usage_events", "usage_daily", "usage_corrections", "credit_grants"
        }  # fmt: skip
        for table in tables_in_order("public"):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT t::text FROM public.{table.name} t WHERE tenant_id = %s", [number])
                for (row,) in cursor.fetchall():
                    assert "Mia" not in row and "Mover" not in row and "mover" not in row, (table.name, row)
    rest = Tenant.objects.get(pk=number)
    assert (rest.slug, rest.state, rest.domains.count(), rest.memberships.count()) == (
        f"erased-{number}",
        "erased",
        0,
        0,
    )
    assert not User.objects.filter(email=OWNER).exists()
    assert User.objects.filter(email="ana@acme.example").exists()
    names = [key.decode() for key in server().connection.scan_iter()]
    assert [name for name in names if str(number) in name.split(":")] == []
    assert server().connection.zscore("tlk:shared:waiting", str(number)) is None
    assert not default_storage.exists(f"pictures/{number}")
    assert names_of_files(str(number)) == []
    assert not LogEntry.objects.filter(object_repr__icontains="mover").exists()


@pytest.mark.parametrize("dedicated", [False, True])
def test_nothing_is_left_and_nobody_else_has_lost_anything(leaver: TenantRef, dedicated: bool) -> None:
    if dedicated:
        move_tenant(tenant=leaver, dedicated=True, is_busy=lambda tenant: False)
        leaver = tenant_by_slug("mover")
    before, mine = rows_of_everybody_else(leaver), filled(sums(leaver.id, leaver.schema_name))
    deletion = due_now(leaver)
    erased = erase_tenant(erasure_id=deletion)
    assert_gone(leaver.id, schema=leaver.schema_name)
    assert rows_of_everybody_else(leaver) == before
    row = TenantErasure.objects.get(pk=deletion)
    assert {name: row.counts[name] for name in mine} == {name: found.rows for name, found in mine.items()}
    assert row.counts["files"] == 1 and row.counts["keys of Redis"] >= 3 and row.counts["people"] == 1
    assert row.counts["api_tokens"] == row.counts["invitations"] == 1 and row.counts["audit_log"] >= 4
    assert row.kept["invoices"] == 1 and row.reason == ""
    assert erase_tenant(erasure_id=deletion) == erased
    with all_tenants():
        entry = AuditEntry.objects.get(event="privacy.workspace_erased")
        assert entry.tenant_id is None and entry.after == {"certificate": str(deletion), "workspace": leaver.id}
    # Acme's picture and keys are there.
    names = [key.decode() for key in server().connection.scan_iter()]
    assert f"tla:{tenant_by_slug('acme').id}:userid:1" in names
    assert create_tenant(slug="mover", name="Another", plan="free").id != leaver.id


@pytest.mark.parametrize("dedicated", [False, True])
def test_stopped_behind_any_commit_the_next_call_ends_it_with_the_same_counts(
    leaver: TenantRef, monkeypatch: Any, dedicated: bool
) -> None:
    if dedicated:
        move_tenant(tenant=leaver, dedicated=True, is_busy=lambda tenant: False)
        leaver = tenant_by_slug("mover")
    before, mine = rows_of_everybody_else(leaver), filled(sums(leaver.id, leaver.schema_name))
    deletion, steps = due_now(leaver), list[str]()

    def stop(step: str) -> None:
        # Some steps are taken by every run; what comes behind them must get its turn.
        if steps.count(step) < (2 if step in ("files", "redis") else 1):
            steps.append(step)
            raise Stopped

    monkeypatch.setattr(erasing, "_passed", stop)
    while "done" not in steps:
        assert len(steps) < 80
        try:
            erase_tenant(erasure_id=deletion)
        except Stopped:
            continue
    assert steps[0] == "begun" and len(steps) >= (8 if dedicated else 16), steps
    assert_gone(leaver.id, schema=leaver.schema_name)
    assert rows_of_everybody_else(leaver) == before
    counts = TenantErasure.objects.get(pk=deletion).counts
    assert {name: counts[name] for name in mine} == {name: found.rows for name, found in mine.items()}
    assert counts["files"] == 1 and counts["people"] == 1


def test_killed_at_random_moments_it_is_gone_on_with(leaver: TenantRef) -> None:
    """kill -9 of a real process, wherever it is."""
    before, mine = rows_of_everybody_else(leaver), filled(sums(leaver.id, "shared"))
    deletion = due_now(leaver)
    chance = random.Random(seed := time.time_ns())
    killed = 0
    for _run in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(deletion)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        # A whole erasure takes about a second.
        time.sleep(chance.uniform(0.0, 0.35))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        if TenantErasure.objects.get(pk=deletion).state == "done":
            break
    assert killed >= 3, f"seed {seed}: it was over too soon"
    erase_tenant(erasure_id=deletion)
    assert_gone(leaver.id, schema="shared")
    assert rows_of_everybody_else(leaver) == before
    counts = TenantErasure.objects.get(pk=deletion).counts
    assert {name: counts[name] for name in mine} == {name: found.rows for name, found in mine.items()}, seed


#: An erasure that takes its time between two commits, so that a kill can strike anywhere.
CHILD = """
import sys, time, uuid
from tests import environment
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tikdash.settings"
import django
django.setup()
from django.db import connection
from accounts.services import erasing
connection.ensure_connection()
erasing._passed = lambda step: time.sleep(0.02)
print("ready", flush=True)
erasing.erase_tenant(erasure_id=uuid.UUID(sys.argv[1]))
"""


def test_until_its_day_it_is_read_only_and_can_be_had_back(leaver: TenantRef, settings: Any) -> None:
    client = Client(headers={"host": "mover.localhost"})
    client.force_login(User.objects.get(email=OWNER), backend=BACKEND)
    asked = ask_for_deletion(tenant=leaver, by="owner", asker=OWNER)
    assert ask_for_deletion(tenant=leaver, by="operator", asker="x").id == asked.id
    assert asked.erase_at - clock.now() > timedelta(days=settings.DELETION_GRACE_DAYS - 1)
    page = client.get("/accounts/").content.decode()
    assert "is deleted on" in page and page.count("note-warn") == 1
    refused = client.post("/accounts/add/", {"handle": "lena.bakes", "reason": "own"})
    assert refused.status_code == 409 and b"going to be deleted" in refused.content
    with pytest.raises(CannotErase, match="can be called off"):
        erase_tenant(erasure_id=asked.id)
    assert due_erasures() == []
    with pytest.raises(LimitReached, match="Call the deletion off"):
        take_suspension_back(tenant=leaver)
    assert call_deletion_off(tenant=leaver)
    assert not call_deletion_off(tenant=leaver)
    row = Tenant.objects.get(pk=leaver.id)
    assert (row.state, row.erase_at, row.fetching_paused_at) == ("active", None, None)
    assert client.post("/accounts/add/", {"handle": "lena.bakes", "reason": "own"}).status_code != 409
    with pytest.raises(CannotErase, match="called off"):
        erase_tenant(erasure_id=asked.id)


def test_a_suspension_of_before_stays_when_the_deletion_is_called_off(leaver: TenantRef) -> None:
    suspend(tenant=leaver, reason="Unpaid")
    ask_for_deletion(tenant=leaver, by="owner", asker=OWNER)
    call_deletion_off(tenant=leaver)
    row = Tenant.objects.get(pk=leaver.id)
    assert (row.state, row.fetching_paused_reason) == ("suspended", "Unpaid.")


def test_the_task_erases_what_is_due_once_no_job_runs(leaver: TenantRef) -> None:
    deletion = due_now(leaver)
    with tenant_scope(leaver):
        FetchJob.objects.filter(account__username="mover.0").update(
            started_at=clock.now(), lease_until=clock.now() + timedelta(minutes=5)
        )
    erase_due_tenants()
    assert TenantErasure.objects.get(pk=deletion).state == "erasing"
    assert Client(headers={"host": "mover.localhost"}).get("/").status_code == 404
    with pytest.raises(NotFound):
        ask_for_deletion_again(leaver)
    with tenant_scope(leaver):
        FetchJob.objects.update(started_at=None, lease_until=None)
    erase_due_tenants()
    erase_due_tenants()
    assert_gone(leaver.id, schema="shared")


def ask_for_deletion_again(tenant: TenantRef) -> None:
    """It cannot be called off any more."""
    if not call_deletion_off(tenant=tenant):
        raise NotFound


def test_rows_that_come_late_are_erased_by_the_next_run(leaver: TenantRef, monkeypatch: Any) -> None:
    deletion = due_now(leaver)
    late: list[str] = []

    def write(step: str) -> None:
        if step == "emptied shared.accounts" and not late:
            late.append(step)
            with tenant_scope(leaver):
                factories.make_account("late.comer")

    monkeypatch.setattr(erasing, "_passed", write)
    with pytest.raises(CannotErase, match=r"shared\.accounts"):
        erase_tenant(erasure_id=deletion)
    erase_tenant(erasure_id=deletion)
    assert late
    assert_gone(leaver.id, schema="shared")


def test_by_command(leaver: TenantRef) -> None:
    said = StringIO()
    with pytest.raises(CommandError, match="Say --yes"):
        call_command("delete_tenant", "mover", "--now", stdout=said)
    call_command("delete_tenant", "mover", "--json", stdout=said)
    asked = orjson.loads(said.getvalue())
    assert str(open_deletion(leaver.id).id) == asked["certificate"]  # type: ignore[union-attr]
    call_command("delete_tenant", "mover", "--call-off", stdout=said)
    assert open_deletion(leaver.id) is None
    call_command("delete_tenant", "mover", "--now", "--yes", stdout=said)
    assert "mover is erased" in said.getvalue()
    assert_gone(leaver.id, schema="shared")


def test_the_certificate_is_for_everybody_who_has_its_address_and_names_nobody(leaver: TenantRef) -> None:
    anybody = Client(headers={"host": "localhost"})
    deletion = due_now(leaver)
    assert anybody.get(f"/deletions/{deletion}/").status_code == 200
    assert anybody.get(f"/deletions/{deletion}/certificate.json").json()["is_sealed"] is False
    erase_tenant(erasure_id=deletion)
    page, answer = anybody.get(f"/deletions/{deletion}/"), anybody.get(f"/deletions/{deletion}/certificate.json")
    facts = answer.json()
    assert facts["is_sealed"] and facts["erased"]["accounts"] == 4 and facts["asked_by"]["role"] == "owner"
    for text in (page.content.decode(), answer.content.decode()):
        assert "mover" not in text.lower() and "mia" not in text.lower()
    TenantErasure.objects.filter(pk=deletion).update(number=1)
    assert anybody.get(f"/deletions/{deletion}/certificate.json").json()["is_sealed"] is False
    assert anybody.get(f"/deletions/{UUID(int=7)}/").status_code == 404


def test_the_owner_asks_on_a_page_after_a_step_up_and_types_the_address(leaver: TenantRef) -> None:
    client = Client(headers={"host": "mover.localhost"})
    client.force_login(User.objects.get(email=OWNER), backend=BACKEND)
    answer = client.get("/settings/delete/")
    assert answer.status_code == 302 and answer["Location"].startswith("/confirm/")
    client.post("/confirm/password/", {"password": "correct-horse-battery"})
    assert client.get("/settings/delete/").status_code == 200
    wrong = client.post("/settings/delete/", {"typed": "acme"})
    assert wrong.status_code == 422 and open_deletion(leaver.id) is None
    client.post("/settings/delete/", {"typed": "mover"})
    asked = open_deletion(leaver.id)
    assert asked is not None and str(asked.id) in client.get("/settings/delete/").content.decode()
    member = Client(headers={"host": "mover.localhost"})
    member.force_login(User.objects.get(email="ana@acme.example"), backend=BACKEND)
    assert member.post("/settings/delete/keep/").status_code == 403
    client.post("/settings/delete/keep/")
    assert open_deletion(leaver.id) is None
    with all_tenants():
        events = AuditEntry.objects.filter(tenant_id=leaver.id, actor_label=OWNER).values_list("event", flat=True)
        assert {"workspace.closing", "workspace.kept"} <= set(events)


def test_the_owner_takes_everything_along_and_nothing_of_others(
    leaver: TenantRef, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "exports": settings.STORAGES["exports"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    client = Client(headers={"host": "mover.localhost"})
    client.force_login(User.objects.get(email=OWNER), backend=BACKEND)
    ask_for_deletion(tenant=leaver, by="owner", asker=OWNER)
    client.post("/confirm/password/", {"password": "correct-horse-battery"})
    assert 'value="everything"' in client.get("/settings/delete/").content.decode()
    assert client.post("/settings/exports/", {"kind": "everything"}).status_code == 302
    with all_tenants():
        export = Export.objects.get().pk
    assert make_export(export)
    mia = User.objects.get(email=OWNER)
    opened = open_export(tenant=leaver, export_id=export, role="owner", user_id=mia.pk)
    archive = zipfile.ZipFile(opened.file)
    texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert texts["accounts.csv"].count("mover.") == 4 and texts["post_snapshots.csv"].count("\n") == 13
    assert OWNER in texts["people.csv"] and "Mia asked" in texts["usage_corrections.csv"]
    assert f"pictures/{leaver.id}/avatar/ab/{leaver.id:040d}.webp" in texts
    whole = "".join(texts.values())
    assert "acme.0" not in whole and "max@acme.example" not in whole and "exports.csv" not in texts
    for column in ("token_hash", "digest", "secret", "data_key", "sealed"):
        assert not any(column in text.partition("\n")[0].split(",") for name, text in texts.items() if ".csv" in name)
    with all_tenants():
        assert AuditEntry.objects.filter(tenant_id=leaver.id, event="workspace.taken_along").count() == 1


#: What erases something, and a look that must notice when it does nothing: the tables' are below.
ERASERS = [
    "drop_files", "forget_in_redis", "_delete_people", "_strip", "drop_folder", "_forget_in_the_admins_log",
]  # fmt: skip


@pytest.mark.parametrize("name", ERASERS)
def test_an_eraser_that_does_nothing_is_noticed(
    leaver: TenantRef, monkeypatch: Any, name: str, settings: Any, tmp_path: Path
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "exports": settings.STORAGES["exports"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    private_files().save(f"{leaver.id}/x.zip", io.BytesIO(b"Mover"))
    LogEntry.objects.create(
        user=User.objects.get(email="olga@tikdash.example"), content_type=ContentType.objects.get_for_model(Tenant),
        object_id=str(leaver.id), object_repr="Mover", action_flag=CHANGE,
    )  # fmt: skip
    monkeypatch.setattr(erasing, name, lambda *arguments: 0)
    erase_tenant(erasure_id=due_now(leaver))
    with pytest.raises(AssertionError):
        assert_gone(leaver.id, schema="shared")


def test_a_table_that_is_left_out_is_noticed_whichever_it_is(leaver: TenantRef, monkeypatch: Any) -> None:
    """Each table's eraser stands still in turn: the erasure does not end, and names the table."""
    ask_for_export(tenant=leaver, kind="posts", asker=Asker("a token", "member"))
    whole, deletion = erasing._delete, due_now(leaver)
    # As they are emptied: what points at others first.
    tables = [
        f"{schema}.{table.name}"
        for schema in ("shared", "public")
        for table in reversed(tables_in_order(schema))
        if table.name in filled(sums(leaver.id, schema)) and table.name not in {*KEPT, "memberships", "domains"}
    ]
    assert len(tables) >= 15 and "public.exports" in tables
    idle = set(tables)

    def delete(erasure: Any, schema: str, table: Any) -> int:
        return 0 if f"{schema}.{table.name}" in idle else whole(erasure, schema, table)

    monkeypatch.setattr(erasing, "_delete", delete)
    for table_name in tables:
        with pytest.raises(CannotErase) as refused:
            erase_tenant(erasure_id=deletion)
        assert set(re.findall(r"[a-z]+\.[a-z_]+", str(refused.value))) == idle
        idle.remove(table_name)
    erase_tenant(erasure_id=deletion)
    assert_gone(leaver.id, schema="shared")


def test_operators_ask_in_the_administration(leaver: TenantRef, committed_db: Cast) -> None:
    olga = Client(headers={"host": "localhost"})
    olga.force_login(committed_db.olga, backend=BACKEND)
    path = f"/admin/accounts/tenant/{leaver.id}/delete-workspace/"
    grow_old(olga)
    answer = olga.get(path)
    assert answer.status_code == 302 and answer["Location"].startswith("/confirm/")
    step_up(olga)
    assert olga.get(path).status_code == 200
    assert olga.post(path, {"typed": "other", "reason": "Unpaid"}).status_code == 422
    olga.post(path, {"typed": "mover", "reason": "Unpaid"})
    row = TenantErasure.objects.get(number=leaver.id)
    assert (row.state, row.asked_by, row.reason) == ("asked", "operator", "Unpaid")
    assert str(row.pk) in olga.get("/admin/accounts/tenanterasure/").content.decode()
    olga.post(path, {"keep": "1"})
    row.refresh_from_db()
    assert row.state == "called_off"


def grow_old(client: Client) -> None:
    """The log-in was an hour ago."""
    from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY

    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        method | {"at": time.time() - 3600} for method in session[AUTHENTICATION_METHODS_SESSION_KEY]
    ]
    session.save()


def step_up(client: Client) -> None:
    """As if the second factor had just been asked for again."""
    from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY

    session = client.session
    methods = session[AUTHENTICATION_METHODS_SESSION_KEY]
    methods[-1] |= {"at": time.time(), "reauthenticated": True}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = methods
    session.save()


def test_an_erased_workspace_is_asked_about_by_nobody(leaver: TenantRef) -> None:
    erase_tenant(erasure_id=due_now(leaver))
    assert leaver.id not in {each.id for each in all_tenants_listed()}
    assert leaver.id in {each.id for each in all_tenants_listed(with_erased=True)}
    assert Membership.objects.filter(tenant_id=leaver.id).count() == 0
    assert Shard.objects.filter(schema_name="tenant_mover").count() == 0
