"""`move_tenant`: into a schema of one's own and back, without loss; stopped at any moment, one side is whole."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.models import AuditEntry, Shard, Tenant, TenantMove
from accounts.selectors import TenantRef, schemas, tenant_by_slug
from accounts.services import moving
from accounts.services.pausing import pause_tenant, resume_tenant
from accounts.services.placement import give_rights
from accounts.services.tenants import create_tenant
from snapshots.models import AccountVersion, FetchJob, Post, PostSnapshot, TrackedAccount
from tests import factories
from tests.cast import Cast
from tikdash import clock
from tikdash.db.copying import sum_of, tables_in_order
from tikdash.db.guard import was_refused
from tikdash.db.rls import faults_of_tables
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.errors import LimitReached

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def mover(committed_db: Cast) -> Iterator[TenantRef]:
    """A tenant with rows in every kind of table, beside Acme, who has the like."""
    tenant = create_tenant(slug="mover", name="Mover", plan="pro")
    for each in (committed_db.acme, tenant):
        fill(each)
    yield tenant


def fill(tenant: TenantRef) -> None:
    with tenant_scope(tenant):
        for number in range(4):
            account = factories.make_account(f"{tenant.slug}.{number}", tags=["a", "ü"])
            factories.make_snapshots(account, [1, None, 3], suspect={"follower_count": "spike"})
            post = factories.make_post(account, title="猫が箱に入る理由 🐈 #cat")
            for days in (0, 40, 80):
                at = clock.now() - timedelta(days=days)
                factories.make_post_snapshot(post, captured_on=at.date(), captured_at=at)
            factories.make_comment(post, "Hello")
            factories.make_story(account)
            factories.make_sample(account, ["user1", "rafi"])
            factories.make_job(account, params={"x": [1, {"y": None}]})


def idle(tenant: TenantRef) -> bool:
    return False


def move(tenant: TenantRef, dedicated: bool) -> moving.Moved:
    return moving.move_tenant(tenant=tenant_by_slug(tenant.slug), dedicated=dedicated, is_busy=idle)


def sums(tenant_id: int, schema: str) -> dict[str, Any]:
    return {table.name: sum_of(schema, table, tenant_id) for table in tables_in_order(schema)}


def filled(found: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in found.items() if each.rows}


def test_there_and_back_again_every_row_is_what_it_was(mover: TenantRef, committed_db: Cast) -> None:
    before, of_acme = sums(mover.id, "shared"), sums(committed_db.acme.id, "shared")
    assert len(filled(before)) >= 9
    moved = move(mover, True)
    assert (moved.source, moved.target, moved.rows) == ("shared", "tenant_mover", sum(s.rows for s in before.values()))
    assert tenant_by_slug("mover").schema_name == "tenant_mover"
    assert sums(mover.id, "tenant_mover") == before and filled(sums(mover.id, "shared")) == {}
    with tenant_scope(tenant_by_slug("mover")):
        assert TrackedAccount.objects.count() == 4 and PostSnapshot.objects.count() == 12
        factories.make_account("made.meanwhile")
        new = Post.objects.create(
            account=TrackedAccount.objects.get(username="made.meanwhile"), aweme_id="1", posted_at=clock.now(),
            first_seen_at=clock.now(), measured_at=clock.now(),
        )  # fmt: skip
    with all_tenants("tenant_mover"):
        assert faults_of_tables(connection, "tenant_mover") == []
    with_new = sums(mover.id, "tenant_mover")
    move(mover, False)
    assert sums(mover.id, "shared") == with_new and tenant_by_slug("mover").schema_name == "shared"
    with tenant_scope(tenant_by_slug("mover")):
        assert Post.objects.get(pk=new.pk).aweme_id == "1"
    assert "tenant_mover" not in schemas()
    assert sums(committed_db.acme.id, "shared") == of_acme
    with all_tenants():
        entries = AuditEntry.objects.filter(event="workspace.moved", tenant_id=mover.id).order_by("id")
        assert [entry.after for entry in entries] == [{"schema": "tenant_mover"}, {"schema": "shared"}]


def test_operators_see_table_by_table_how_far_it_is(mover: TenantRef, committed_db: Cast, monkeypatch: Any) -> None:
    olga = Client(headers={"host": "localhost"})
    olga.force_login(committed_db.olga, backend=BACKEND)
    seen: list[str] = []

    def look(step: str) -> None:
        page = olga.get(f"/admin/accounts/tenant/{mover.id}/change/").content.decode()
        seen.append(step + ": " + "".join(re.findall(r"from shared to tenant_mover since [^<]*", page)))

    monkeypatch.setattr(moving, "_passed", look)
    moved = move(mover, True)
    assert seen[0].startswith("begun: ") and seen[0].endswith("waits until jobs that run have ended")
    assert f"0 of {moved.tables} tables are copied, 0 rows; next is " in seen[1]
    copied = [int(found[1]) for one in seen if (found := re.search(r": (\d+) of \d+ tables are copied", one))]
    assert copied == sorted(copied) and len(set(copied)) > 5, copied
    [switched] = [one for one in seen if one.startswith("switched")]
    assert switched.endswith("tenant_mover counts; shared is being emptied")
    assert seen[-1] == "done: ", "nothing is under way any more"
    with all_tenants():
        kept = TenantMove.objects.get(tenant_id=mover.id)
    assert sum(rows for rows, _checksum in kept.sums.values()) == moved.rows


def test_no_two_schemas_give_the_same_id(mover: TenantRef, committed_db: Cast) -> None:
    ids = {}
    for tenant in (committed_db.acme, committed_db.globex):
        with tenant_scope(tenant):
            ids[tenant.slug] = factories.make_account(f"id.{tenant.slug}").pk
    globex = Shard.objects.get(schema_name="tenant_globex")
    assert ids["acme"] < 2**36 <= globex.pk * 2**36 < ids["globex"] < (globex.pk + 1) * 2**36


def test_a_table_that_a_migration_adds_gives_ids_of_its_schema_too(committed_db: Cast) -> None:
    globex = Shard.objects.get(schema_name="tenant_globex")
    with owner("tenant_globex"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE account_sights ALTER COLUMN id SET START WITH 1 RESTART")
    with tenant_scope(committed_db.globex):
        before = factories.make_account("before").pk
    give_rights("tenant_globex")
    give_rights("shared")
    with owner("tenant_globex"), connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('account_sights', 'id'))")
        assert cursor.fetchone()[0] == globex.pk * 2**36 + 1
    with tenant_scope(committed_db.globex):
        assert factories.make_account("behind").pk == before + 1, "ids that were right go on"
    with tenant_scope(committed_db.acme):
        assert factories.make_account("ours").pk < 2**36


class Stopped(BaseException):
    """As a kill, in a test's own process: nothing of the code catches it."""


@pytest.mark.parametrize("dedicated", [True, False])
def test_stopped_behind_any_commit_one_side_is_whole_and_the_next_call_ends_it(
    mover: TenantRef, monkeypatch: Any, dedicated: bool
) -> None:
    if not dedicated:
        move(mover, True)
    source = tenant_by_slug("mover").schema_name
    before, steps = sums(mover.id, source), []
    for _run in range(80):
        passed: list[str] = []
        # `done` is behind the last commit.
        if "done" in steps:
            break

        def stop(step: str, passed: list[str] = passed) -> None:
            passed.append(step)
            raise Stopped

        monkeypatch.setattr(moving, "_passed", stop)
        try:
            move(mover, dedicated)
            break
        except Stopped:
            steps += passed
        now = tenant_by_slug("mover")
        assert sums(mover.id, now.schema_name) == before, steps
        with tenant_scope(now):
            assert TrackedAccount.objects.count() == 4
        moved = any(step == "switched" for step in steps)
        assert (now.schema_name != source) == moved
        assert bool(now.paused_reason) == (not moved)
    assert "switched" in steps and sum(step.startswith("copied") for step in steps) >= 9
    now = tenant_by_slug("mover")
    assert now.schema_name == ("tenant_mover" if dedicated else "shared")
    assert sums(mover.id, now.schema_name) == before
    with all_tenants():
        assert TenantMove.objects.filter(tenant_id=mover.id).exclude(state="done").count() == 0


def test_meanwhile_the_tenant_is_read_only_and_nothing_is_fetched(
    mover: TenantRef, committed_db: Cast, monkeypatch: Any
) -> None:
    def stop(step: str) -> None:
        raise Stopped

    from accounts.services.tenants import add_member

    monkeypatch.setattr(moving, "_passed", stop)
    add_member(tenant_id=mover.id, email="mia@mover.example", role="owner", password="correct-horse-battery")
    with pytest.raises(Stopped):
        move(mover, True)
    from accounts.models import User

    client = Client(headers={"host": "mover.localhost"})
    client.force_login(User.objects.get(email="mia@mover.example"), backend=BACKEND)
    page = client.get("/accounts/")
    assert page.status_code == 200 and b"is being moved" in page.content
    refused = client.post("/accounts/add/", {"handle": "lena.bakes", "reason": "own"})
    assert refused.status_code == 503 and b"this one was not made" in refused.content
    for change in (lambda: resume_tenant(slug="mover"), lambda: pause_tenant(slug="mover", reason="x")):
        with pytest.raises(LimitReached, match="being moved"):
            change()
    with tenant_scope(mover):
        assert FetchJob.objects.filter(kind="probe").count() == 0
    monkeypatch.undo()
    move(mover, True)
    assert tenant_by_slug("mover").paused_reason == ""
    assert client.post("/accounts/add/", {"handle": "lena.bakes", "reason": "own"}).status_code != 503


def test_a_pause_of_before_is_there_again_afterwards(mover: TenantRef) -> None:
    pause_tenant(slug="mover", reason="Unpaid")
    since = Tenant.objects.get(slug="mover").fetching_paused_at
    move(mover, True)
    row = Tenant.objects.get(slug="mover")
    assert (row.fetching_paused_reason, row.fetching_paused_cause, row.fetching_paused_at) == ("Unpaid.", "ops", since)


def test_meanwhile_postgresql_refuses_to_write_the_tenants_rows(
    mover: TenantRef, committed_db: Cast, monkeypatch: Any
) -> None:
    """Whatever the application believes: a worker that does not know of the move writes nothing, and others may."""
    before = sums(mover.id, "shared")
    refused: list[str] = []

    def write(step: str) -> None:
        if not step.startswith(("frozen", "copied")):
            return
        with tenant_scope(mover):
            account = TrackedAccount.objects.get(username="mover.0")
            for change in (
                lambda: TrackedAccount.objects.filter(pk=account.pk).update(nickname="Changed"),
                lambda: factories.make_account("late.comer"),
                lambda: FetchJob.objects.all().delete(),
                lambda: factories.make_snapshots(account, [7], captured_on=date(2020, 1, 1)),
            ):
                with pytest.raises(DatabaseError) as error, transaction.atomic():
                    change()
                assert was_refused(error.value)
            refused.append(step)
        with tenant_scope(committed_db.acme):
            TrackedAccount.objects.filter(username="acme.0").update(nickname=step)

    monkeypatch.setattr(moving, "_passed", write)
    move(mover, True)
    assert refused[0] == "frozen" and len(refused) >= 9
    assert sums(mover.id, "tenant_mover") == before
    with tenant_scope(committed_db.acme):
        assert TrackedAccount.objects.get(username="acme.0").nickname.startswith("copied")


def test_what_changes_for_all_tenants_after_it_was_copied_is_copied_again(mover: TenantRef, monkeypatch: Any) -> None:
    """The dispatcher and its like write for all at once and are not refused: nothing of it is lost."""
    done: list[str] = []

    def write(step: str) -> None:
        if step == "copied comments" and not done:
            done.append(step)
            with all_tenants("shared"):
                TrackedAccount.objects.filter(username="mover.0").update(nickname="Changed")

    monkeypatch.setattr(moving, "_passed", write)
    move(mover, True)
    assert done
    with tenant_scope(tenant_by_slug("mover")):
        assert TrackedAccount.objects.get(username="mover.0").nickname == "Changed"


def test_what_triggers_write_while_posts_are_copied_does_not_take_another_round(
    mover: TenantRef, monkeypatch: Any
) -> None:
    """The versions of accounts are copied before posts, which make others of them on the new side."""
    monkeypatch.setattr(moving, "ROUNDS", 1)
    with tenant_scope(tenant_by_slug("mover")):
        before = sorted(AccountVersion.objects.values_list("account_id", "mark"))
        assert len(before) == 4
    move(mover, True)
    with tenant_scope(tenant_by_slug("mover")):
        assert sorted(AccountVersion.objects.values_list("account_id", "mark")) == before
        factories.make_post(TrackedAccount.objects.get(username="mover.0"))
        assert sorted(AccountVersion.objects.values_list("account_id", "mark")) != before, "there are triggers, too"


def test_who_still_knows_the_former_schema_writes_nothing_there(mover: TenantRef) -> None:
    """A worker that looked the tenant up before the move and writes after it."""
    move(mover, True)
    with tenant_scope(mover):
        assert TrackedAccount.objects.count() == 0
        with pytest.raises(DatabaseError) as error, transaction.atomic():
            factories.make_account("late.comer")
    assert was_refused(error.value)
    assert filled(sums(mover.id, "shared")) == {}


def test_who_writes_when_the_move_begins_is_waited_for(mover: TenantRef, monkeypatch: Any) -> None:
    """A transaction of before the freeze commits first, and what it wrote is moved."""
    began, go_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with tenant_scope(mover), transaction.atomic():
                TrackedAccount.objects.filter(username="mover.0").update(nickname="Just in time")
                began.set()
                go_on.wait(300)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert began.wait(60)
    steps: list[str] = []

    def watch(step: str) -> None:
        steps.append(step)
        if step == "frozen":
            threading.Timer(0.5, go_on.set).start()
        elif step.startswith("copied"):
            assert go_on.is_set(), "nothing is copied while somebody writes"

    monkeypatch.setattr(moving, "_passed", watch)
    move(mover, True)
    writer.join()
    with tenant_scope(tenant_by_slug("mover")):
        assert TrackedAccount.objects.get(username="mover.0").nickname == "Just in time"


def test_who_writes_and_does_not_end_stops_the_move_in_words(mover: TenantRef, monkeypatch: Any) -> None:
    began, go_on = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with tenant_scope(mover), transaction.atomic():
                TrackedAccount.objects.filter(username="mover.0").update(nickname="Slow")
                began.set()
                go_on.wait(300)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(60)
        monkeypatch.setattr(moving, "WRITTEN_WITHIN_S", 1)
        with pytest.raises(moving.CannotMove, match="writing and does not end"):
            move(mover, True)
    finally:
        go_on.set()
        writer.join()
    move(mover, True)
    with tenant_scope(tenant_by_slug("mover")):
        assert TrackedAccount.objects.get(username="mover.0").nickname == "Slow"


def test_what_stands_on_the_old_side_after_the_switch_is_not_deleted(mover: TenantRef, monkeypatch: Any) -> None:
    def write(step: str) -> None:
        if step == "switched":
            with all_tenants("shared"):
                factories.make_account("went.round.the.guard", tenant_id=mover.id)

    monkeypatch.setattr(moving, "_passed", write)
    with pytest.raises(moving.CannotMove, match=r"shared\.accounts has changed since the switch"):
        move(mover, True)
    with all_tenants("shared"):
        assert TrackedAccount.objects.filter(username="went.round.the.guard").exists()
    assert tenant_by_slug("mover").schema_name == "tenant_mover"


def test_a_table_without_the_guard_is_found(mover: TenantRef) -> None:
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER tenant_home ON shared.posts")
    with all_tenants("shared"):
        assert faults_of_tables(connection, "shared") == ["shared.posts can be written while its tenant is moved"]
    give_rights("shared")
    with all_tenants("shared"):
        assert faults_of_tables(connection, "shared") == []


def test_a_running_job_is_waited_for(mover: TenantRef, monkeypatch: Any) -> None:
    monkeypatch.setattr(moving, "IDLE_WITHIN_S", 0.2)
    with tenant_scope(mover):
        FetchJob.objects.filter(account__username="mover.0").update(
            started_at=clock.now(), lease_until=clock.now() + timedelta(minutes=5)
        )
    with pytest.raises(CommandError, match="still running"):
        call_command("move_tenant", "mover", "--dedicated", stdout=StringIO())
    with tenant_scope(mover):
        FetchJob.objects.update(started_at=None, lease_until=None)
    said = StringIO()
    call_command("move_tenant", "mover", "--dedicated", stdout=said)
    assert "mover is in tenant_mover now" in said.getvalue()
    with pytest.raises(CommandError, match="already"):
        call_command("move_tenant", "mover", "--dedicated", stdout=StringIO())


def test_keys_that_another_tenant_has_there_stop_the_move(mover: TenantRef, committed_db: Cast) -> None:
    """Schemas of before ids were spread: said, not mixed."""
    move(mover, True)
    with tenant_scope(committed_db.acme):
        foreign = TrackedAccount.objects.first()
    assert foreign is not None
    with tenant_scope(tenant_by_slug("mover")):
        factories.make_account("old.id", id=foreign.pk)
    with pytest.raises(moving.CannotMove, match="another tenant in shared"):
        move(mover, False)
    with tenant_scope(tenant_by_slug("mover")):
        assert TrackedAccount.objects.count() == 5
    with tenant_scope(committed_db.acme):
        assert TrackedAccount.objects.count() == 4


@pytest.mark.parametrize("dedicated", [True, False])
def test_a_move_that_has_not_changed_sides_is_called_off(mover: TenantRef, monkeypatch: Any, dedicated: bool) -> None:
    if not dedicated:
        move(mover, True)
    source = tenant_by_slug("mover").schema_name
    target = "tenant_mover" if dedicated else "shared"
    before = sums(mover.id, source)

    def stop(step: str) -> None:
        if step == "copied comments":
            raise Stopped

    monkeypatch.setattr(moving, "_passed", stop)
    with pytest.raises(Stopped):
        move(mover, dedicated)
    assert filled(sums(mover.id, target)) != {}
    said = StringIO()
    call_command("move_tenant", "mover", "--abandon", stdout=said)
    assert f"stays in {source}" in said.getvalue()
    now = tenant_by_slug("mover")
    assert now.schema_name == source and now.paused_reason == "" and sums(mover.id, source) == before
    if dedicated:
        assert "tenant_mover" not in schemas()
    else:
        assert filled(sums(mover.id, "shared")) == {}
    with tenant_scope(now):
        factories.make_account("can.be.written.again")
    with pytest.raises(CommandError, match="can be called off"):
        call_command("move_tenant", "mover", "--abandon", stdout=StringIO())
    monkeypatch.undo()
    move(mover, dedicated)
    assert tenant_by_slug("mover").schema_name == target
