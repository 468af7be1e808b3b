"""The tenant's list of accounts, changed by one at a time."""

from __future__ import annotations

from django.db import connection

from accounts.selectors import TenantRef


def lock_list(tenant: TenantRef) -> None:
    """Until the transaction ends nobody else changes the list, so that two forms cannot pass one free place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('accounts', %s))", [tenant.id])
