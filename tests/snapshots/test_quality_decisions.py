"""Operators accept or reject a suspect value: with a reason, for one tenant, and for good."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.selectors import TenantRef
from snapshots.analytics import accounts as analytics
from snapshots.analytics.growth import series
from snapshots.analytics.suspects import ValueId, suspect_values, value_id
from snapshots.ingest.upsert import store_posts, store_profile
from snapshots.models import AccountReading, AccountSnapshot, Post, PostSnapshot, TrackedAccount, ValueDecision
from snapshots.models.fields import DataState
from snapshots.services.quality import accept_value, reject_value
from tests.cast import Cast
from tests.factories import make_account
from tests.snapshots.test_quality import STEADY, followers_by_day
from tests.snapshots.test_upsert import post, profile
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound

WHY = {"reason": "Seen on TikTok itself.", "decided_by": "olga@tikdash.example"}


@pytest.fixture
def lena(acme: TenantRef, noon: datetime) -> TrackedAccount:
    """An account whose followers made a leap today."""
    account = make_account("lena", follower_count=None)
    followers_by_day(account, noon, [*STEADY, 26_003])
    return account


def today_of(account: TrackedAccount) -> ValueId:
    return ValueId("account", account.pk, clock.today(), "follower_count")


def shown(account: TrackedAccount) -> tuple[int | None, int | None]:
    """Followers in the account's row, and at the end of the chart."""
    account.refresh_from_db()
    return account.follower_count, series(account.pk, "follower_count", 30).values[-1]


def test_suspect_values_are_listed_with_what_was_before(lena: TrackedAccount, noon: datetime) -> None:
    with clock.at(noon - timedelta(days=40)):
        store_posts(lena.pk, [post(1, noon, play_count=30_001)], measured_at=clock.now())
    store_posts(lena.pk, [post(1, noon, play_count=7)], measured_at=noon)
    assert [(each.id, each.handle, each.state, each.value, each.before) for each in suspect_values()] == [
        (f"account-{lena.pk}-20261115-follower_count", "lena", "spike", 26_003, 20_105),
        (f"post-{Post.objects.get().pk}-20261115-play_count", "lena", "regressed", 7, None),
    ]
    assert suspect_values(60)[1].before == 30_001


def test_an_accepted_value_counts_everywhere(lena: TrackedAccount) -> None:
    assert shown(lena) == (20_105, None)
    done = accept_value(value=today_of(lena), **WHY)
    assert (done.decision, done.value, done.newest) == ("accepted", 26_003, 26_003)
    assert shown(lena) == (26_003, 26_003)
    assert analytics.tiles(lena.pk)[0].state == "ok" and analytics.notes(lena.pk) == []
    assert suspect_values() == [] and not AccountReading.objects.filter(suspect__isnull=False).exists()
    kept = ValueDecision.objects.get()
    assert (kept.account_id, kept.post_id, kept.captured_on, kept.counter) == (
        lena.pk, None, clock.today(), "follower_count",
    )  # fmt: skip
    assert (kept.value, kept.state, kept.decision) == (26_003, DataState.SPIKE, "accepted")
    assert (kept.reason, kept.decided_by, kept.decided_at) == (WHY["reason"], WHY["decided_by"], clock.now())


def test_accepting_leaves_what_else_is_odd_in_the_row(lena: TrackedAccount, noon: datetime) -> None:
    store_profile(
        lena.pk, profile(follower_count=26_003, heart_count=-1), measured_at=noon + timedelta(minutes=5), intraday=True
    )
    accept_value(value=today_of(lena), **WHY)
    row = AccountSnapshot.objects.get(account=lena, captured_on=noon.date())
    assert (row.suspect, row.state) == ({"heart_count": "negative"}, DataState.NEGATIVE)


def test_accepting_an_old_value_does_not_bring_it_back(lena: TrackedAccount, noon: datetime) -> None:
    suspect = today_of(lena)
    with clock.at(noon + timedelta(days=1)):
        followers_by_day(lena, clock.now(), [20_120])
        assert accept_value(value=suspect, **WHY).newest == 20_120
        assert series(lena.pk, "follower_count", 30).values[-2:] == [26_003, 20_120]


def test_a_rejected_value_does_not_clear_itself_however_often_it_is_repeated(
    lena: TrackedAccount, noon: datetime
) -> None:
    done = reject_value(value=today_of(lena), **WHY)
    assert (done.decision, done.newest) == ("rejected", 20_105)
    assert analytics.tiles(lena.pk)[0].note == "last reading rejected, kept aside"
    followers_by_day(lena, noon, [26_003])
    assert AccountSnapshot.objects.get(account=lena, captured_on=noon.date()).state == DataState.REJECTED
    for days in (1, 2):
        with clock.at(noon + timedelta(days=days)):
            followers_by_day(lena, clock.now(), [26_003 + days])
            assert shown(lena) == (20_105, None)
            assert suspect_values() == [], "it has been decided"
    with clock.at(noon + timedelta(days=3)):
        followers_by_day(lena, clock.now(), [20_150])
        assert shown(lena) == (20_150, 20_150)


def test_what_was_rejected_can_be_accepted_after_all(lena: TrackedAccount) -> None:
    reject_value(value=today_of(lena), **WHY)
    assert accept_value(value=today_of(lena), **WHY).newest == 26_003
    assert shown(lena) == (26_003, 26_003)
    assert list(ValueDecision.objects.order_by("id").values_list("decision", "state")) == [
        ("rejected", DataState.SPIKE),
        ("accepted", DataState.REJECTED),
    ]


def test_a_value_that_the_rules_believed_can_be_rejected(lena: TrackedAccount, noon: datetime) -> None:
    yesterday = noon.date() - timedelta(days=1)
    accept_value(value=today_of(lena), **WHY)
    assert reject_value(value=today_of(lena), **WHY).newest == 20_105
    assert shown(lena) == (20_105, None)
    reject_value(value=ValueId("account", lena.pk, yesterday, "follower_count"), **WHY)
    assert shown(lena) == (20_088, None)


def test_values_of_posts_are_decided_on_too(lena: TrackedAccount, noon: datetime) -> None:
    store_posts(lena.pk, [post(1, noon, play_count=30_001)], measured_at=noon - timedelta(days=1), intraday=True)
    store_posts(lena.pk, [post(1, noon, play_count=7)], measured_at=noon, intraday=True)
    stored = Post.objects.get()
    accept_value(value=ValueId("post", stored.pk, noon.date(), "play_count"), **WHY)
    stored.refresh_from_db()
    assert stored.play_count == 7
    assert "play_count" not in (PostSnapshot.objects.get(captured_on=noon.date()).suspect or {})
    assert ValueDecision.objects.get().post == stored


def test_what_cannot_be_decided_is_said_in_words(lena: TrackedAccount, noon: datetime) -> None:
    store_profile(
        lena.pk, profile(heart_count=-5, video_count=None, follower_count=26_003), measured_at=noon, intraday=True
    )

    def value(counter: str, account_id: int = lena.pk, days: int = 0) -> ValueId:
        return ValueId("account", account_id, noon.date() - timedelta(days=days), counter)

    for bad, sentence in (
        (value("heart_count"), "below zero cannot be true"),
        (value("video_count"), "gave no value"),
        (value("follower_count", days=1), "not suspect"),
    ):
        with pytest.raises(BadInput, match=sentence):
            accept_value(value=bad, **WHY)
    with pytest.raises(NotFound, match="Nothing was read"):
        accept_value(value=value("follower_count", days=300), **WHY)
    with pytest.raises(NotFound, match="no account"):
        accept_value(value=value("follower_count", account_id=2**40), **WHY)
    for reason, sentence in (("  \x00 ", "Say why"), ("x" * 401, "at most 400")):
        with pytest.raises(BadInput, match=sentence):
            accept_value(value=value("follower_count"), reason=reason, decided_by="x")
    reject_value(value=value("follower_count"), **WHY)
    with pytest.raises(BadInput, match="already"):
        reject_value(value=value("follower_count"), **WHY)


@pytest.mark.parametrize(
    "text", ["", "account-1", "account-x-20261115-heart_count", "account-1-20261315-heart_count",
             "account-1-20261115-username", "post-1-20261115-heart_count", "job-1-20261115-heart_count"],
)  # fmt: skip
def test_what_names_no_value_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="names no value"):
        value_id(text)


def test_another_tenants_values_are_neither_seen_nor_decided(cast: Cast, lena: TrackedAccount) -> None:
    with tenant_scope(cast.rival):
        assert suspect_values() == []
        with pytest.raises(NotFound):
            accept_value(value=today_of(lena), **WHY)
    accept_value(value=today_of(lena), **WHY)
    with tenant_scope(cast.rival):
        assert not ValueDecision.objects.exists()


def test_the_command_lists_and_decides(lena: TrackedAccount, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"account-{lena.pk}-20261115-follower_count"
    call_command("quality", "acme")
    assert capsys.readouterr().out == f"{name}  @lena: 26,003 spike, before 20,105\n"
    with pytest.raises(CommandError, match="Say why"):
        call_command("quality", "acme", "--accept", name)
    call_command("quality", "acme", "--accept", name, "--reason", "A real surge.")
    assert capsys.readouterr().out == f"{name}: 26,003 accepted. Shown now: 26,003.\n"
    assert ValueDecision.objects.get().decided_by.startswith("command line, ")
    call_command("quality", "acme")
    assert capsys.readouterr().out == "No value is suspect.\n"
