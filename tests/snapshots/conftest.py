"""Acme at noon: the clock stands where the simulator stands, and Acme's scope is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.selectors import TenantRef
from tests.cast import Cast
from tests.simulating import NOW, Caller
from tikdash import clock
from tikdash.db.scope import owner, tenant_scope

NOON = datetime.fromisoformat(NOW)


@pytest.fixture
def noon() -> Iterator[datetime]:
    """The application's clock stands at the simulator's `NOW`."""
    with clock.at(NOON):
        yield NOON


@pytest.fixture
def acme(cast: Cast, noon: datetime) -> Iterator[TenantRef]:
    """Acme's scope at noon, in a transaction that is rolled back."""
    with tenant_scope(cast.acme):
        yield cast.acme


@pytest.fixture
def real_acme(committed_db: Cast, noon: datetime) -> Iterator[TenantRef]:
    """Acme's scope at noon, in a database that is really written to."""
    with tenant_scope(committed_db.acme):
        yield committed_db.acme


@contextmanager
def both_clocks_at(upstream: Caller, moment: datetime) -> Iterator[None]:
    """Application and simulator agree on what time it is."""
    upstream.set_clock(moment.isoformat())
    with clock.at(moment):
        yield


@pytest.fixture
def ana(cast: Cast, noon: datetime) -> Client:
    """Ana of Acme in her browser, at noon."""
    return browser_of(cast.ana, "acme.localhost")


def browser_of(user: User, host: str) -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@contextmanager
def broken_table(schema: str, *tables: str) -> Iterator[None]:
    """Inside the block these tables of a database that is really written to take no row."""

    def each(change: str) -> None:
        with owner(schema), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} {change}")

    each("ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        yield
    finally:
        each("DROP CONSTRAINT broken")
