"""Up to ten accounts beside each other: lines on one axis, the table, and shares of voice that add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.compare import ShareOfVoice, series_of, table, voices
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tests.snapshots.analytics.rows import captured, make_test_account, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound


def test_lines_share_the_days_and_keep_the_order_that_was_asked_for(acme: TenantRef) -> None:
    one, two = make_account("one"), make_account("two")
    make_snapshots(one, [10, 20, 30, 40])
    captured(two, 2, 500)
    captured(two, 0, 510)
    found = series_of(tenant_id=acme.id, account_ids=[two.pk, one.pk], metric="follower_count", days=30)
    assert found.dates == ["2026-11-12", "2026-11-13", "2026-11-14", "2026-11-15"]
    assert [(line.handle, line.values, line.n) for line in found.lines] == [
        ("two", [None, 500, None, 510], 2),
        ("one", [10, 20, 30, 40], 4),
    ]
    assert (found.indexed, found.base_on, found.lines[0].as_of) == (False, None, clock.now())


def test_indexed_lines_are_100_on_the_first_common_sound_day(acme: TenantRef) -> None:
    one, two = make_account(), make_account()
    make_snapshots(one, [10, 20, 30, 40])
    captured(two, 3, 0, suspect={"follower_count": "zeroed"})
    captured(two, 2, 500)
    captured(two, 0, 550)
    found = series_of(tenant_id=acme.id, account_ids=[one.pk, two.pk], metric="follower_count", days=30, indexed=True)
    assert found.base_on == date(2026, 11, 13)
    assert [line.values for line in found.lines] == [[50, 100, 150, 200], [None, 100, None, pytest.approx(110)]]


def test_a_line_that_cannot_be_drawn_says_why_and_does_not_stop_the_others(acme: TenantRef) -> None:
    one, unread, zero = make_account(), make_account(), make_account()
    make_snapshots(one, [10, 20])
    make_snapshots(zero, [0, 5])
    ids = [one.pk, unread.pk, zero.pk]
    found = series_of(tenant_id=acme.id, account_ids=ids, metric="follower_count", days=30, indexed=True)
    assert [(line.values, line.reason) for line in found.lines] == [
        ([100, 200], ""),
        ([None, None], "There is no sound value in this range."),
        ([None, None], "It cannot be indexed: it stood at 0 on the first common day."),
    ]


def test_accounts_without_a_common_day_cannot_be_indexed(acme: TenantRef) -> None:
    one, two = make_account(), make_account()
    captured(one, 3, 100)
    captured(two, 1, 100)
    found = series_of(tenant_id=acme.id, account_ids=[one.pk, two.pk], metric="follower_count", days=30, indexed=True)
    assert found.base_on is None
    assert {line.reason for line in found.lines} == {
        "There is no day on which all of these accounts have a sound value."
    }


def test_accounts_that_were_never_read_have_no_days(acme: TenantRef) -> None:
    account = make_account()
    for indexed in (False, True):
        found = series_of(
            tenant_id=acme.id, account_ids=[account.pk], metric="follower_count", days=30, indexed=indexed
        )
        assert (found.dates, found.lines[0].values, found.lines[0].as_of) == ([], [], None)


def test_the_table_holds_the_metrics_of_each_account(acme: TenantRef) -> None:
    test, other = make_test_account(), make_account()
    found = table(tenant_id=acme.id, account_ids=[other.pk, test.pk])
    assert [each.account_id for each in found] == [other.pk, test.pk]
    assert found[1].values["views_median"].value == 1750


def shares(found: ShareOfVoice) -> list[tuple[float | int | None, ...]]:
    return [(each.plays.value, each.engagement.value, each.posts.value) for each in found.voices]


def test_shares_of_voice_add_up(acme: TenantRef) -> None:
    one, two, three = make_account(), make_account(), make_account()
    posted(one, 3, 120_000, 50, 25, 25)
    posted(two, 5, 300_000, 100, 50, 50)
    posted(two, 6, 60_000, 60, 20, 20)
    posted(three, 2, 20_000, 50, 25, 25)
    found = voices(tenant_id=acme.id, account_ids=[one.pk, two.pk, three.pk], days=7)
    assert shares(found) == [(0.24, 0.2, 0.25), (0.72, 0.6, 0.5), (0.04, 0.2, 0.25)]
    assert [each.plays.n for each in found.voices] == [1, 2, 1]
    assert (found.as_of, found.days) == (clock.now(), 7)


def test_young_old_and_deleted_posts_have_no_voice(acme: TenantRef) -> None:
    one, two = make_account(), make_account()
    for days in (0.5, 6, 8, 29, 31, 89, 91):
        posted(one, days, 100)
        posted(two, days, 100)
    posted(two, 6, 100, deleted_at=clock.now())
    for days, n in ((7, 1), (30, 3), (90, 5)):
        found = voices(tenant_id=acme.id, account_ids=[one.pk, two.pk], days=days)
        assert [(each.posts.value, each.posts.n) for each in found.voices] == [(0.5, n), (0.5, n)]


def test_a_silent_account_has_a_true_zero_and_an_unread_one_has_none(acme: TenantRef) -> None:
    loud, silent, unread = make_account(), make_account(), make_account()
    posted(loud, 3, 100)
    posted(silent, 300)
    found = voices(tenant_id=acme.id, account_ids=[loud.pk, silent.pk, unread.pk])
    assert [each.plays.value for each in found.voices] == [1.0, 0.0, None]
    assert found.voices[2].plays.reason == "The posts of this account have not been read yet."


def test_without_anything_to_share_there_is_a_reason(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 3, 0)
    found = voices(tenant_id=acme.id, account_ids=[account.pk]).voices[0]
    assert (found.plays.value, found.posts.value) == (None, 1.0)
    assert found.plays.reason == "There is nothing to share out: the sum over all accounts is 0."


def test_posts_with_unknown_views_are_said_to_be_missing(acme: TenantRef) -> None:
    account = make_account()
    posted(account, 3, None)
    posted(account, 3, 10)
    found = voices(tenant_id=acme.id, account_ids=[account.pk]).voices[0]
    assert (found.plays.n, found.plays.state, found.posts.n, found.posts.state) == (1, "missing", 2, "ok")


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        ([], "at least one account"),
        (list(range(1, 12)), "At most 10 accounts can be compared; you chose 11"),
        ([1, 2, 1], "chosen twice"),
    ],
)
def test_impossible_choices_are_refused(acme: TenantRef, ids: Sequence[int], sentence: str) -> None:
    for ask in (
        lambda: series_of(tenant_id=acme.id, account_ids=ids, metric="follower_count", days=30),
        lambda: table(tenant_id=acme.id, account_ids=ids),
        lambda: voices(tenant_id=acme.id, account_ids=ids),
    ):
        with pytest.raises(BadInput, match=sentence):
            ask()


def test_unknown_counters_and_ranges_are_refused(acme: TenantRef) -> None:
    account = make_account()
    with pytest.raises(BadInput, match="There is no metric"):
        series_of(tenant_id=acme.id, account_ids=[account.pk], metric="er_views; DROP TABLE", days=30)
    with pytest.raises(BadInput, match="between 1 and 3,660"):
        series_of(tenant_id=acme.id, account_ids=[account.pk], metric="follower_count", days=0)
    with pytest.raises(BadInput, match="7, 30 or 90 days"):
        voices(tenant_id=acme.id, account_ids=[account.pk], days=31)


def test_another_tenants_account_is_not_found(cast: Cast, noon: object) -> None:
    with tenant_scope(cast.rival):
        foreign = make_test_account()
    with tenant_scope(cast.acme):
        ids = [make_account().pk, foreign.pk]
        for tenant in (cast.acme, cast.rival):
            for ask in (
                lambda: series_of(tenant_id=tenant.id, account_ids=ids, metric="follower_count", days=30),  # noqa: B023
                lambda: table(tenant_id=tenant.id, account_ids=ids),  # noqa: B023
                lambda: voices(tenant_id=tenant.id, account_ids=ids),  # noqa: B023
            ):
                with pytest.raises(NotFound, match="not in this workspace"):
                    ask()


def test_statements_do_not_grow_with_accounts(acme: TenantRef) -> None:
    ids = [make_test_account().pk for _ in range(5)]
    for expected, ask in (
        (1, lambda: series_of(tenant_id=acme.id, account_ids=ids, metric="follower_count", days=365)),
        (2, lambda: table(tenant_id=acme.id, account_ids=ids)),
        (1, lambda: voices(tenant_id=acme.id, account_ids=ids)),
    ):
        assert statements_sent(ask) == expected
