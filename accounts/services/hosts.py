"""Addresses in mails that a worker writes, who has no request to read scheme and port from."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Domain


def public_url() -> str:
    """`scheme://host:port` of the public host."""
    return _url(settings.BASE_DOMAIN)


def workspace_url(tenant_id: int) -> str:
    """The same of a workspace's own host."""
    host = Domain.objects.filter(tenant_id=tenant_id, is_primary=True).values_list("domain", flat=True).first()
    return _url(host or settings.BASE_DOMAIN)


def _url(host: str) -> str:
    return f"https://{host}" if settings.BEHIND_TLS_PROXY else f"http://{host}:{settings.PORT}"
