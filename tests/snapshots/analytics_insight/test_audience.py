"""Audience: the share of bots with its interval, refused on small samples, and the rows that show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.audience import audience, bot_share, follow_ratio
from snapshots.models import AudienceMember, AudienceSample, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account
from tests.queries import statements_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import NotFound


def sample(account: TrackedAccount, size: int, bots: int, **fields: Any) -> AudienceSample:
    flags = {"no_posts": bots + 5, "default_avatar": bots + 3, "generated_handle": bots + 1, "bot": bots, "private": 7}
    defaults = {"direction": "followers", "sampled_at": clock.now(), "size": size, "total": 10_000, "flags": flags}
    return AudienceSample.objects.create(account=account, **defaults | fields)


def test_the_share_of_bots_is_told_as_printed(acme: TenantRef) -> None:
    account = make_account()
    sample(account, 200, 34)
    newest = audience(account.pk).newest
    assert newest is not None
    share = newest.bot_share
    assert share.value is not None and share.low is not None and share.high is not None
    assert [round(each * 100, 1) for each in (share.value, share.low, share.high)] == [17.0, 12.4, 22.8]
    assert (share.k, share.n, share.reason) == (34, 200, "")
    assert (newest.no_posts, newest.default_avatar, newest.generated_handle, newest.all_three) == (39, 37, 35, 34)
    assert (newest.private, newest.total, newest.sampled_at) == (7, 10_000, clock.now())


@pytest.mark.parametrize(("k", "n"), [(2, 10), (49, 49), (0, 0)])
def test_no_verdict_on_fewer_than_fifty_rows(k: int, n: int) -> None:
    share = bot_share(k, n)
    assert (share.value, share.low, share.high) == (None, None, None)
    assert share.reason == f"Needs a sample of at least 50 followers; it has {n}."
    assert bot_share(0, 50).value == 0.0


def test_history_has_all_samples_and_hidden_followers_are_said(acme: TenantRef) -> None:
    account = make_account()
    for days, size in ((0, 0), (4, 200), (8, 30)):
        sample(account, size, size // 10, sampled_at=clock.now() - timedelta(days=days))
    sample(account, 90, 80, direction="followings")
    found = audience(account.pk)
    assert [each.size for each in found.history] == [0, 200, 30]
    assert found.newest == found.history[1]
    assert found.history[2].bot_share.value is None
    assert found.reason.startswith("The newest sample shows nobody")


def test_without_a_sample_it_says_so(acme: TenantRef) -> None:
    found = audience(make_account().pk)
    assert (found.newest, found.examples, found.history) == (None, [], [])
    assert found.reason == "No followers have been sampled yet."
    hidden = make_account()
    sample(hidden, 0, 0)
    assert audience(hidden.pk).reason == "The account hides its followers: no sample has a row."


def test_examples_show_who_bears_all_signs_first_and_nobody_without_one(acme: TenantRef) -> None:
    account = make_account()
    of = sample(account, 200, 34)
    rows = {
        "quiet": ["no_posts", "private"],
        "user1234567": ["no_posts", "default_avatar", "generated_handle", "bot"],
        "friend": ["private", "verified"],
        "grey": ["no_posts", "default_avatar"],
    }
    for number, (name, flags) in enumerate(rows.items()):
        AudienceMember.objects.create(
            account=account, sample=of, tiktok_user_id=str(number), username=name, flags=flags, video_count=0
        )
    examples = audience(account.pk).examples
    assert [each.username for each in examples] == ["user1234567", "grey", "quiet"]
    assert (examples[0].videos, examples[0].followers) == (0, None)
    assert len(statements_of(lambda: audience(account.pk))) == 2


@pytest.mark.parametrize(
    ("followers", "following", "value", "reason"),
    [
        (10_000, 100, 100.0, ""),
        (0, 50, 0.0, ""),
        (5, 0, None, "The account follows nobody."),
        (None, 5, None, "TikTok has not told both numbers."),
    ],
)
def test_followers_over_followings(
    followers: int | None, following: int | None, value: float | None, reason: str
) -> None:
    found = follow_ratio(followers, following, clock.now())
    assert (found.value, found.reason) == (value, reason)


def test_the_ratio_is_of_the_accounts_newest_numbers(acme: TenantRef) -> None:
    found = audience(make_account(follower_count=900, following_count=300).pk).follow_ratio
    assert (found.value, found.as_of) == (3.0, clock.now())


def test_another_tenants_audience_is_not_there(acme: TenantRef, cast: Cast) -> None:
    account = make_account()
    sample(account, 200, 34)
    with tenant_scope(cast.rival), pytest.raises(NotFound):
        audience(account.pk)
