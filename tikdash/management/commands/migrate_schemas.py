from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand
from django_tenants.signals import schema_pre_migration

from accounts.selectors import schemas
from accounts.services.placement import give_rights
from tikdash.db.backend.base import PUBLIC_SCHEMA
from tikdash.db.scope import owner


class Command(MigrateSchemasCommand):
    """django-tenants' command, run by the owner of the tables; afterwards the roles get their rights.

    A shard whose schema is missing is named on stderr and left alone, so that it stops no other.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with owner(), _passing_over_other_apps():
            missing = self._missing_schemas()
            for schema in missing:
                self.stderr.write(
                    f"The schema “{schema}” is missing and was left alone; `manage.py doctor` tells more."
                )
            if missing and not options.get("schema_name"):
                self._handle_one_by_one(missing, *args, **options)
            else:
                super().handle(*args, **options)
            for schema in self._touched(options, missing):
                give_rights(schema)

    def _handle_one_by_one(self, missing: set[str], *args: Any, **options: Any) -> None:
        if not options.get("tenant"):
            super().handle(*args, **options | {"shared": True})
        if not options.get("shared"):
            for schema in schemas():
                if schema not in missing:
                    super().handle(*args, **options | {"schema_name": schema, "tenant": True, "shared": False})

    def _touched(self, options: dict[str, Any], missing: set[str]) -> list[str]:
        if options.get("schema_name"):
            return [options["schema_name"]]
        touched = [] if options.get("tenant") else [PUBLIC_SCHEMA]
        if not options.get("shared"):
            touched += [schema for schema in schemas() if schema not in missing]
        return touched

    @staticmethod
    def _missing_schemas() -> set[str]:
        """Schemas of shards that do not exist; none before the first migration."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.shards')")
            if cursor.fetchone()[0] is None:
                return set()
            cursor.execute("SELECT nspname FROM pg_namespace")
            present = {row[0] for row in cursor.fetchall()}
        return set(schemas()) - present


@contextmanager
def _passing_over_other_apps() -> Iterator[None]:
    """Inside the block other apps' migrations are noted as done in a tenant's schema, right before it is migrated."""
    schema_pre_migration.connect(_pass_over_other_apps)
    try:
        yield
    finally:
        schema_pre_migration.disconnect(_pass_over_other_apps)


def _pass_over_other_apps(schema_name: str, **ignored: Any) -> None:
    """They change nothing in a tenant's schema, but Django would build its models anew for each of them."""
    if schema_name == PUBLIC_SCHEMA:
        return
    of_tenants = {apps.get_app_config(name.rsplit(".", 1)[-1]).label for name in settings.TENANT_APPS}
    others = {key for key in MigrationLoader(None).disk_migrations if key[0] not in of_tenants}
    connection.set_schema(schema_name, include_public=False)  # type: ignore[attr-defined]
    recorder = MigrationRecorder(connection)
    # Without a table of its own the schema would take that of `public` for it.
    recorder.ensure_schema()
    for app, name in sorted(others - set(recorder.applied_migrations())):
        recorder.record_applied(app, name)
