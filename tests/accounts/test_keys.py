"""Whose key a tenant's calls use, and what may be asked with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from accounts.services.keys import NoKey, keys, platform_key
from tests.cast import Cast
from tikdash import clock
from tikdash.errors import NotFound, Unavailable


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    keys.forget()


def test_a_tenant_on_the_shared_key_uses_it_with_the_limits_of_the_settings(cast: Cast, settings: Any) -> None:
    settings.TIKLIVE_KEY = "platform-secret-1234"
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_IN_FLIGHT = 180, 7
    key = keys.key_for(cast.acme.id)
    assert keys.key_for(cast.rival.id) == key == platform_key()
    assert (key.id, key.last_four, key.shared, key.per_minute, key.in_flight) == ("shared", "1234", True, 180, 7)
    assert "platform-secret" not in repr(key)


def test_a_platform_without_a_key_says_which_variable_is_missing(cast: Cast, settings: Any) -> None:
    settings.TIKLIVE_KEY = ""
    with pytest.raises(Unavailable, match="set TIKLIVE_KEY"):
        keys.key_for(cast.acme.id)


def test_a_tenant_that_does_not_exist_has_no_key(cast: Cast) -> None:
    with pytest.raises(NotFound):
        keys.key_for(999_999)


def test_the_trial_ends_by_the_clock_and_own_mode_needs_a_key(cast: Cast, monkeypatch: Any) -> None:
    now = clock.now()
    Tenant.objects.filter(pk=cast.acme.id).update(key_mode="trial", trial_ends_at=now)
    monkeypatch.setattr("accounts.services.keys.clock.now", lambda: now.replace(year=now.year - 1))
    assert keys.key_for(cast.acme.id).shared
    monkeypatch.setattr("accounts.services.keys.clock.now", lambda: now.replace(year=now.year + 1))
    with pytest.raises(NoKey, match="Settings, Keys"):
        keys.key_for(cast.acme.id)


def test_the_database_is_asked_once_in_some_seconds(cast: Cast) -> None:
    keys.key_for(cast.acme.id)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            keys.key_for(cast.acme.id)
    assert len(asked) == 0
