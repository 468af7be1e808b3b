"""System checks: what a deployment must not start with."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import DatabaseError

from tikdash.errors import TikdashError


@register(Tags.models)
def tenant_models_have_tenant(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Every model of a tenant app carries `tenant_id`, filled by the database."""
    from tikdash.db.rls import TenantForeignKey

    return [
        Error(
            f"{model._meta.label} has no tenant.",
            hint="Add `tenant = TenantForeignKey()` and EnableRowSecurity to its migration.",
            id="tikdash.E001",
        )
        for label in settings.TENANT_APPS
        for model in apps.get_app_config(label).get_models()
        if model._meta.managed
        and not any(isinstance(field, TenantForeignKey) and field.name == "tenant" for field in model._meta.fields)
    ]


@register(Tags.database)
def log_in_is_bound_by_row_security(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[Error]:
    """The log-in role owns nothing, is no superuser and does not bypass row-level security."""
    from tikdash.db.roles import faults_of_log_in
    from tikdash.db.scope import no_scope

    if not databases:
        return []
    try:
        with no_scope():
            faults = faults_of_log_in()
    except (DatabaseError, TikdashError) as error:
        return [Error(f"The database does not answer: {str(error).strip().splitlines()[0]}", id="tikdash.E002")]
    return [
        Error(f"DATABASE_URL must not be used: {fault}.", hint="Run `manage.py init_db`.", id="tikdash.E003")
        for fault in faults
    ]


@register(Tags.database)
def master_keys_open_what_is_stored(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[Error]:
    """TENANT_KEY_FERNET has every master key that wraps a stored key of a tenant."""
    from accounts.key_list import faults_of_master_keys

    if not databases:
        return []
    try:
        faults = faults_of_master_keys()
    except (DatabaseError, TikdashError):
        # Before the first migration there is nothing stored; a database that is silent is E002.
        return []
    return [Error(fault, hint="Put the former master key behind the new one.", id="tikdash.E004") for fault in faults]
