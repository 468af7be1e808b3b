from __future__ import annotations

from typing import Any

from django.db import connection
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from accounts.selectors import schemas
from accounts.services.placement import give_rights
from tikdash.db.backend.base import PUBLIC_SCHEMA
from tikdash.db.scope import owner


class Command(MigrateSchemasCommand):
    """django-tenants' command, run by the owner of the tables; afterwards the roles get their rights.

    A shard whose schema is missing is named on stderr and left alone, so that it stops no other.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with owner():
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
