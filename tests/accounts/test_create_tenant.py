"""A new customer: in the shared schema one row and one address, on request a schema of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Domain, Membership, Shard, Tenant, User
from accounts.services.tenants import RESERVED_SLUGS, add_member, create_tenant
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account
from tests.threads import at_once
from tikdash import clock
from tikdash.db.rls import faults_of_tables, tables_of
from tikdash.db.scope import owner, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound, TikdashError


def relations() -> set[tuple[str, str]]:
    """(schema, name) of everything in the database that is ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname !~ '^(pg_|information_schema)'"
        )
        return set(cursor.fetchall())


@pytest.fixture
def unchanged(cast: Cast) -> Iterator[None]:
    """After the test there is no tenant, address or table more than before."""
    before = Tenant.objects.count(), Domain.objects.count(), Shard.objects.count(), relations()
    yield
    assert (Tenant.objects.count(), Domain.objects.count(), Shard.objects.count(), relations()) == before


def test_a_shared_tenant_is_a_row_and_reached_at_its_address_at_once(cast: Cast) -> None:
    before = relations()
    tenant = create_tenant(slug=" Northwind ", name="Northwind Traders", plan="pro", time_zone="Europe/Oslo")
    assert relations() == before
    assert (tenant.slug, tenant.schema_name, tenant.state, tenant.plan) == ("northwind", "shared", "active", "pro")
    assert Domain.objects.get(domain="northwind.localhost").tenant_id == tenant.id
    with tenant_scope(tenant):
        assert TrackedAccount.objects.count() == 0
        make_account()
    assert Client(headers={"host": "northwind.localhost"}).get("/log-in/").status_code == 200


def test_a_trial_ends_after_two_weeks(cast: Cast) -> None:
    tenant = create_tenant(slug="trying", trial=True)
    assert (tenant.state, tenant.key_mode, tenant.plan, tenant.name) == ("trial", "trial", "free", "trying")
    assert tenant.trial_ends_at is not None
    assert abs(tenant.trial_ends_at - clock.now() - timedelta(days=14)) < timedelta(minutes=1)


def test_a_dedicated_tenant_gets_a_sound_schema_with_every_table_of_the_shared_one(committed_db: Cast) -> None:
    tenant = create_tenant(slug="north-wind", plan="enterprise", dedicated=True)
    assert tenant.schema_name == "tenant_north_wind"
    assert Shard.objects.get(schema_name="tenant_north_wind").kind == "dedicated"
    names = [
        {table["name"] for table in tables_of(connection, schema) if not table["is_partition"]}
        for schema in ("tenant_north_wind", "shared")
    ]
    assert names[0] == names[1] and "posts" in names[0]
    assert faults_of_tables(connection, "tenant_north_wind") == []
    with tenant_scope(tenant):
        make_account("only.here")
        assert TrackedAccount.objects.get().tenant_id == tenant.id
    with tenant_scope(committed_db.acme):
        assert not TrackedAccount.objects.exists()


def test_a_dedicated_schema_that_was_made_half_way_is_completed(committed_db: Cast) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA tenant_halfway")
    tenant = create_tenant(slug="halfway", plan="enterprise", dedicated=True)
    with tenant_scope(tenant):
        make_account()


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "slug",
    ["", " ", "-a", "a-", "1a", "a_b", "a.b", "a b", "ä", "a" * 41, "a/b", "a\x00b", "'; --", "аcme", "a\nb"],
)
def test_a_slug_that_cannot_be_an_address_is_refused(slug: str) -> None:
    with pytest.raises(BadInput, match="cannot be an address. Use 1–40 lower-case letters, digits and hyphens"):
        create_tenant(slug=slug, dedicated=True)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_a_slug_that_tikdash_needs_itself_is_refused(slug: str) -> None:
    with pytest.raises(BadInput, match=f"“{slug}” is kept for Tikdash itself. Choose another address."):
        create_tenant(slug=slug.upper())


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("dedicated", [True, False])
def test_a_slug_that_is_taken_is_refused(dedicated: bool) -> None:
    with pytest.raises(LimitReached, match="The address “acme” is taken. Choose another one."):
        create_tenant(slug="ACME", dedicated=dedicated)


@pytest.mark.usefixtures("unchanged")
def test_an_address_that_another_tenant_brought_is_taken_too(cast: Cast) -> None:
    Domain.objects.filter(domain="rival.localhost").update(domain="wanted.localhost")
    with pytest.raises(LimitReached, match="The address “wanted” is taken"):
        create_tenant(slug="wanted")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("dedicated", [True, False])
def test_an_unknown_plan_is_refused_with_the_plans_there_are(dedicated: bool) -> None:
    with pytest.raises(NotFound, match=r"There is no plan “gold”. Plans: free, pro, enterprise\."):
        create_tenant(slug="golden", plan="gold", dedicated=dedicated)


def test_of_four_requests_for_one_address_at_once_one_gets_it(committed_db: Cast) -> None:
    def request() -> str:
        try:
            return create_tenant(slug="wanted").slug
        except TikdashError as error:
            return error.code

    assert sorted(at_once([request] * 4)) == ["limit_reached"] * 3 + ["wanted"]
    assert Tenant.objects.filter(slug="wanted").count() == Domain.objects.filter(domain="wanted.localhost").count() == 1


def test_a_member_is_added_once_and_an_existing_person_keeps_the_password(cast: Cast) -> None:
    for role in ("member", "admin"):
        add_member(tenant_id=cast.rival.id, email=" ANA@acme.example", role=role, password="something-else-1")
    assert Membership.objects.get(tenant_id=cast.rival.id, user=cast.ana).role == "admin"
    assert User.objects.get(email="ana@acme.example").password == cast.ana.password
    invited = add_member(tenant_id=cast.rival.id, email="new@rival.example", role="member").user
    assert not invited.has_usable_password()


@pytest.mark.parametrize(
    "change",
    [{"slug": "acme"}, {"state": "trial", "trial_ends_at": None}],
    ids=["slug twice", "trial without end"],
)
def test_the_database_itself_refuses_what_cannot_be(cast: Cast, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Tenant.objects.filter(slug="rival").update(**change)
    for broken in ({"domain": "Upper.localhost"}, {"domain": "second.localhost", "is_primary": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Domain.objects.create(tenant_id=cast.acme.id, **broken)
