"""How posts have run is kept: what was not read again is not judged again, and what was is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.breakout import Breakout, breakouts, breakouts_of, known_of
from snapshots.analytics.suspects import value_id
from snapshots.models import Post, PostSnapshot, TrackedAccount
from snapshots.services.quality import reject_value
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tests.queries import statements_of
from tests.snapshots.analytics_insight.test_breakouts import DAY, daily, fresh_post, past_posts
from tests.snapshots.analytics_insight.test_digests import (
    page_is_read,
    post_is_deleted,
    post_is_read_again,
    post_value_is_rejected,
    post_vanishes,
)
from tikdash import clock
from tikdash.db.scope import tenant_scope


def curves_read(tenant: TenantRef) -> bool:
    return any("post_snapshots" in statement for statement in statements_of(lambda: breakouts(tenant.id)))


def test_a_second_look_reads_no_curves_and_says_the_same(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    fresh_post(account)
    fresh_post(account, plays=1_100)
    first = breakouts(acme.id)
    assert len(first) == 1
    assert not curves_read(acme)
    assert breakouts(acme.id) == first


def test_a_post_that_is_read_again_is_judged_again(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    post = fresh_post(account, plays=2_500)
    assert breakouts(acme.id) == [], "looked at, and not far enough ahead"
    PostSnapshot.objects.filter(post=post).update(play_count=30_000)
    Post.objects.filter(pk=post.pk).update(measured_at=clock.now() + timedelta(minutes=1), play_count=30_000)
    assert [each.post_id for each in breakouts(acme.id)] == [post.pk]


def test_a_reference_that_is_read_again_counts_at_once(acme: TenantRef) -> None:
    account = make_account()
    past = past_posts(account, n=8)
    fresh_post(account)
    assert len(breakouts(acme.id)) == 1
    daily(past[0], 3 * DAY, 2_000)
    Post.objects.filter(pk=past[0].pk).update(measured_at=clock.now() + timedelta(minutes=1))
    assert curves_read(acme)


def test_a_post_that_is_found_later_is_a_reference_at_once(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account, n=7)
    fresh_post(account)
    assert breakouts(acme.id) == [], "seven are too few"
    past_posts(account, n=1)
    assert len(breakouts(acme.id)) == 1


def test_what_an_operator_decides_on_an_old_value_counts_at_once(acme: TenantRef) -> None:
    account = make_account()
    past_posts(account)
    post = fresh_post(account)
    assert len(breakouts(acme.id)) == 1
    day = clock.today()
    value = value_id(f"post-{post.pk}-{day:%Y%m%d}-play_count")
    reject_value(value=value, reason="Not seen on TikTok.", decided_by="olga@tikdash.example")
    assert breakouts(acme.id) == []


def test_without_redis_every_post_is_judged(acme: TenantRef, settings: pytest.FixtureRequest) -> None:
    account = make_account()
    past_posts(account)
    fresh_post(account)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # type: ignore[attr-defined]
    assert len(breakouts(acme.id)) == 1
    assert curves_read(acme)


def test_what_is_kept_of_one_tenant_is_not_read_for_another(cast: Cast) -> None:
    for tenant, expected in ((cast.acme, 1), (cast.rival, 0)):
        with tenant_scope(tenant):
            account = make_account()
            past_posts(account, n=10 if expected else 3)
            fresh_post(account)
            assert len(breakouts(tenant.id)) == expected
            assert not curves_read(tenant)


def anew(tenant: TenantRef, account: TrackedAccount, days: int = 90) -> bool:
    """Whether the account's page has to judge its posts; it says what it would say if nothing were kept."""
    found: list[Breakout] = []
    asked = statements_of(lambda: found.extend(breakouts_of(known_of(tenant.id, account.pk, days))))
    assert found == breakouts(tenant.id, [account.pk], days)
    return len(asked) > 1


@pytest.mark.parametrize(
    "event",
    [page_is_read, post_is_read_again, post_vanishes, post_is_deleted, post_value_is_rejected],
    ids=lambda event: event.__name__,
)
def test_an_accounts_page_judges_anew_after_each_change_of_a_post(
    acme: TenantRef, event: Callable[[TrackedAccount], None]
) -> None:
    account, other = make_account(), make_account("other")
    for one in (account, other):
        past_posts(one)
        fresh_post(one)
        assert anew(acme, one) and not anew(acme, one)
    make_snapshots(account, [10_000, 10_100])
    assert not anew(acme, account), "a day of the account is no post"
    event(account)
    assert anew(acme, account) and not anew(acme, account)
    if event is not post_value_is_rejected:
        assert not anew(acme, other), "of the other account nothing was read"


def test_an_accounts_page_judges_anew_when_time_moves_a_post_across_a_border(
    acme: TenantRef, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    past_posts(account)
    fresh_post(account, posted_at=noon - DAY + timedelta(hours=2))
    assert anew(acme, account) and not anew(acme, account)

    def later(hours: float) -> bool:
        monkeypatch.setattr(clock, "now", lambda: noon + timedelta(hours=hours))
        return anew(acme, account)

    assert not later(1)
    assert later(3), "the youngest is a day old now"
    assert not later(4)
    for number in (9, 8):
        # Of ten posts a day apart, the oldest is nineteen days old.
        out_of_range = (90 - 10 - number) * 24
        assert later(out_of_range + 1) and not later(out_of_range + 2)
