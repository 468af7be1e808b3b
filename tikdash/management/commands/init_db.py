from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from accounts.models import Shard
from accounts.services import auditing
from accounts.services.placement import make_shard
from billing.metering import make_partitions
from snapshots.services.partitions import make_partitions_everywhere
from tikdash.db.roles import LogIn, RolesError, make_roles_and_database
from tikdash.env import env
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted


class Command(TikdashCommand):
    help = "Makes the database, its three roles and all tables; harmless to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--admin-url", default="", help="PostgreSQL administrator; default DATABASE_ADMIN_URL")
        parser.add_argument(
            "--tables-only", action="store_true", help="database and roles exist: bring tables up to date"
        )

    def run(self, *, admin_url: str, tables_only: bool, **options: Any) -> tuple[str, Any]:
        admin_url = admin_url or settings.DATABASE_ADMIN_URL
        log_in = LogIn.from_url(env.str("DATABASE_URL"))
        if not admin_url and not tables_only:
            raise RolesError("Give an administrator's address: --admin-url postgresql://postgres:…@HOST/postgres.")
        if not tables_only:
            make_roles_and_database(admin_url, log_in)
        call_command("migrate_schemas", interactive=False, verbosity=0)
        make_shard(schema_name=settings.SHARED_SCHEMA, kind=Shard.Kind.SHARED)
        ahead = settings.PARTITIONS_AHEAD_MONTHS
        made = make_partitions(ahead) + auditing.make_partitions(ahead) + make_partitions_everywhere()
        shards = Shard.objects.count()
        return (
            f"The database “{log_in.database}” is ready: {counted(shards, 'shard')},"
            f" {counted(len(made), 'new partition')}.",
            {"database": log_in.database, "shards": shards, "new_partitions": made},
        )
