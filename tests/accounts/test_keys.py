"""Whose key a tenant's calls use, and what may be asked with it."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.services.keys import keys
from tikdash.errors import Unavailable


def test_every_tenant_uses_the_platforms_key_with_the_limits_of_the_settings(settings: Any) -> None:
    settings.TIKLIVE_KEY = "platform-secret-1234"
    settings.TIKLIVE_KEY_PER_MINUTE, settings.TIKLIVE_KEY_IN_FLIGHT = 180, 7
    key = keys.key_for(1)
    assert keys.key_for(2) == key
    assert (key.id, key.last_four, key.shared, key.per_minute, key.in_flight) == ("shared", "1234", True, 180, 7)
    assert "platform-secret" not in repr(key)


def test_a_platform_without_a_key_says_which_variable_is_missing(settings: Any) -> None:
    settings.TIKLIVE_KEY = ""
    with pytest.raises(Unavailable, match="set TIKLIVE_KEY"):
        keys.key_for(1)
