from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Tenants and people"

    def ready(self) -> None:
        from django.apps import apps
        from django.conf import settings

        # Django makes permissions app by app behind a migration: behind the last one all are there.
        last = apps.get_app_config(settings.INSTALLED_APPS[-1].rsplit(".", 1)[-1])
        post_migrate.connect(_roles_of_staff, sender=last, dispatch_uid="accounts.staff_roles")


def _roles_of_staff(using: str, **ignored: Any) -> None:
    """In the shared tables only: a tenant's schema has neither groups nor permissions."""
    from django.contrib.auth.models import Group
    from django.db import router

    from accounts.services.staff_roles import bring_roles_up_to_date

    if router.allow_migrate_model(using, Group):
        bring_roles_up_to_date()
