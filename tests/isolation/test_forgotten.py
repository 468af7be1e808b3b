"""A person who asked to be erased is nowhere any more, and nothing that is fetched brings the person back.

Zoe is tracked by two workspaces, one in the shared schema and one in its own. What is searched is everything: every
column of every table of every schema, partitions too, every key of Redis with its content, every file, the logs, and
what customers export. Breaking any eraser makes this fail.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from backports import zstd
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry, Export, LeftOut, PrivacyRequest, SignUp
from accounts.selectors import TenantRef
from accounts.services import privacy
from accounts.services.auditing import Target, record
from accounts.services.export_kinds import Making, export_kinds
from accounts.services.export_making import make_export
from accounts.services.exports import Asker, ask_for_export, open_export
from accounts.services.left_out import left_out
from accounts.services.personal import erase_of, kinds
from accounts.tasks import go_on_with_requests
from billing.gate import gate
from billing.models import Plan
from snapshots.handle_lists import ListedRow
from snapshots.models import (
    AccountNote,
    AccountVersion,
    AudienceMember,
    Comment,
    FetchJob,
    Hashtag,
    ImportBatch,
    Post,
    Sound,
    TrackedAccount,
    ValueDecision,
)
from snapshots.pictures.files import keep_file
from snapshots.scheduling.sharing import SHARED_CREATORS, count_shared_creators
from snapshots.services.accounts import clean_wish
from snapshots.services.imports import start_import
from snapshots.services.inline import fetch_now, track_now
from tests import factories
from tests.cast import Cast
from tests.simulating import NOW, Caller
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.errors import BadInput, TikdashError
from tikdash.redis import server
from tikdash.tiklive.client import client_for
from tikdash.tiklive.people import Person
from tikdash.tiklive.sieve import PersonLeftOut

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ZOE, LENA = "zoe.private9", "lena.bakes"
FORMER = "zoe.earlier8"


@pytest.fixture
def places(
    committed_db: Cast, upstream: Caller, settings: Any, tmp_path: Path, caplog: Any
) -> Iterator[tuple[TenantRef, TenantRef]]:
    """Acme and Globex, at noon, with plans that let nobody wait."""
    settings.MEDIA_ROOT = tmp_path
    private = settings.STORAGES["exports"]
    settings.STORAGES = settings.STORAGES | {
        "exports": private | {"OPTIONS": private["OPTIONS"] | {"location": str(tmp_path / "exports")}}
    }
    caplog.set_level(logging.INFO)
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    left_out.forget()
    with clock.at(datetime.fromisoformat(NOW)):
        yield committed_db.acme, committed_db.globex
    left_out.forget()
    gate.forget()


def track(tenant: TenantRef, handle: str) -> TrackedAccount:
    with tenant_scope(tenant):
        report = track_now(tenant, clean_wish(handle=handle, reason="own", tags=""))
        return TrackedAccount.objects.get(pk=report.id)


def fetch(tenant: TenantRef, handle: str, *wanted: str) -> None:
    with tenant_scope(tenant):
        for kind in wanted:
            fetch_now(tenant, handle, kind)


def spread(tenant: TenantRef, zoe: TrackedAccount) -> None:
    """What a workspace may have of Zoe beside what is fetched of her own account."""
    other = factories.make_account(f"other.{tenant.slug}", bio=f"Friend of @{ZOE}", tags=[ZOE, "fun"])
    post = factories.make_post(other, title=f"duet with @{ZOE} #{ZOE} ok", sound_id="778")
    factories.make_comment(post, "mine", author_id=zoe.tiktok_user_id, author_username=ZOE)
    factories.make_comment(post, "by handle", author_id="", author_username=ZOE)
    factories.make_comment(post, f"hello @{ZOE}. How are you?")
    factories.make_story(other, title=f"with {ZOE}")
    factories.make_story(zoe, title="mine")
    sample = factories.make_sample(other, ["reader"])
    AudienceMember.objects.create(
        account=other, sample=sample, tiktok_user_id=zoe.tiktok_user_id, username=ZOE, nickname="Zoe"
    )
    day = clock.today()
    AccountNote.objects.create(account=zoe, day=day, text="Her launch", author="a@b.c", created_at=clock.now())
    AccountNote.objects.create(account=other, day=day, text=f"As {ZOE} did", author="a@b.c", created_at=clock.now())
    ValueDecision.objects.create(
        account=zoe, captured_on=day, counter="follower_count", value=2, state=6, decision="rejected", reason="Odd",
        decided_by="a@b.c", decided_at=clock.now(),
    )  # fmt: skip
    ValueDecision.objects.create(
        account=other, captured_on=day, counter="follower_count", value=1, state=6, decision="accepted",
        reason=f"{ZOE} said so", decided_by="a@b.c", decided_at=clock.now(),
    )  # fmt: skip
    check = {"handle": ZOE, "reason": "own", "tags": []}
    factories.make_job(None, "probe", state="refused", cadence_s=None, params=check, error=f"TikTok knows no @{ZOE}.")
    ImportBatch.objects.create(
        token=uuid4(), wanted=2, begun=1, created_at=clock.now(),
        rows=[{"line": 1, "typed": f"@{ZOE}", "handle": ZOE, "error": f"@{ZOE} is tracked already."},
              {"line": 2, "typed": "lena.bakes", "handle": "lena.bakes", "job": 1}],
    )  # fmt: skip
    Hashtag.objects.create(name=ZOE, cha_name=ZOE, first_seen_at=clock.now())
    Sound.objects.create(music_id="778", title=f"original sound - {ZOE}", author=ZOE, first_seen_at=clock.now())
    avatar = f"pictures/{tenant.id}/avatar/aa/{zoe.pk:040d}.webp"
    cover = f"pictures/{tenant.id}/cover/aa/{zoe.pk:040d}.webp"
    for name in (avatar, cover):
        keep_file(name, b"her picture")
    TrackedAccount.objects.filter(pk=zoe.pk).update(avatar_file=avatar)
    Post.objects.filter(pk__in=Post.objects.filter(account=zoe).values("pk")[:1]).update(cover_file=cover)
    facts = {"handle": ZOE, "tiktok_user_id": int(zoe.tiktok_user_id), "note": f"x\n{ZOE}"}
    record("account.tracked", target=Target("account", zoe.pk, f"@{ZOE}"), after=facts, reason=f"as {ZOE} wished")


@pytest.fixture
def zoe(places: tuple[TenantRef, TenantRef], committed_db: Cast) -> Person:
    """Zoe, tracked by both, with all that the upstream tells of her; and Lena, tracked by Acme, as a bystander."""
    wanted = ("posts", "comments", "followers", "following", "stories", "hashtag", "sound")
    for tenant in places:
        found = track(tenant, ZOE)
        fetch(tenant, ZOE, *wanted)
        with tenant_scope(tenant):
            found.former_handles.create(username=FORMER, replaced_at=clock.now())  # type: ignore[attr-defined]
            spread(tenant, found)
    track(places[0], LENA)
    fetch(places[0], LENA, "posts", "comments", "followers")
    count_shared_creators()
    SignUp.objects.create(user=committed_db.nora, workspace="Nora", slug="nora", handle=ZOE, created_at=clock.now())
    LogEntry.objects.create(
        user=committed_db.olga, content_type=ContentType.objects.get_for_model(TrackedAccount), object_id="1",
        object_repr=f"@{ZOE}", action_flag=CHANGE, change_message=f"Changed {ZOE}",
    )  # fmt: skip
    yield_person = Person(frozenset({ZOE, FORMER}), frozenset({found.tiktok_user_id}), frozenset({found.sec_uid}))
    assert all(len(name) > 5 for name in (*yield_person.ids, *yield_person.sec_uids))
    for tenant in places:
        # Her handle stands in the one, and nobody of hers in the other.
        for kind in ("posts", "snapshots"):
            export = ask_for_export(tenant=tenant, kind=kind, asker=Asker("a token", "member"))
            assert make_export(export)
    return yield_person


def everywhere(person: Person, media: Path, log: str) -> list[str]:
    """Every place in which one of the person's names stands."""
    names = sorted(person.handles | person.ids | person.sec_uids)
    found = []
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
        )
        tables = cursor.fetchall()
        for schema, table in tables:
            for name in names:
                cursor.execute(
                    f'SELECT count(*) FROM "{schema}"."{table}" t WHERE t::text ILIKE %s',
                    [f"%{name.replace('_', chr(92) + '_')}%"],
                )
                found += [f"{schema}.{table}: {name}"] if cursor.fetchone()[0] else []
    assert len(tables) > 100
    for key in server().connection.scan_iter(count=1000):
        text = content_of(key)
        found += [f"Redis {key!r}: {name}" for name in names if name.encode() in text]
    for path in media.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".zip":
            archive = zipfile.ZipFile(path)
            content = b"".join(archive.read(entry) for entry in archive.namelist())
        found += [f"{path}: {name}" for name in names if name in path.name or name.encode() in content]
    found += [f"log: {name}" for name in names if name in log]
    return found


def content_of(key: bytes) -> bytes:
    """A key of Redis with all that is in it, unpacked."""
    redis = server().connection
    kind = redis.type(key).decode()
    values: list[Any] = {
        "string": lambda: [redis.get(key)],
        "hash": lambda: [part for pair in redis.hgetall(key).items() for part in pair],
        "set": lambda: list(redis.smembers(key)),
        "zset": lambda: redis.zrange(key, 0, -1),
        "list": lambda: redis.lrange(key, 0, -1),
        "stream": list,
    }[kind]()
    parts = [key]
    for value in values:
        parts.append(value)
        if value[13:14] == b"s":
            try:
                parts.append(zstd.decompress(value[14:]))
            except zstd.ZstdError:
                continue
    return b"\n".join(parts)


def request_for(person: Person, kind: str = "erasure") -> PrivacyRequest:
    return privacy.open_request(
        person=person, kind=kind, asked_by="person", basis="gdpr-17-1-c", contact=f"{ZOE}@mail.example"
    )


def erase(person: Person) -> PrivacyRequest:
    """As operators and the timetable do: begun, carried out, looked for once more."""
    request = request_for(person)
    privacy.begin_erasure(request)
    go_on_with_requests()
    request.refresh_from_db()
    assert request.state == "sweeping"
    go_on_with_requests()
    request.refresh_from_db()
    assert request.state == "sweeping", "not before its time"
    with clock.at(clock.now() + timedelta(minutes=30)):
        go_on_with_requests()
    request.refresh_from_db()
    return request


def test_nothing_is_left_of_a_person_anywhere(
    zoe: Person, places: tuple[TenantRef, TenantRef], tmp_path: Path, caplog: Any
) -> None:
    acme, globex = places
    before = everywhere(zoe, tmp_path, "")
    for place in ("shared.accounts:", "tenant_globex.accounts:", "shared.comments:", "shared.audience_members:",
                  "shared.hashtags:", "shared.sounds:", "shared.import_batches:", "shared.fetch_jobs:",
                  "shared.post_titles:", "public.audit_log:", "public.django_admin_log:", "public.sign_ups:",
                  "Redis b'tla:", f"Redis {SHARED_CREATORS.encode()!r}:"):  # fmt: skip
        assert any(where.startswith(place) for where in before), (place, before)
    assert len(list(tmp_path.rglob("*.webp"))) >= 4
    # Only the handle is known to who asks.
    request = erase(Person(handles=frozenset({ZOE})))
    assert request.state == "done" and request.identity == request.contact == ""
    assert {one["workspace"] for one in request.concerned} == {acme.id, globex.id}
    assert {one["role"] for one in request.concerned} == {"controller"}
    log = "\n".join(f"{line.getMessage()} {line.__dict__}" for line in caplog.records)
    assert everywhere(zoe, tmp_path, log) == []
    assert list(tmp_path.rglob("*.webp")) == []
    # What others have is there, without her.
    for tenant in places:
        with tenant_scope(tenant):
            other = TrackedAccount.objects.get(username=f"other.{tenant.slug}")
            assert (other.bio, other.tags) == ("Friend of [removed]", ["fun"])
            assert Post.objects.get(account=other).title == "duet with [removed] [removed] ok"
            assert set(Comment.objects.filter(account=other).values_list("text", flat=True)) == {
                "hello [removed]. How are you?"
            }
            assert AccountNote.objects.get(account=other).text == "As [removed] did"
            assert ImportBatch.objects.get().rows[1]["handle"] == "lena.bakes"
            assert Sound.objects.get(music_id="778").title == "original sound - [removed]"
            accounts = set(TrackedAccount.objects.values_list("pk", flat=True))
            assert set(AccountVersion.objects.values_list("account_id", flat=True)) <= accounts
    with tenant_scope(acme):
        assert TrackedAccount.objects.get(username=LENA).posts.count() > 10  # type: ignore[attr-defined]
        assert Comment.objects.filter(account__username=LENA).count() > 10
    with all_tenants():
        entry = AuditEntry.objects.filter(tenant_id=acme.id, reason="as [removed] wished").first()
        assert entry is not None and entry.target_label == "[removed]"
        assert entry.after == {"handle": "[removed]", "tiktok_user_id": 0, "note": "x\n[removed]"}
        assert AuditEntry.objects.filter(tenant_id=acme.id, event="privacy.person_erased").count() == 1
        assert AuditEntry.objects.filter(event="privacy.request_done", tenant_id=None).count() == 1


def test_nothing_that_is_fetched_brings_the_person_back(
    zoe: Person, places: tuple[TenantRef, TenantRef], tmp_path: Path, caplog: Any
) -> None:
    acme, _globex = places
    assert erase(zoe).state == "done"
    for handle in (ZOE, f"@{ZOE.upper()}", f"https://www.tiktok.com/@{ZOE}", FORMER):
        with tenant_scope(acme), pytest.raises(TikdashError, match="No data is kept"):
            track_now(acme, clean_wish(handle=handle, reason="own", tags=""))
    # A job of before, a list, and the client itself.
    with tenant_scope(acme):
        client = client_for(acme.id, feature="probe", priority="interactive")
        for ask in (lambda: client.userid(ZOE), lambda: client.userinfo_by_username(ZOE),
                    lambda: client.userinfo_by_id(min(zoe.ids))):  # fmt: skip
            with pytest.raises(PersonLeftOut):
                ask()
        assert client.user_posts(min(zoe.ids), count=30).videos == ()
    browser = Client(headers={"host": "acme.localhost"})
    browser.force_login(Cast.load().ana, backend=BACKEND)
    page = browser.post("/accounts/add/", {"handle": ZOE, "reason": "own"})
    assert page.status_code in (400, 409, 422) and "No data is kept" in page.content.decode()
    rows = [ListedRow(1, f"@{ZOE}", "", ""), ListedRow(2, "mingalar.may", "", "")]
    with tenant_scope(acme):
        batch = start_import(tenant=acme, token=uuid4(), rows=rows, reason="own", tags="")
        first, second = ImportBatch.objects.get(pk=batch).rows
        assert (first["typed"], first["handle"], second["handle"]) == ("", "", "mingalar.may")
    log = "\n".join(line.getMessage() for line in caplog.records)
    assert everywhere(zoe, tmp_path, log) == []
    for path in ("/accounts/export.csv", "/settings/audit/export.csv", "/hashtags/export.csv", "/sounds/export.csv"):
        answer = browser.get(path)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200 and not any(name.encode() in body for name in zoe.handles | zoe.ids), path


def test_who_bears_a_former_handle_of_the_person_now_keeps_everything(places: tuple[TenantRef, TenantRef]) -> None:
    """Handles pass from hand to hand: Yara was called what Bob is called now."""
    acme, globex = places
    with tenant_scope(acme):
        yara = factories.make_account("yara.new", tiktok_user_id="7001", sec_uid="MS4yara")
        yara.former_handles.create(username="passed.on", replaced_at=clock.now())  # type: ignore[attr-defined]
        bob = factories.make_account("passed.on", tiktok_user_id="7002", sec_uid="MS4bob")
        post = factories.make_post(bob)
        for author in ("7001", "7002", ""):
            factories.make_comment(post, "Hi", author_id=author, author_username="passed.on")

    # By the handle alone it is who bears it now.
    found = privacy.search(request_for(Person(handles=frozenset({"passed.on"})), kind="access"))
    assert found.ids == {"7002"} and "yara.new" not in found.handles

    assert erase(Person(ids=frozenset({"7001"}))).state == "done"
    with tenant_scope(acme):
        assert list(TrackedAccount.objects.values_list("username", flat=True)) == ["passed.on"]
        assert Post.objects.get().pk == post.pk
        # Without an id it may be hers.
        assert list(Comment.objects.values_list("author_id", flat=True)) == ["7002"]
    with tenant_scope(globex):
        factories.make_account("passed.on", tiktok_user_id="7003", sec_uid="MS4third")
    with pytest.raises(BadInput, match="ids 7002, 7003"):
        privacy.search(request_for(Person(handles=frozenset({"passed.on"}))))


def test_who_comments_and_follows_is_left_out_of_the_next_reading(
    places: tuple[TenantRef, TenantRef], tmp_path: Path
) -> None:
    """People of the simulator's own: a commenter and a follower of Lena."""
    acme, _globex = places
    track(acme, LENA)
    fetch(acme, LENA, "posts", "comments", "followers")
    with tenant_scope(acme):
        comment = Comment.objects.exclude(author_id="").exclude(author_username="").order_by("pk")[0]
        member = AudienceMember.objects.exclude(username="").order_by("pk")[0]
        commenter = Person(frozenset({comment.author_username}), frozenset({comment.author_id}))
        follower = Person(frozenset({member.username}), frozenset({member.tiktok_user_id}))
        comments, members = Comment.objects.count(), AudienceMember.objects.count()
    for person in (commenter, follower):
        assert erase(person).state == "done"
        assert everywhere(person, tmp_path, "") == []
    with tenant_scope(acme):
        assert Comment.objects.count() < comments and AudienceMember.objects.count() < members
        # As if nothing had been read yet.
        Post.objects.update(comments_read_count=None, comments_read_at=None)
        Comment.objects.all().delete()
        FetchJob.objects.update(succeeded_at=None)
    with clock.at(clock.now() + timedelta(hours=1)):
        fetch(acme, LENA, "comments", "followers")
    with tenant_scope(acme):
        assert Comment.objects.count() > 10 and AudienceMember.objects.count() > members
    for person in (commenter, follower):
        assert everywhere(person, tmp_path, "") == []


def test_a_check_that_was_under_way_is_refused_and_keeps_no_handle(
    zoe: Person, places: tuple[TenantRef, TenantRef], tmp_path: Path
) -> None:
    """She has another handle by now, which we know from nobody: her id tells."""
    acme, _globex = places
    erase(Person(ids=zoe.ids, sec_uids=zoe.sec_uids))
    assert LeftOut.objects.filter(what="handle").count() == 2
    LeftOut.objects.filter(what="handle").delete()
    left_out.forget()
    with tenant_scope(acme), pytest.raises(TikdashError, match="No data is kept"):
        track_now(acme, clean_wish(handle=ZOE, reason="own", tags=""))
    assert everywhere(zoe, tmp_path, "") == []


def test_each_kind_is_found_until_its_own_eraser_has_run(zoe: Person, places: tuple[TenantRef, TenantRef]) -> None:
    """With any of them left out, the look that ends a request finds what is left; none hides behind another."""
    request = request_for(zoe)
    with_rows = []
    for kind in kinds():
        privacy.search(request)
        if not request.found.get(kind.name):
            continue
        with_rows.append(kind.name)
        erase_of(kind, zoe)
        privacy.search(request)
        assert not request.found.get(kind.name), kind.name
    assert with_rows == [kind.name for kind in kinds()]
    assert not any(request.found.values())


def test_an_export_that_is_being_made_while_somebody_is_erased_begins_anew(
    zoe: Person, places: tuple[TenantRef, TenantRef], tmp_path: Path
) -> None:
    """Its worker has read her rows already; what it has written is thrown away."""
    acme, _globex = places
    export = ask_for_export(tenant=acme, kind="accounts", asker=Asker("a token", "member"))

    def write(making: Making) -> None:
        write_accounts(making)
        erase(zoe)

    known = export_kinds()["accounts"]
    write_accounts = known.write
    object.__setattr__(known, "write", write)
    try:
        assert not make_export(export)
    finally:
        object.__setattr__(known, "write", write_accounts)
    with all_tenants():
        assert Export.objects.get(pk=export).state == "waiting"
    assert make_export(export)
    with open_export(tenant=acme, export_id=export, role="member").file as file:
        text = zipfile.ZipFile(file).read("accounts.csv").decode()
    assert ZOE not in text and "other.acme" in text
    assert everywhere(zoe, tmp_path, "") == []


def test_an_eraser_that_does_nothing_is_noticed_and_the_request_stays_open(
    zoe: Person, places: tuple[TenantRef, TenantRef], monkeypatch: Any, tmp_path: Path
) -> None:
    from dataclasses import replace

    whole = privacy.kinds()
    lazy = tuple(replace(kind, erase=lambda person: 0) if kind.name == "comments" else kind for kind in whole)
    monkeypatch.setattr(privacy, "kinds", lambda: lazy)
    request = erase(zoe)
    assert request.state == "sweeping" and request.found.keys() == {"comments"} and request.identity
    assert any(".comments:" in where for where in everywhere(zoe, tmp_path, ""))
    monkeypatch.undo()
    with clock.at(clock.now() + timedelta(hours=2)):
        go_on_with_requests()
    request.refresh_from_db()
    assert request.state == "done" and everywhere(zoe, tmp_path, "") == []


def test_the_copy_for_a_person_holds_every_kind_and_no_workspace(
    zoe: Person, places: tuple[TenantRef, TenantRef], tmp_path: Path
) -> None:
    request = request_for(Person(handles=frozenset({ZOE})), "access")
    export = ask_for_export(tenant=None, kind="person", subject=str(request.pk), asker=Asker("olga"))
    assert make_export(export)
    request.refresh_from_db()
    opened = open_export(tenant=None, export_id=export)
    archive = zipfile.ZipFile(io.BytesIO(opened.file.read()))
    data = orjson.loads(archive.read("data.json"))
    by_kind = {kind["name"]: kind["rows"] for kind in data["kinds"]}
    assert set(data["about"]["handles"]) == {ZOE, FORMER} and set(data["about"]["ids"]) == zoe.ids
    assert [name for name, found in by_kind.items() if not found] == []
    assert sum(request.found.values()) == sum(map(len, by_kind.values()))
    assert {row["username"] for row in by_kind["accounts"] if row["table"] == "accounts"} == {ZOE}
    assert all("tenant_id" not in row and row["held_as"] == "controller" for found in by_kind.values() for row in found)
    assert {"accounts/accounts.csv", "posts/posts.csv", "comments/comments.csv"} <= set(archive.namelist())
    assert ZOE in archive.read("accounts/accounts.csv").decode()
    with pytest.raises(TikdashError, match="asks for a copy"):
        privacy.begin_erasure(request)
    privacy.answer(request)
    request.refresh_from_db()
    assert (request.state, request.identity, request.contact) == ("done", "", "")
    with pytest.raises(TikdashError, match="not there"):
        open_export(tenant=None, export_id=export)
    assert not any(str(path).endswith(".zip") and "operators" in path.parts for path in tmp_path.rglob("*"))
    assert privacy.person_of(request) == Person()


def test_a_workspace_with_a_key_of_its_own_is_the_controller(zoe: Person, places: tuple[TenantRef, TenantRef]) -> None:
    from accounts.models import Tenant

    Tenant.objects.filter(pk=places[1].id).update(key_mode="own")
    try:
        request = request_for(zoe)
        privacy.search(request)
        roles = {one["workspace"]: one["role"] for one in request.concerned}
        assert roles == {places[0].id: "controller", places[1].id: "processor"}
    finally:
        Tenant.objects.filter(pk=places[1].id).update(key_mode="shared")


def test_the_desk_from_the_request_to_its_end(
    zoe: Person, places: tuple[TenantRef, TenantRef], committed_db: Cast, tmp_path: Path
) -> None:
    from tests.accounts.test_deletion import grow_old, step_up

    olga = Client(headers={"host": "localhost"})
    olga.force_login(committed_db.olga, backend=BACKEND)
    form = {"handle": "", "tiktok_id": "", "sec_uid": "", "kind": "erasure", "asked_by": "person",
            "basis": "gdpr-17-1-c", "contact": "z@x.example", "asked_on": str(clock.today())}  # fmt: skip
    refused = olga.post("/admin/accounts/privacyrequest/add/", form)
    assert refused.status_code == 422 and "Give a handle, an id or a sec_uid" in refused.content.decode()
    answer = olga.post("/admin/accounts/privacyrequest/add/", form | {"handle": f"https://www.tiktok.com/@{ZOE}"})
    desk = answer["Location"]
    page = olga.get(desk).content.decode()
    assert f"@{ZOE}" in page and f"@{FORMER}" in page and "we are the controller" in page and "30 days" in page
    grow_old(olga)
    for sent in (lambda: olga.post(desk, {"action": "erase"}), lambda: olga.get(desk.replace("change/", "copy.zip"))):
        assert sent().get("Location", "").startswith("/confirm/")
    assert PrivacyRequest.objects.get().state == "open"
    step_up(olga)
    assert olga.get(desk.replace("change/", "copy.zip"))["Location"] == desk, "there is none yet"
    assert olga.post(desk, {"action": "copy"})["Location"] == desk
    assert "A worker is making the copy" in olga.get(desk).content.decode()
    with all_tenants():
        export = Export.objects.get(kind="person").pk
    assert make_export(export)
    assert "Copy as zip" in olga.get(desk).content.decode()
    copy = olga.get(desk.replace("change/", "copy.zip"))
    assert zipfile.ZipFile(io.BytesIO(b"".join(copy.streaming_content))).namelist()
    olga.post(desk, {"action": "erase"})
    go_on_with_requests()
    assert "Looked for once more" in olga.get(desk).content.decode()
    with clock.at(clock.now() + timedelta(minutes=30)):
        go_on_with_requests()
    page = olga.get(desk).content.decode()
    assert ZOE not in page and "Names and address are forgotten" in page
    assert ZOE not in olga.get("/admin/accounts/privacyrequest/").content.decode()
    assert olga.get("/admin/accounts/privacyrequest/kept/").status_code == 200
    assert everywhere(zoe, tmp_path, "") == []
