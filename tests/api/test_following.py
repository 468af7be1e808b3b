"""`updated_since`: a copy that follows equals the source, whatever is written, deleted or committed late meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from snapshots.ingest.normalise import PostRow, ProfileRow
from snapshots.ingest.upsert import flag_vanished, store_posts, store_profile
from snapshots.models import AccountSight, Post, TrackedAccount
from snapshots.services import removals
from snapshots.services.bulk import add_tags, remove_tags
from snapshots.services.removals import remove_stopped, stop_tracking, undo_removal
from tests.api.asking import Partner, partner
from tests.api.test_door import refused
from tests.cast import Cast
from tests.factories import make_account, make_post
from tikdash import clock
from tikdash.api import paging
from tikdash.db.scope import tenant_scope


class Copy:
    """What a partner keeps of one list: rows by id; it follows by rounds."""

    def __init__(self, ours: Partner, path: str, limit: int = 3) -> None:
        self.ours, self.path, self.limit = ours, path, limit
        self.rows: dict[int, dict[str, Any]] = {}
        self.marker, self.taken = "start", 0

    def follow(self, between: Callable[[], None] = lambda: None) -> Copy:
        """One round; `between` happens after each page."""
        query: dict[str, Any] = {"updated_since": self.marker, "limit": self.limit}
        while True:
            answer = self.ours.get(self.path, query)
            assert answer.status_code == 200, answer.content
            page = answer.json()
            for stone in page["deleted"]:
                key = "id" if self.path == "accounts" else "account_id"
                gone = [pk for pk, row in self.rows.items() if row[key] == stone["account_id"]]
                for pk in gone:
                    del self.rows[pk]
            self.rows |= {row["id"]: row for row in page["data"]}
            self.taken += len(page["data"])
            between()
            if page["next"] is None:
                self.marker = page["updated_since"]
                return self
            query["cursor"] = page["next"]

    def settled(self) -> Copy:
        """As rounds are when nothing happens: a transaction anywhere in the cluster, such as another test's, keeps rows
        coming again until it ends."""
        for _ in range(200):
            self.taken = 0
            if not self.follow().taken:
                return self
            time.sleep(0.3)
        raise AssertionError("rows come again and again")

    def source(self) -> dict[int, dict[str, Any]]:
        """The list itself, read whole."""
        return {row["id"]: row for row in self.ours.all_rows(self.path, {"limit": 200})}

    @property
    def ids(self) -> set[int]:
        return set(self.rows)


def copies(ours: Partner) -> tuple[Copy, Copy]:
    return Copy(ours, "accounts"), Copy(ours, "posts")


def test_a_round_brings_what_changed_and_little_else(committed_db: Cast) -> None:
    cast = committed_db
    with tenant_scope(cast.acme):
        accounts = [make_account() for _ in range(5)]
        posts = [make_post(accounts[0]) for _ in range(5)]
    of_accounts, of_posts = copies(partner(cast.acme))
    assert of_accounts.follow().ids == {each.pk for each in accounts}
    assert of_posts.follow().ids == {each.pk for each in posts}
    of_accounts.settled(), of_posts.settled()
    with tenant_scope(cast.acme):
        TrackedAccount.objects.filter(pk=accounts[3].pk).update(follower_count=77)
        Post.objects.filter(pk=posts[2].pk).update(deleted_at=clock.now())
    assert of_accounts.follow().rows[accounts[3].pk]["followers"] == 77
    assert of_posts.follow().rows[posts[2].pk]["deleted_at"]
    assert (of_accounts.taken, of_posts.taken) == (1, 1)
    assert of_accounts.rows == of_accounts.source() and of_posts.rows == of_posts.source()


def test_a_transaction_that_commits_late_is_not_missed(committed_db: Cast) -> None:
    """It wrote before the round began, others committed behind it, and it commits when the round is over."""
    cast = committed_db
    with tenant_scope(cast.acme):
        early, late = make_account("early"), make_account("late")
    of_accounts = Copy(partner(cast.acme), "accounts").follow()
    written, commit = threading.Event(), threading.Event()

    def slow() -> None:
        with tenant_scope(cast.acme), transaction.atomic():
            TrackedAccount.objects.filter(pk=late.pk).update(follower_count=1)
            # Inside a savepoint of its own, as services do.
            with transaction.atomic():
                make_account("newcomer")
            written.set()
            assert commit.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(20)
    with tenant_scope(cast.acme):
        TrackedAccount.objects.filter(pk=early.pk).update(follower_count=2)
    of_accounts.follow()
    assert of_accounts.rows[early.pk]["followers"] == 2 and of_accounts.rows[late.pk]["followers"] == 10_000
    commit.set()
    thread.join()
    of_accounts.follow()
    assert of_accounts.rows[late.pk]["followers"] == 1
    assert of_accounts.rows == of_accounts.source() and len(of_accounts.rows) == 3


def test_what_is_stopped_is_a_tombstone_and_comes_back_with_its_posts(
    committed_db: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = committed_db
    with tenant_scope(cast.acme):
        stays, goes = make_account("stays"), make_account("goes")
        kept, gone = make_post(stays), make_post(goes)
    of_accounts, of_posts = copies(partner(cast.acme))
    of_accounts.follow(), of_posts.follow()
    with tenant_scope(cast.acme):
        stopped = stop_tracking(tenant=cast.acme, account_ids=[goes.pk])
    assert of_accounts.follow().ids == {stays.pk} and of_posts.follow().ids == {kept.pk}
    with tenant_scope(cast.acme):
        undo_removal(tenant=cast.acme, removal_id=stopped.removal_id)
    assert of_accounts.follow().ids == {stays.pk, goes.pk} and of_posts.follow().ids == {kept.pk, gone.pk}
    with tenant_scope(cast.acme):
        stop_tracking(tenant=cast.acme, account_ids=[goes.pk])
    monkeypatch.setattr(removals, "DELETED_AFTER", timedelta(seconds=-60))
    assert remove_stopped() == 1
    assert of_accounts.follow().ids == {stays.pk} and of_posts.follow().ids == {kept.pk}


def test_more_tombstones_than_a_page_has_come_on_several(committed_db: Cast) -> None:
    cast = committed_db
    with tenant_scope(cast.acme):
        stays, *gone = [make_account() for _ in range(6)]
    of_accounts = Copy(partner(cast.acme), "accounts", limit=2).follow()
    assert len(of_accounts.ids) == 6
    with tenant_scope(cast.acme):
        stop_tracking(tenant=cast.acme, account_ids=[each.pk for each in gone])
    page = of_accounts.ours.get("accounts", {"updated_since": of_accounts.marker, "limit": 2}).json()
    assert len(page["deleted"]) == 2 and page["next"] and page["updated_since"] is None
    assert of_accounts.follow().ids == {stays.pk}


def test_a_token_for_a_tag_follows_accounts_into_and_out_of_it(committed_db: Cast) -> None:
    cast = committed_db
    with tenant_scope(cast.acme):
        inside, outside = make_account("inside", tags=["vip"]), make_account("outside")
        seen, unseen = make_post(inside), make_post(outside)
    of_accounts, of_posts = copies(partner(cast.acme, tags=["vip"]))
    assert of_accounts.follow().ids == {inside.pk} and of_posts.follow().ids == {seen.pk}
    with tenant_scope(cast.acme):
        add_tags(account_ids=[outside.pk], tags=["vip"])
        remove_tags(account_ids=[inside.pk], tags=["vip"])
    assert of_accounts.follow().ids == {outside.pk} and of_posts.follow().ids == {unseen.pk}


def test_markers_are_good_for_their_own_and_not_for_ever(committed_db: Cast) -> None:
    cast = committed_db
    with tenant_scope(cast.acme):
        make_account()
    ours = partner(cast.acme)
    marker = Copy(ours, "accounts").follow().marker
    assert ours.get("posts", {"updated_since": marker}).status_code == 200
    refused(partner(cast.globex).get("accounts", {"updated_since": marker}), 400, "bad_input")
    refused(partner(cast.acme, tags=["vip"]).get("accounts", {"updated_since": marker}), 400, "bad_input")
    for bad in ("x", "2026-11-27T00:00:00Z", marker[:-1]):
        refused(ours.get("accounts", {"updated_since": bad}), 400, "bad_input")
    refused(ours.get("accounts", {"updated_since": marker, "reason": "own"}), 400, "bad_input")
    now = clock.now()
    for mark, made in ((2**61, now), (10**15, now), (5, now - timedelta(days=61))):
        old = paging.write([mark, made], tenant_id=cast.acme.id, of="since:")
        refused(ours.get("accounts", {"updated_since": old}), 410, "marker_too_old")


def test_a_copy_made_while_ingest_runs_equals_the_source(committed_db: Cast, unlimited: None) -> None:
    """Two workers store, flag, tag, stop and take back, some of it in transactions that stay open for a while."""
    cast = committed_db
    with tenant_scope(cast.acme):
        accounts = [make_account(f"creator{place}", tags=["a"]) for place in range(6)]
    stop = threading.Event()
    failed: list[BaseException] = []

    def work(seed: int, mine: list[TrackedAccount]) -> None:
        chance = random.Random(seed)
        known: dict[int, list[str]] = {account.pk: [] for account in mine}
        stopped: dict[int, int] = {}
        try:
            while not stop.is_set():
                with tenant_scope(cast.acme):
                    _something(chance, mine, known, stopped, cast)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed, accounts[seed::2])) for seed in (0, 1)]
    ours = partner(cast.acme)
    of_accounts, of_posts = Copy(ours, "accounts", 2), Copy(ours, "posts", 20)
    for thread in threads:
        thread.start()
    rounds, vanished, until = 0, False, time.monotonic() + 120
    try:
        # On a slow machine little happens in a round.
        while (rounds < 12 or not vanished) and time.monotonic() < until and not failed:
            of_accounts.follow(), of_posts.follow()
            rounds, vanished = rounds + 1, vanished or any(row["deleted_at"] for row in of_posts.rows.values())
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed, failed
    of_accounts.follow(), of_posts.follow()
    assert of_accounts.rows == of_accounts.source()
    assert of_posts.rows == of_posts.source()
    assert of_posts.rows and vanished
    with tenant_scope(cast.acme):
        assert AccountSight.objects.exists()


def _something(
    chance: random.Random, mine: list[TrackedAccount], known: dict[int, list[str]], stopped: dict[int, int], cast: Cast
) -> None:
    account = chance.choice(mine)
    if account.pk in stopped:
        undo_removal(tenant=cast.acme, removal_id=stopped.pop(account.pk))
        return
    at = clock.now()
    match chance.randrange(6):
        case 0 | 1:
            ids = known[account.pk]
            ids.append(str(chance.randrange(10**18, 10**19)))
            rows = [_post(aweme_id, chance.randrange(10**6)) for aweme_id in chance.sample(ids, min(4, len(ids)))]
            store_posts(account.pk, rows, measured_at=at)
        case 2:
            profile = ProfileRow(**_profile(account, chance.randrange(10**6)))
            with transaction.atomic():
                store_profile(account.pk, profile, measured_at=at)
                stay = threading.Event()
                stay.wait(chance.random() / 50)
        case 3:
            flag_vanished(account.pk, known[account.pk][1:], at - timedelta(days=3), at + timedelta(days=1))
        case 4:
            add_tags(account_ids=[account.pk], tags=[chance.choice("bc")])
        case 5:
            stopped[account.pk] = stop_tracking(tenant=cast.acme, account_ids=[account.pk]).removal_id


def _post(aweme_id: str, plays: int) -> PostRow:
    counters: dict[str, int | None] = {
        "play_count": plays, "digg_count": plays // 10, "comment_count": 3, "share_count": 2, "collect_count": 1,
    }  # fmt: skip
    posted = clock.now() - timedelta(hours=1 + int(aweme_id) % 48)
    return PostRow(aweme_id, f"Post {aweme_id}", "", 10, "video", False, "", posted, counters)


def _profile(account: TrackedAccount, followers: int) -> dict[str, Any]:
    counters: dict[str, int | None] = {
        "follower_count": followers, "following_count": 5, "heart_count": 6, "video_count": 7, "digg_count": 8,
    }  # fmt: skip
    return {
        "tiktok_user_id": account.tiktok_user_id, "username": account.username, "sec_uid": "", "nickname": "N",
        "avatar_url": "", "bio": "", "verified": False, "is_private": False, "counters": counters,
    }  # fmt: skip
