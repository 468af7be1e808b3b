"""What needs attention, what happened to an account, and its stories."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.attention import KINDS, Notice, attention
from snapshots.analytics.history import Annotation, history
from snapshots.analytics.stories import stories
from snapshots.models import AccountHandle, AccountSnapshot, FetchJob
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post, make_story
from tests.queries import statements_of
from tests.snapshots.analytics_insight.test_breakouts import fresh_post, past_posts
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def make_everything() -> None:
    """One account for each kind of notice, and one that needs none."""
    now = clock.now()
    make_job(make_account("fine"), cadence_s=86_400)
    make_account("gone", state="not_found", measured_at=now - 3 * DAY)
    make_account("closed", state="private", measured_at=now - 2 * DAY)
    make_job(
        make_account("stuck"), "posts", state=FetchJob.State.DEAD, failed_at=now - HOUR, error="TikTok did not answer."
    )
    make_job(make_account("slow", measured_at=now - 13 * HOUR), cadence_s=6 * 3600)
    odd = make_account("odd")
    AccountSnapshot.objects.create(
        account=odd,
        captured_on=now.date(),
        captured_at=now,
        heart_count=-5,
        follower_count=0,
        video_count=100,
        suspect={"heart_count": "negative", "follower_count": "zeroed", "video_count": "rounded"},
    )
    loser = make_account("loser")
    for days in (1, 6, 8):
        make_post(loser, posted_at=now - 10 * DAY, deleted_at=now - days * DAY)
    AccountHandle.objects.create(account=make_account("newname"), username="oldname", replaced_at=now - 6 * DAY)
    AccountHandle.objects.create(account=make_account("longago"), username="older", replaced_at=now - 8 * DAY)


def test_each_thing_that_needs_attention_is_a_sentence_the_weightiest_first(acme: TenantRef) -> None:
    make_everything()
    now = clock.now()
    found = attention(acme.id)
    assert [(each.kind, each.handle, each.sentence, each.since) for each in found] == [
        ("not_found", "gone", "@gone is not found on TikTok any more.", now - 3 * DAY),
        ("dead_job", "stuck", "Posts of @stuck failed too often and stopped: TikTok did not answer.", now - HOUR),
        ("private", "closed", "@closed has become private: only its header can be read.", now - 2 * DAY),
        ("suspect", "odd", "The newest followers and hearts of @odd look wrong and were kept aside.", now),
        ("stale", "slow", "@slow was last read 13 h ago; it should be read every 6 h.", now - 13 * HOUR),
        ("vanished", "loser", "2 posts of @loser vanished in the last 7 days.", now - DAY),
        ("renamed", "newname", "@oldname is now @newname.", now - 6 * DAY),
    ]
    assert [each.kind for each in found] == list(KINDS)
    assert len(statements_of(lambda: attention(acme.id))) == 1


def test_a_good_number_ends_the_doubt_and_a_paused_account_is_left_alone(acme: TenantRef) -> None:
    now = clock.now()
    odd, paused = make_account(), make_account(state="paused", measured_at=now - 30 * DAY)
    for account in (odd, paused):
        AccountSnapshot.objects.create(
            account=account, captured_on=now.date() - DAY, captured_at=now - DAY, suspect={"heart_count": "negative"}
        )
    AccountSnapshot.objects.create(account=odd, captured_on=now.date(), captured_at=now, suspect=None)
    make_job(paused, cadence_s=3600)
    assert attention(acme.id) == []


def test_an_account_that_was_never_read_is_stale_from_when_it_was_tracked(acme: TenantRef) -> None:
    make_job(make_account(measured_at=None, tracked_since=clock.now() - 3 * DAY), cadence_s=86_400)
    [notice] = attention(acme.id)
    assert (notice.kind, notice.since) == ("stale", clock.now() - 3 * DAY)


def test_at_most_a_hundred_of_the_accounts_that_were_asked_for(acme: TenantRef, cast: Cast) -> None:
    accounts = [make_account(state="not_found").pk for _ in range(105)]
    assert len(attention(acme.id)) == 100
    assert [each.account_id for each in attention(acme.id, accounts[:1])] == accounts[:1]
    assert attention(acme.id, []) == []
    with tenant_scope(cast.rival):
        assert attention(acme.id) == attention(cast.rival.id, accounts) == []


def test_a_notice_names_the_part_of_the_page(acme: TenantRef) -> None:
    account = make_account(state="private")
    notice = attention(acme.id)[0]
    assert notice == Notice("private", account.pk, account.username, notice.sentence, account.measured_at, "header")


def test_the_history_of_an_account_is_told_day_by_day(acme: TenantRef) -> None:
    account, now = make_account("newname"), clock.now()
    past_posts(account)
    post = fresh_post(account)
    make_post(account, title="Buns", posted_at=now - 40 * DAY, deleted_at=now - 5 * DAY)
    for _ in range(2):
        make_post(account, posted_at=now - 40 * DAY, deleted_at=now - 4 * DAY)
    AccountHandle.objects.create(account=account, username="oldname", replaced_at=now - 20 * DAY)
    for days, suspect in ((7, {"heart_count": "negative", "video_count": "zeroed"}), (6, {"heart_count": "rounded"})):
        AccountSnapshot.objects.create(
            account=account, captured_on=now.date() - days * DAY, captured_at=now - days * DAY, suspect=suspect
        )
    make_post(make_account(), posted_at=now - 40 * DAY, deleted_at=now - DAY)

    found = history(account.pk)

    assert [(each.day, each.kind) for each in found] == [
        (date(2026, 10, 26), "renamed"),
        (date(2026, 11, 8), "incident"),
        (date(2026, 11, 10), "vanished"),
        (date(2026, 11, 11), "vanished"),
        (date(2026, 11, 15), "breakout"),
    ]
    assert [each.text for each in found[:4]] == [
        "The handle changed; it was @oldname.",
        "TikTok’s answer had odd hearts and videos; kept aside, not in charts.",
        "The post “Buns” vanished.",
        "2 posts vanished.",
    ]
    assert found[4].text.startswith("12.0× its usual views at 24 h") and found[4].post_id == post.pk
    assert len(statements_of(lambda: history(account.pk))) == 2, "the breakouts of a moment ago are kept"
    assert {each.kind for each in history(account.pk, days=5)} == {"vanished", "breakout"}


def test_a_range_that_cannot_be_is_refused(acme: TenantRef) -> None:
    for days in (0, 367):
        with pytest.raises(BadInput):
            history(1, days)
        with pytest.raises(BadInput):
            stories(1, days)


def test_nothing_of_another_tenants_account_is_told(acme: TenantRef, cast: Cast) -> None:
    account = make_account()
    make_post(account, deleted_at=clock.now() - DAY)
    make_story(account)
    assert [type(each) for each in history(account.pk)] == [Annotation]
    with tenant_scope(cast.rival):
        assert history(account.pk) == []
        assert stories(account.pk).live == []


def test_stories_are_live_until_they_expire(acme: TenantRef) -> None:
    account, now = make_account(), clock.now()
    live = make_story(account, posted_at=now - 23 * HOUR, expires_at=now + HOUR, play_count=800, title="Dough")
    over = make_story(account, posted_at=now - 24 * HOUR, expires_at=now, measured_at=now - HOUR, play_count=None)
    make_story(account, posted_at=now - 40 * DAY, expires_at=now - 39 * DAY)
    make_story(make_account())
    found = stories(account.pk)
    assert [(each.id, each.plays, each.seconds_left, each.title) for each in found.live] == [
        (live.pk, 800, 3600, "Dough")
    ]
    assert [(each.id, each.plays, each.seconds_left, each.as_of) for each in found.past] == [
        (over.pk, None, 0, now - HOUR)
    ]
    assert found.as_of == now
    assert len(stories(account.pk, days=60).past) == 2
    assert stories(make_account().pk).as_of is None
    assert len(statements_of(lambda: stories(account.pk))) == 1
