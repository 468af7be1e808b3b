"""How an account does among its peers: counted over all tenants, said only where nobody can be told from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from accounts.selectors import TenantRef
from accounts.services.tenants import create_tenant
from snapshots.analytics.peers import KEY, count_peers, load, percentile, size_of
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account
from tests.snapshots.analytics.rows import captured, posted
from tests.snapshots.analytics.sent import statements_sent
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput
from tikdash.redis import server


@pytest.fixture
def tenants(cast: Cast, noon: object) -> Iterator[list[TenantRef]]:
    """Six tenants, Globex in a schema of its own; nothing is counted yet."""
    server().connection.delete(KEY)
    yield [*cast.tenants, *(create_tenant(slug=f"peer{place}") for place in range(3))]
    server().connection.delete(KEY)


def track(tenant: TenantRef, rates: Sequence[int], followers: int = 50_000, **fields: object) -> list[TrackedAccount]:
    """Accounts of `tenant`, each with three posts of 1,000 views and an engagement of so many hundredths."""
    with tenant_scope(tenant):
        accounts = [make_account(follower_count=followers, **fields) for _ in rates]
        for account, rate in zip(accounts, rates, strict=True):
            for days in (2, 3, 4):
                posted(account, days, 1_000, rate * 10, 0, 0)
    return accounts


def spread(tenants: Sequence[TenantRef], each: int = 4) -> None:
    """Rates of 1, 2, 3 … %, dealt out in turns."""
    for place, tenant in enumerate(tenants):
        track(tenant, range(1 + place, 1 + place + each * len(tenants), len(tenants)))


def test_a_value_is_placed_among_accounts_of_its_size(tenants: list[TenantRef]) -> None:
    spread(tenants)
    assert count_peers() == 24
    found = [percentile("er_views", 50_000, rate / 100) for rate in (0.1, 6.9, 12.5, 18.5, 99)]
    assert [peer.percent for peer in found] == [0, 25, 50, 75, 95]
    assert {(peer.size, peer.n_accounts, peer.reason) for peer in found} == {("10k–100k", 20, "")}
    assert found[0].as_of == clock.now()


def test_other_sizes_and_metrics_without_enough_accounts_say_nothing(tenants: list[TenantRef]) -> None:
    spread(tenants)
    count_peers()
    assert percentile("er_views", 5_000, 0.05).reason == (
        "There are too few accounts with under 10k followers to compare with."
    )
    assert percentile("follower_growth", 50_000, 0.05).percent is None, "nobody was read a month ago"
    assert percentile("views_per_follower", 50_000, 0.02).percent is not None


def test_growth_of_followers_is_compared_too(tenants: list[TenantRef]) -> None:
    for place, tenant in enumerate(tenants):
        for number, account in enumerate(track(tenant, [5] * 4)):
            with tenant_scope(tenant):
                captured(account, 30, 50_000)
                captured(account, 0, 50_000 + 500 * (place * 4 + number))
    count_peers()
    assert percentile("follower_growth", 50_000, 0.118).percent == 50


@pytest.mark.parametrize(("of_tenants", "each"), [(6, 3), (4, 6)], ids=["18 accounts", "4 tenants"])
def test_a_cell_below_the_limits_says_nothing(tenants: list[TenantRef], of_tenants: int, each: int) -> None:
    spread(tenants[:of_tenants], each)
    count_peers()
    peer = percentile("er_views", 50_000, 0.05)
    assert (peer.percent, peer.n_accounts) == (None, 0)
    assert peer.reason == "There are too few accounts with 10k–100k followers to compare with."


def test_a_cell_that_is_mostly_one_tenants_says_nothing(tenants: list[TenantRef]) -> None:
    spread(tenants[1:])
    track(tenants[0], range(1, 22))
    count_peers()
    assert percentile("er_views", 50_000, 0.05).percent is None


def test_a_creator_whom_several_tenants_track_counts_once(tenants: list[TenantRef]) -> None:
    for tenant in tenants:
        for number in range(5):
            track(tenant, [number + 1], tiktok_user_id=str(number))
    assert count_peers() == 5
    assert percentile("er_views", 50_000, 0.03).percent is None


def test_a_creator_counts_with_the_numbers_that_were_read_last(tenants: list[TenantRef]) -> None:
    earlier = clock.now() - timedelta(hours=1)
    for place, tenant in enumerate(tenants):
        for account in track(tenant, range(1 + place, 25, 6)):
            other = tenants[place - 1]
            track(other, [90], tiktok_user_id=account.tiktok_user_id, measured_at=earlier)
    assert count_peers() == 24
    assert percentile("er_views", 50_000, 0.125).percent == 50


def test_accounts_that_were_not_read_lately_are_no_peers(tenants: list[TenantRef]) -> None:
    for tenant in tenants:
        track(tenant, range(1, 5), measured_at=clock.now() - timedelta(days=15))
    assert count_peers() == 0


def test_accounts_that_a_tenant_has_removed_are_no_peers(tenants: list[TenantRef]) -> None:
    spread(tenants)
    for schema in ("shared", "tenant_globex"):
        with all_tenants(schema):
            TrackedAccount.objects.update(removed_at=clock.now())
    assert count_peers() == 0


def test_what_is_kept_names_nobody_and_gives_no_accounts_own_number(tenants: list[TenantRef]) -> None:
    # Of 21 accounts every 20th part of the way falls right on one of them.
    rates = [1_234 + 567 * number for number in range(21)]
    for number, rate in enumerate(rates):
        with tenant_scope(tenants[number % 6]):
            account = make_account(f"secret{number}", follower_count=50_000, nickname="Secret")
            for days in (2, 3, 4):
                posted(account, days, 100_000, rate, 0, 0)
    assert count_peers() == 21
    kept = server().connection.get(KEY)
    assert isinstance(kept, bytes)
    for word in ("secret", "acme", "rival", "globex", "peer0", "tenant", "account_id"):
        assert word not in kept.decode().lower()
    assert not {rate / 100_000 for rate in rates} & set(load().cells["10k–100k"]["er_views"].percentiles)


def test_one_more_account_of_another_tenant_does_not_show_in_the_number_of_peers(tenants: list[TenantRef]) -> None:
    spread(tenants)
    count_peers()
    before = percentile("er_views", 50_000, 0.05)
    track(tenants[1], [5])
    count_peers()
    assert percentile("er_views", 50_000, 0.05).n_accounts == before.n_accounts


def test_before_anything_was_counted_there_is_a_sentence(tenants: list[TenantRef]) -> None:
    peer = percentile("er_views", 50_000, 0.05)
    assert (peer.percent, peer.as_of) == (None, None)
    assert peer.reason


def test_what_the_account_itself_lacks_is_said(tenants: list[TenantRef]) -> None:
    spread(tenants)
    count_peers()
    assert percentile("er_views", 50_000, None).reason == "The account itself has no such number."
    assert percentile("er_views", None, 0.05).reason == "The followers of this account are not known."


def test_pages_work_without_redis(tenants: list[TenantRef], settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # type: ignore[attr-defined]
    assert count_peers() == 0
    assert percentile("er_views", 50_000, 0.05).percent is None


def test_only_three_metrics_are_compared() -> None:
    with pytest.raises(BadInput, match="is not compared"):
        percentile("consistency", 50_000, 0.05)
    with pytest.raises(BadInput, match="There is no metric"):
        percentile("x", 50_000, 0.05)


@pytest.mark.parametrize(
    ("followers", "size"),
    [
        (0, "under 10k"),
        (9_999, "under 10k"),
        (10_000, "10k–100k"),
        (99_999, "10k–100k"),
        (100_000, "100k–1M"),
        (999_999, "100k–1M"),
        (1_000_000, "1M and more"),
        (150_000_000, "1M and more"),
    ],
)
def test_sizes_are_classes_of_followers(followers: int, size: str) -> None:
    assert size_of(followers) == size


def test_a_schema_takes_four_statements_whatever_its_accounts(tenants: list[TenantRef]) -> None:
    """The accounts, their posts, their growth, and that there are no more; with the scopes of two schemas."""
    track(tenants[0], [1])
    track(tenants[2], [1])
    few = statements_sent(count_peers)
    spread(tenants)
    assert statements_sent(count_peers) == few
