"""A port of keys: each tenant has one of its own, with the limits of the settings."""

from __future__ import annotations

from django.conf import settings

from tikdash.tiklive.ports import ApiKey


class OwnKeys:
    """Keys that the simulator takes, named after their tenants."""

    def key_for(self, tenant_id: int) -> ApiKey:
        """The tenant's key."""
        return ApiKey(
            id=f"own-{tenant_id}",
            secret=f"sim-bench-{tenant_id}",
            last_four=f"{tenant_id:04}"[-4:],
            shared=False,
            per_minute=settings.TIKLIVE_KEY_PER_MINUTE,
            in_flight=settings.TIKLIVE_KEY_IN_FLIGHT,
        )

    def refused(self, tenant_id: int, key_id: str) -> bool:
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""


keys = OwnKeys()
