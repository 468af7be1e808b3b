"""Real servers for all tests: embedded PostgreSQL and Valkey under `var/test`, the roles of production, and a cast.

The database is made by `init_db`, as in production (`tests/database.py`). Tests that use the `db` fixture run inside a
transaction that is rolled back; tests with `committed_db` really write and are cleaned up behind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.cast import Cast
from tests.simulating import NOW, Caller, running_simulator
from tikdash.redis import server

# The same examples in each run, so that a red run means a change, and no deadline, for the machine may be slow. With
# FUZZ=20 they are new each time, and the requests of `tests/isolation/test_fuzz.py` twenty times as many.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("new", deadline=None)
settings.load_profile("new" if "FUZZ" in os.environ else "same")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The database of this run, with all tables, plans, and the cast."""
    from django.core.cache import cache
    from django.db import connection

    from tests.database import make_database

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        make_database()
        cache.clear()
        connection.close()
    yield


@pytest.fixture(scope="session")
def _cast(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Cast:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        return Cast.load()


@pytest.fixture
def cast(_cast: Cast, db: None) -> Cast:
    """The tenants and people that everybody knows; inside a transaction that is rolled back."""
    return _cast


@pytest.fixture
def committed_db(_cast: Cast, django_db_blocker: pytest.FixtureRequest) -> Iterator[Cast]:
    """The cast with a database that is really written to: for threads, other processes and commits."""
    from django.core.cache import cache
    from django.db import connection

    from tests.cast import clean_up

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        cache.clear()
        clean_up()
        yield _cast
        clean_up()
        cache.clear()
        connection.close()


@pytest.fixture(scope="session")
def _upstream_process() -> Iterator[str]:
    with running_simulator() as base_url:
        yield base_url


@pytest.fixture
def upstream(_upstream_process: str, settings: pytest.FixtureRequest) -> Iterator[Caller]:
    """The simulator as the application's upstream: frozen at `NOW`, no faults, empty statistics; Redis is empty."""
    server().connection.flushdb()
    caller = Caller(_upstream_process)
    caller.order("reset")
    caller.set_clock(NOW)
    settings.TIKLIVE_BASE_URL = _upstream_process  # type: ignore[attr-defined]
    settings.PICTURE_HOSTS_TRUSTED = [_upstream_process.removeprefix("http://")]  # type: ignore[attr-defined]
    yield caller
    caller.http.clear()


@pytest.fixture(scope="session", autouse=True)
def _static_files_as_they_are() -> Iterator[None]:
    """Pages of tests name the files themselves: a manifest is there only after `collectstatic`."""
    from django.conf import settings
    from django.test import override_settings

    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(STORAGES=settings.STORAGES | plain):
        yield


@pytest.fixture(autouse=True)
def _no_scope_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test begins and ends outside of any scope."""
    from django.db import connection

    from tikdash.db.backend.base import NO_SCOPE

    connection.enter_scope(NO_SCOPE)  # type: ignore[attr-defined]
    yield
    assert connection.scope == NO_SCOPE  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _nobody_left_out_without_a_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without a database knows of nobody who is left out; what it knew by chance was from the test before."""
    if {"db", "transactional_db", "committed_db"} & set(request.fixturenames):
        yield
        return
    from accounts.services.left_out import KNOWN_FOR_S, left_out

    before = left_out._known, left_out._read_at
    left_out.forget()
    left_out._read_at = time.monotonic() + 100 * KNOWN_FOR_S
    yield
    left_out._known, left_out._read_at = before
