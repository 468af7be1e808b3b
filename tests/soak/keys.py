"""A key for each tenant, so that the upstream's own record says whose request it was; as wide as a test wants it."""

from __future__ import annotations

from tikdash.tiklive.ports import ApiKey


def secret_of(tenant_id: int) -> str:
    return f"sim-soak-{tenant_id}"


class KeyByTenant:
    """The port KEYS of long runs: keys of their own, so that no tenant gets another one's answers."""

    def key_for(self, tenant_id: int) -> ApiKey:
        secret = secret_of(tenant_id)
        return ApiKey(f"soak-{tenant_id}", secret, secret[-4:], shared=False, per_minute=1_000_000, in_flight=1_000)

    def refused(self, tenant_id: int, key_id: str) -> bool:
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""
