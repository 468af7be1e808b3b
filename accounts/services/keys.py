"""Which key of the upstream a tenant's calls use."""

from __future__ import annotations

from django.conf import settings

from tikdash.errors import Unavailable
from tikdash.tiklive.ports import ApiKey


class PlatformKeys:
    """Every tenant uses the platform's shared key."""

    def key_for(self, tenant_id: int) -> ApiKey:
        """The platform's key with the limits of the settings. Raises Unavailable where the platform has no key."""
        secret = settings.TIKLIVE_KEY
        if not secret:
            raise Unavailable("There is no key for the upstream: set TIKLIVE_KEY.")
        return ApiKey(
            id="shared",
            secret=secret,
            last_four=secret[-4:],
            shared=True,
            per_minute=settings.TIKLIVE_KEY_PER_MINUTE,
            in_flight=settings.TIKLIVE_KEY_IN_FLIGHT,
        )


keys = PlatformKeys()
