"""Accounts that are no longer tracked: gone at once, back at a click, deleted with everything after a while."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection, models
from django.test import Client

from accounts.selectors import TenantRef
from billing.models import Plan
from snapshots.models import (
    AccountHandle,
    AccountNote,
    AccountReading,
    FetchJob,
    Hashtag,
    Post,
    PostHashtag,
    PostReading,
    Removal,
    TrackedAccount,
    ValueDecision,
)  # fmt: skip
from snapshots.picture_names import AVATAR, COVER, file_name
from snapshots.pictures.files import keep_file
from snapshots.scheduling.dispatch import claim
from snapshots.selectors import account_id_of, count_of_accounts
from snapshots.services.accounts import clean_wish, make_missing_jobs, request_tracking
from snapshots.services.jobs import run_jobs
from snapshots.services.orphans import count_orphans
from snapshots.services.removals import (
    OF_ACCOUNT,
    OF_POSTS,
    remove_stopped,
    stop_tracking,
    take_back,
    undo_removal,
)  # fmt: skip
from tests.cast import Cast
from tests.factories import (
    make_account,
    make_comment,
    make_job,
    make_post,
    make_post_snapshot,
    make_sample,
    make_snapshots,
    make_story,
)  # fmt: skip
from tests.simulating import Caller
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.errors import LimitReached, NotFound

LATER = timedelta(minutes=12)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def with_everything(tenant: TenantRef, handle: str) -> int:
    """An account of the tenant of the present scope with at least one row in every table that can point at it."""
    now = clock.now()
    avatar, cover, story = (file_name(tenant.id, AVATAR if n == 0 else COVER, n, handle.encode()) for n in range(3))
    for name in (avatar, cover, story):
        keep_file(name, b"picture")
    account = make_account(handle, avatar_file=avatar)
    make_snapshots(account, [1, 2, 3])
    AccountReading.objects.create(account=account, measured_at=now)
    AccountHandle.objects.create(account=account, username=f"old.{handle}", replaced_at=now)
    AccountNote.objects.create(account=account, day=now.date(), text="A note", author="x", created_at=now)
    for kind in ("profile", "posts"):
        make_job(account, kind)
    make_story(account, cover_file=story)
    make_sample(account, ["user1234567", "lena"])
    tag = Hashtag.objects.create(name=f"tag{handle}", first_seen_at=now)
    for number in range(3):
        post = make_post(account, cover_file=cover if number == 0 else "")
        make_post_snapshot(post)
        PostReading.objects.create(post=post, measured_at=now)
        PostHashtag.objects.create(account=account, post=post, hashtag=tag)
        make_comment(post, "Nice")
        ValueDecision.objects.create(
            account=account, post=post, captured_on=clock.today(), counter="play_count", value=1, state=2,
            decision="accepted", reason="r", decided_by="x", decided_at=now,
        )  # fmt: skip
    return account.pk


def pointing() -> Iterator[tuple[str, str]]:
    """Every table of the tenant app, and its column, that points at an account or a post."""
    for model in apps.get_app_config("snapshots").get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey) and field.related_model in (TrackedAccount, Post):
                yield model._meta.db_table, field.column


def rows_of(account_id: int, post_ids: list[int]) -> dict[str, int]:
    """How many rows point at the account, or at its posts, by table."""
    count: dict[str, int] = {}
    with all_tenants("shared"), connection.cursor() as cursor:
        for table, column in pointing():
            ids = post_ids if column == "post_id" else [account_id]
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} = ANY(%s)", [ids])
            count[f"{table}.{column}"] = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM account_versions WHERE account_id = %s", [account_id])
        count["account_versions.account_id"] = cursor.fetchone()[0]
    return count


@pytest.mark.usefixtures("cast")
def test_every_table_that_points_at_an_account_or_a_post_is_in_the_lists() -> None:
    tables = {table for table, _ in pointing()}
    listed = {*OF_POSTS, *OF_ACCOUNT, "posts"}
    assert tables <= listed
    # Tables that no model knows are found by the names of their columns.
    with all_tenants("shared"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'shared'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND a.attname IN ('account_id', 'post_id') AND NOT a.attisdropped"
        )
        # What is said of an account that is gone stays for those who keep copies.
        assert {name for (name,) in cursor.fetchall()} - {"account_sights"} == listed


def test_a_stopped_account_is_nowhere_at_once_and_its_jobs_do_not_run(acme: TenantRef, ana: Client) -> None:
    gone, stays = with_everything(acme, "lena.bakes"), with_everything(acme, "vic")
    stopped = stop_tracking(tenant=acme, account_ids=[gone])
    assert (stopped.accounts, stopped.until) == (1, clock.now() + timedelta(minutes=10))
    assert count_of_accounts() == 1
    assert list(TrackedAccount.objects.values_list("pk", flat=True)) == [stays]
    with pytest.raises(NotFound):
        account_id_of("lena.bakes")
    for path in (f"/accounts/{gone}/", f"/accounts/{gone}/series.json", f"/accounts/{gone}/posts/export.csv"):
        assert ana.get(path).status_code == 404
    page = ana.get("/accounts/").content.decode()
    assert "lena.bakes" not in page and "1 of 100" in re.sub(r"\s+", " ", page)
    room = {"pro": 100}
    assert {FetchJob.objects.get(pk=job.id).account_id for job in claim("shared", room)} == {stays}
    make_missing_jobs(acme)
    assert FetchJob.objects.filter(account_id=gone).count() == 2


def test_undo_brings_everything_back_as_it_was(acme: TenantRef, ana: Client) -> None:
    one, paused = with_everything(acme, "lena.bakes"), with_everything(acme, "vic")
    FetchJob.objects.filter(account_id=paused, kind="posts").update(state="paused")
    before = list(FetchJob.objects.order_by("id").values()), list(TrackedAccount.objects.order_by("id").values())
    ana.post("/accounts/selected/", {"action": "stop", "ids": [one, paused], "confirmed": "1"})
    page = ana.get("/accounts/").content.decode()
    [address] = re.findall(r'action="(/accounts/removals/\d+/undo/)"', page)
    assert "2 accounts stopped" in page and "Track the first account" in page
    assert ana.post(address)["Location"] == "/accounts/"
    assert "2 accounts are tracked again" in ana.get("/accounts/").content.decode()
    assert ana.post(address).status_code == 302
    assert "undo/" not in ana.get("/accounts/").content.decode()
    after = list(FetchJob.objects.order_by("id").values()), list(TrackedAccount.objects.order_by("id").values())
    assert after == before


def test_stopping_asks_first_and_says_what_goes(acme: TenantRef, ana: Client) -> None:
    one = with_everything(acme, "lena.bakes")
    page = ana.post("/accounts/selected/", {"action": "stop", "ids": [one]}).content.decode()
    assert "Stop tracking 1 account?" in page and "deleted for good" in page
    assert count_of_accounts() == 1


def test_undo_is_for_ten_minutes_and_for_those_who_have_room(acme: TenantRef, noon: datetime) -> None:
    removal = stop_tracking(tenant=acme, account_ids=[with_everything(acme, "lena.bakes")]).removal_id
    with clock.at(noon + timedelta(minutes=10)), pytest.raises(LimitReached, match="too late to undo"):
        undo_removal(tenant=acme, removal_id=removal)
    make_account()
    with owner():
        Plan.objects.filter(code="pro").update(tracked_accounts=1)
    with pytest.raises(LimitReached, match="All 1 accounts of the Pro plan are in use"):
        undo_removal(tenant=acme, removal_id=removal)
    with owner():
        Plan.objects.filter(code="pro").update(tracked_accounts=2)
    assert undo_removal(tenant=acme, removal_id=removal) == 1


def test_another_tenant_can_neither_stop_nor_undo(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = with_everything(cast.acme, "lena.bakes")
        with tenant_scope(cast.rival), pytest.raises(NotFound):
            stop_tracking(tenant=cast.rival, account_ids=[account])
        removal = stop_tracking(tenant=cast.acme, account_ids=[account]).removal_id
    rita = browser_of(cast.rita, "rival.localhost")
    assert rita.post(f"/accounts/removals/{removal}/undo/").status_code == 404
    with tenant_scope(cast.rival):
        assert take_back(tenant=cast.rival, tiktok_user_id="7", reason="own", tags=[]) is None
    with tenant_scope(cast.acme):
        assert not TrackedAccount.objects.exists() and Removal.objects.get().undone_at is None


def test_after_a_while_all_rows_and_pictures_are_deleted_and_nothing_else(
    real_acme: TenantRef, noon: datetime, files: Path
) -> None:
    gone, stays = with_everything(real_acme, "lena.bakes"), with_everything(real_acme, "vic")
    posts = {each: list(Post.objects.filter(account_id=each).values_list("pk", flat=True)) for each in (gone, stays)}
    before = rows_of(gone, posts[gone])
    assert all(before.values()), before
    stop_tracking(tenant=real_acme, account_ids=[gone])
    with clock.at(noon + timedelta(minutes=10, seconds=30)):
        assert remove_stopped() == 0
    with clock.at(noon + LATER):
        assert remove_stopped() == 1
        assert remove_stopped() == 0
    assert not any(rows_of(gone, posts[gone]).values())
    assert rows_of(stays, posts[stays]) == before
    assert not Removal.objects.exists()
    assert len([path for path in files.rglob("*.webp") if path.is_file()]) == 3
    kept = TrackedAccount.objects.get()
    assert (kept.pk, default_storage.exists(kept.avatar_file)) == (stays, True)
    assert not any(count_orphans().values())


def test_a_run_that_was_killed_in_the_middle_is_ended_by_the_next(
    real_acme: TenantRef, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snapshots.services import removals

    gone = with_everything(real_acme, "lena.bakes")
    posts = list(Post.objects.filter(account_id=gone).values_list("pk", flat=True))
    stop_tracking(tenant=real_acme, account_ids=[gone])
    monkeypatch.setattr(removals, "OF_ACCOUNT", (*OF_ACCOUNT, "no_such_table"))
    with clock.at(noon + LATER):
        with pytest.raises(Exception, match="no_such_table"):
            remove_stopped()
        assert rows_of(gone, posts)["account_snapshots.account_id"] == 3
        monkeypatch.undo()
        assert remove_stopped() == 1
    assert not any(rows_of(gone, posts).values())


def test_who_tracks_the_creator_again_gets_the_history_back_and_after_its_deletion_starts_anew(
    real_acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    def track() -> int:
        check = request_tracking(tenant=real_acme, wish=clean_wish(handle="lena.bakes", reason="own", tags="again"))
        run_jobs(real_acme, [check])
        return FetchJob.objects.get(pk=check).params["account_id"]

    first = track()
    jobs = FetchJob.objects.filter(account_id=first)
    assert jobs.exists()
    stop_tracking(tenant=real_acme, account_ids=[first])
    assert not jobs.filter(state="active").exists()
    assert track() == first
    account = TrackedAccount.objects.get()
    assert (account.tags, account.tracked_reason, account.removed_at) == (["again"], "own", None)
    assert not jobs.exclude(state="active").exists()
    stop_tracking(tenant=real_acme, account_ids=[first])
    with clock.at(noon + LATER):
        remove_stopped()
        assert track() != first
    assert TrackedAccount.objects.count() == 1
