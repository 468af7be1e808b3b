"""Samples of followers and followings: what was read is what the upstream shows, with flags that a row can prove."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from accounts.selectors import TenantRef
from snapshots.ingest.audience import (
    FLAGS,
    SAMPLES_KEPT,
    counted_flags,
    flags_of,
    has_default_avatar,
    member_rows,
    store_sample,
)
from snapshots.models import AudienceMember, AudienceSample
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import fetch_now, track_now
from snapshots.services.jobs import RunReport
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.shapes import Follow, decode_followers

MAX = "maxwellpranks"
FACE = "https://p16.example/tos-alisg-avt-0068/a4777fe51994.jpeg"
NOBODY = {"aweme_count": 0, "avatar": "", "unique_id": "user123456"}


def track(tenant: TenantRef, handle: str = MAX) -> None:
    track_now(tenant, clean_wish(handle=handle, reason="own", tags=""))


def read(tenant: TenantRef, handle: str = MAX, kind: str = "followers") -> RunReport:
    [report] = fetch_now(tenant, handle, kind)
    return report


def members() -> list[AudienceMember]:
    return list(AudienceMember.objects.order_by("id"))


def test_a_sample_holds_the_newest_followers_with_the_bots_that_are_true_upstream(
    acme: TenantRef, upstream: Caller
) -> None:
    track(acme)
    assert read(acme).outcome == "ok"
    truth = upstream.look("truth/followers", handle=MAX, limit=250)
    sample, rows = AudienceSample.objects.get(), members()
    assert (sample.direction, sample.size, sample.total) == ("followers", 250, truth["followers"])
    assert sample.sampled_at == clock.now()
    bots = set(truth["newest_bots"])
    assert {row.tiktok_user_id for row in rows if row.default_avatar} == bots
    generated = {row.tiktok_user_id for row in rows if re.fullmatch(r"user\d{6,}", row.username)}
    assert {row.tiktok_user_id for row in rows if "bot" in row.flags} == bots & generated != set()
    assert sample.flags == {flag: sum(flag in row.flags for row in rows) for flag in FLAGS}
    first = upstream.get("/user-followers/", userid=upstream.account_id(MAX), count=200)["followers"]
    for row, given in zip(rows, first, strict=False):
        assert (row.tiktok_user_id, row.video_count, row.follower_count, row.following_count) == (
            given["id"], given["aweme_count"], given["follower_count"], given.get("following_count"),
        )  # fmt: skip
        assert ("private" in row.flags) == given.get("secret", False)


def test_a_sample_of_followings_is_kept_apart_from_that_of_followers(acme: TenantRef, upstream: Caller) -> None:
    track(acme)
    read(acme)
    assert read(acme, kind="following").outcome == "ok"
    sample = AudienceSample.objects.get(direction="followings")
    truth = upstream.look("truth/account", handle=MAX)
    assert sample.total == truth["following"] and sample.size == min(250, truth["following"])
    assert sample.members.count() == sample.size  # type: ignore[attr-defined]
    assert AudienceSample.objects.count() == 2


def test_reading_at_the_same_moment_again_changes_nothing_and_later_makes_a_new_sample(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(acme)
    read(acme)
    ids = [row.pk for row in members()]
    read(acme)
    assert AudienceSample.objects.count() == 1 and [row.pk for row in members()] == ids
    with both_clocks_at(upstream, noon + timedelta(days=3)):
        read(acme)
    assert [sample.size for sample in AudienceSample.objects.all()] == [250, 250]


def test_a_short_list_is_read_to_its_end(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    settings.AUDIENCE_SAMPLE = 100_000
    track(acme, "mingalar.may")
    read(acme, "mingalar.may", "following")
    sample = AudienceSample.objects.get()
    assert sample.size == sample.total == upstream.look("truth/account", handle="mingalar.may")["following"]


def test_a_hidden_list_is_an_empty_sample_with_a_sentence_and_no_failure(acme: TenantRef, upstream: Caller) -> None:
    track(acme, "hidden.harbour")
    for kind, direction in (("followers", "followers"), ("following", "followings")):
        report = read(acme, "hidden.harbour", kind)
        assert (report.outcome, report.text) == (
            "ok", f"TikTok shows no {direction}: the list is hidden, or empty",
        )  # fmt: skip
        sample = AudienceSample.objects.get(direction=direction)
        assert (sample.size, sample.flags["bot"], sample.members.count()) == (0, 0, 0)  # type: ignore[attr-defined]


def test_an_account_that_is_gone_gives_an_empty_sample_and_keeps_its_state(
    acme: TenantRef, upstream: Caller, noon: datetime
) -> None:
    track(acme)
    upstream.order("overrides", {"deleted": [{"handle": MAX, "at": noon.timestamp() - 60}]})
    assert read(acme).outcome == "ok"
    sample = AudienceSample.objects.select_related("account").get()
    assert (sample.size, sample.total, sample.account.state) == (0, None, "active")


def test_a_list_that_breaks_off_is_a_smaller_sample(acme: TenantRef, upstream: Caller, settings: Any) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(acme)
    upstream.order("faults", [{"kind": "truncated", "endpoint": "user-followers", "skip": 1}])
    report = read(acme)
    assert report.outcome == "ok" and report.text.endswith("; the list broke off: bad_payload")
    assert AudienceSample.objects.get().size == 200 == len(members())


def test_a_list_that_breaks_at_once_is_a_failure_and_stores_nothing(
    acme: TenantRef, upstream: Caller, settings: Any
) -> None:
    settings.TIKLIVE_ATTEMPTS = 1
    track(acme)
    upstream.order("faults", [{"kind": "not_json", "endpoint": "user-followers"}])
    assert read(acme).outcome == "bad_payload"
    assert not AudienceSample.objects.exists() and not members()


@pytest.mark.parametrize("kind", ["duplicates", "nul_text", "numbers_as_text", "endless_cursor", "repeated_cursor"])
def test_no_variation_of_the_upstream_makes_a_duplicate_or_an_endless_run(
    acme: TenantRef, upstream: Caller, kind: str
) -> None:
    track(acme)
    upstream.order("faults", [{"kind": kind, "endpoint": "user-followers"}])
    assert read(acme).outcome == "ok"
    assert upstream.look("stats")["by_endpoint"]["user-followers"] <= 3
    assert 200 <= AudienceSample.objects.get().size == len({row.tiktok_user_id for row in members()})


def test_the_newest_twelve_samples_of_an_account_and_direction_are_kept(acme: TenantRef, noon: datetime) -> None:
    account, other = make_account(), make_account()
    rows = member_rows([Follow(id=str(number), unique_id=f"p{number}") for number in range(1, 6)])

    def store(account_id: int, direction: str, days: int, size: int = 5) -> None:
        store_sample(account_id, direction, rows[:size], total=5, sampled_at=noon + timedelta(days=days))

    store(other.pk, "followers", -900)
    store(account.pk, "followings", -900)
    for days in range(15):
        store(account.pk, "followers", days)
    kept = AudienceSample.objects.filter(account=account, direction="followers").order_by("sampled_at")
    assert [(sample.sampled_at - noon).days for sample in kept] == list(range(3, 15))
    assert AudienceSample.objects.count() == SAMPLES_KEPT + 2 and len(members()) == 5 * (SAMPLES_KEPT + 2)
    for days in range(20, 40):
        store(account.pk, "followers", days, size=0)
    assert kept.filter(size=5).count() == 12, "a list that is hidden for weeks pushes out none that had rows"
    assert kept.filter(size=0).count() == 12


def test_no_other_tenant_sees_a_sample_and_none_deletes_anothers(cast: Cast, upstream: Caller, noon: datetime) -> None:
    rows = member_rows([Follow(id="71", unique_id="rafi")])
    with tenant_scope(cast.rival), clock.at(noon):
        theirs = make_account()
        store_sample(theirs.pk, "followers", rows, total=1, sampled_at=noon)
    with tenant_scope(cast.acme), clock.at(noon):
        assert not AudienceSample.objects.exists() and not members()
        mine = make_account()
        for days in range(14):
            store_sample(mine.pk, "followers", rows, total=1, sampled_at=noon + timedelta(days=days))
    with tenant_scope(cast.rival):
        assert AudienceSample.objects.count() == len(members()) == 1


def test_a_tenant_whose_plan_has_no_samples_has_no_such_job(cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.rival), clock.at(noon):
        make_job(make_account(MAX), "profile")
        assert fetch_now(cast.rival, MAX, "followers") == []


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        (NOBODY, ["no_posts", "default_avatar", "generated_handle", "bot"]),
        (NOBODY | {"aweme_count": 1}, ["default_avatar", "generated_handle"]),
        (NOBODY | {"avatar": FACE}, ["no_posts", "generated_handle"]),
        (NOBODY | {"unique_id": "user12345"}, ["no_posts", "default_avatar"]),
        (NOBODY | {"unique_id": "user123456x"}, ["no_posts", "default_avatar"]),
        (NOBODY | {"unique_id": "user١٢٣٤٥٦"}, ["no_posts", "default_avatar"]),
        ({"secret": True, "verified": True, "aweme_count": 5, "avatar": FACE}, ["private", "verified"]),
        ({}, []),
    ],
    ids=["all", "has posted", "has a face", "short", "letters", "other digits", "private", "nothing told"],
)  # fmt: skip
def test_a_flag_is_set_where_the_row_says_so(row: dict[str, Any], flags: list[str]) -> None:
    assert flags_of(Follow(id="71", **row)) == flags


@pytest.mark.parametrize(
    ("address", "default"),
    [
        ("", True),
        ("  ", True),
        (None, False),
        ("https://p16-sign-va.tiktokcdn.com/musically-maliva-obj/1594805258216454~c5_300x300.webp?x-expires=1", True),
        ("https://p77.example/tos-maliva-avt/1594805258216454~tplv-cropcenter:1080:1080.jpeg", True),
        ("https://p16.example/tos-alisg-avt-0068/a4777fe51994.jpeg?from=1594805258216454", False),
        ("http://[", False),
    ],
)
def test_no_picture_and_tiktoks_own_are_default_avatars_and_a_missing_field_tells_nothing(
    address: str | None, default: bool
) -> None:
    assert has_default_avatar(address) is default


def test_extreme_rows_are_stored_by_rule(acme: TenantRef, noon: datetime) -> None:
    body = orjson.dumps(
        {
            "followers": [
                {"id": "1", "unique_id": "U" * 90, "nickname": "n" * 900, "region": "R" * 90, "follower_count": -1},
                {"id": "2", "aweme_count": 2**63 - 1, "total_favorited": 2**63, "verified": "yes", "avatar": 5},
                {"id": "1", "unique_id": "twice"},
                {"unique_id": "without"},
            ],
            "hasMore": False,
        }
    )
    rows = member_rows(decode_followers(body).users)
    assert counted_flags(rows) == dict.fromkeys(FLAGS, 0)
    store_sample(make_account().pk, "followers", rows, total=-5, sampled_at=noon)
    one, two = members()
    assert (one.username, one.follower_count, one.verified) == ("twice", None, None)
    assert (two.video_count, two.heart_count, two.default_avatar) == (2**63 - 1, None, False)
    assert AudienceSample.objects.get().total is None
