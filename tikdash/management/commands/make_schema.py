from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import schemas
from accounts.services.placement import make_schema
from tikdash.errors import NotFound
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Makes the missing, empty schema of a shard anew."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("schema")

    def run(self, *, schema: str, **options: Any) -> tuple[str, Any]:
        if schema not in schemas():
            raise NotFound(f"There is no shard with the schema “{schema}”. Shards: {', '.join(schemas())}.")
        make_schema(schema)
        return f"The schema “{schema}” is there, with all tables.", {"schema": schema}
