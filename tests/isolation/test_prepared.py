"""Statements that PostgreSQL has planned once for a connection hold every later scope of that connection apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Membership, Session, User
from accounts.selectors import TenantRef, arrival_at
from snapshots.analytics import growth
from snapshots.ingest.upsert import store_posts
from snapshots.models import Post, PostSnapshot
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tests.simulating import NOW
from tests.snapshots.test_upsert import post
from tikdash.db.scope import all_tenants, current_scope, no_scope, prepared_row, tenant_scope
from tikdash.errors import NotFound

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: After five executions PostgreSQL may keep one plan for all parameters.
OFTEN = 12
FOLLOWERS = "SELECT count(*), min(follower_count), max(tenant_id) FROM account_snapshots WHERE captured_on <= %s"


def seen() -> tuple[int, int | None, int | None]:
    row = prepared_row(FOLLOWERS, [date(9999, 1, 1)])
    assert row is not None
    return row  # type: ignore[return-value]


@pytest.fixture
def accounts(cast: Cast) -> Iterator[dict[str, int]]:
    ids = {}
    for followers, tenant in enumerate(cast.tenants, start=1):
        with tenant_scope(tenant):
            account = make_account(tenant.slug)
            make_snapshots(account, [followers])
            ids[tenant.slug] = account.pk
    yield ids


def test_a_plan_made_for_one_tenant_shows_the_next_one_only_its_own_rows(cast: Cast, accounts: dict[str, int]) -> None:
    for tenant in (cast.acme, cast.rival, cast.globex, cast.acme):
        followers = cast.tenants.index(tenant) + 1
        with tenant_scope(tenant):
            assert [seen() for _ in range(OFTEN)] == [(1, followers, tenant.id)] * OFTEN


def test_a_plan_made_under_the_hat_of_operations_shows_a_tenant_only_its_own_rows(
    cast: Cast, accounts: dict[str, int]
) -> None:
    for _ in range(2):
        with all_tenants("shared"):
            assert [seen()[0] for _ in range(OFTEN)] == [2] * OFTEN
        with tenant_scope(cast.rival):
            assert [seen() for _ in range(OFTEN)] == [(1, 2, cast.rival.id)] * OFTEN


def test_series_of_another_tenants_account_does_not_exist_however_often_its_owner_has_read_it(
    cast: Cast, accounts: dict[str, int]
) -> None:
    with tenant_scope(cast.acme):
        for _ in range(OFTEN):
            assert growth.series(accounts["acme"], "follower_count", 90).values == [1]
    with tenant_scope(cast.rival), pytest.raises(NotFound):
        growth.series(accounts["acme"], "follower_count", 90)


def test_arriving_at_a_host_leaves_the_callers_scope_as_it_was(cast: Cast, accounts: dict[str, int]) -> None:
    with no_scope():
        for tenant in cast.tenants:
            assert arrival_at(f"{tenant.slug}.localhost", "") is not None
            assert current_scope().tenant_id is None
            # The session is in the tenant's scope; the next statement is in the caller's.
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('app.tenant_id'), (SELECT count(*) FROM shared.accounts)")
                assert cursor.fetchone() == ("", 0)


def test_arriving_puts_the_session_into_the_very_scope_that_the_tenant_enters(
    cast: Cast, accounts: dict[str, int]
) -> None:
    for tenant in cast.tenants:
        for scope in (all_tenants("shared"), *(tenant_scope(other) for other in cast.tenants)):
            with scope:
                assert seen()[0] >= 1
            arrive(tenant)
            with tenant_scope(tenant), connection.cursor() as cursor:
                assert seen()[2] == tenant.id
                cursor.execute("SELECT current_user, current_schema()")
                assert cursor.fetchone() == (connection.settings_dict["USER"], tenant.schema_name)


def test_arriving_nowhere_or_in_a_block_that_is_rolled_back_changes_nothing(
    cast: Cast, accounts: dict[str, int]
) -> None:
    with tenant_scope(cast.rival):
        assert seen()[2] == cast.rival.id
        assert arrival_at("nobody.localhost", "") is None
        assert seen()[2] == cast.rival.id
    with transaction.atomic():
        arrive(cast.acme)
        transaction.set_rollback(True)
    with tenant_scope(cast.acme):
        assert seen()[2] == cast.acme.id


@pytest.fixture
def asking(cast: Cast, accounts: dict[str, int]) -> Client:
    """Max, logged in at Acme, who has looked around there often."""
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.max, backend=BACKEND)
    for _ in range(OFTEN):
        assert client.get(f"/accounts/{accounts['acme']}/series.json").status_code == 200
    return client


def status(client: Client, account_id: int) -> int:
    return client.get(f"/accounts/{account_id}/series.json").status_code


def test_a_removed_member_is_refused_at_the_next_request(cast: Cast, asking: Client, accounts: dict[str, int]) -> None:
    Membership.objects.filter(user=cast.max, tenant_id=cast.acme.id).delete()
    assert status(asking, accounts["acme"]) == 404


def test_a_person_who_was_switched_off_is_logged_out_at_the_next_request(
    cast: Cast, asking: Client, accounts: dict[str, int]
) -> None:
    User.objects.filter(pk=cast.max.pk).update(is_active=False)
    assert status(asking, accounts["acme"]) == 302


def test_a_changed_password_logs_out_at_the_next_request(cast: Cast, asking: Client, accounts: dict[str, int]) -> None:
    User.objects.filter(pk=cast.max.pk).update(password="pbkdf2_sha256$1$other$other")
    assert status(asking, accounts["acme"]) == 302


def test_a_session_that_is_over_or_forged_logs_nobody_in(asking: Client, accounts: dict[str, int]) -> None:
    kept, key = Session.objects.get(), asking.cookies["sessionid"].value
    Session.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert status(asking, accounts["acme"]) == 302
    kept.data = kept.data[:-3] + "abc"
    kept.save()
    asking.cookies["sessionid"] = key
    assert status(asking, accounts["acme"]) == 302
    for key in (kept.key_hash, "x' OR '1'='1", "\x00" * 32, "é" * 32):
        asking.cookies["sessionid"] = key
        assert status(asking, accounts["acme"]) == 302


def test_a_session_of_one_workspace_opens_no_other(asking: Client, accounts: dict[str, int]) -> None:
    asking.defaults["HTTP_HOST"] = "rival.localhost"
    for path in (f"/accounts/{accounts['rival']}/series.json", "/accounts/"):
        assert asking.get(path, headers={"host": "rival.localhost"}).status_code == 404


def arrive(tenant: TenantRef) -> None:
    arrival = arrival_at(f"{tenant.slug}.localhost", "")
    assert arrival is not None
    assert arrival.tenant == tenant


def test_pages_that_are_stored_by_one_plan_go_to_the_tenant_of_the_scope(cast: Cast) -> None:
    noon = datetime.fromisoformat(NOW)
    page = [post(number, noon) for number in range(3)]
    accounts = {}
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            accounts[tenant.slug] = make_account().pk
    for number in range(OFTEN):
        for tenant in cast.tenants:
            with tenant_scope(tenant):
                store_posts(accounts[tenant.slug], page, measured_at=noon + timedelta(hours=number))
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            for model in (Post, PostSnapshot):
                assert list(model.objects.values_list("tenant_id", flat=True)) == [tenant.id] * 3
            assert {each.measured_at for each in Post.objects.all()} == {noon + timedelta(hours=OFTEN - 1)}
