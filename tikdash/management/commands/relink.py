from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.selectors import all_tenants_listed, tenant_by_slug
from snapshots.services.tags import relink_posts
from tikdash.db.scope import tenant_scope
from tikdash.management.commands._base import TikdashCommand


class Command(TikdashCommand):
    help = "Reads the hashtags of stored posts anew, after a change of the rules by which they are found. No credits."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", nargs="?", default=None, help="one tenant; default: all")

    def run(self, *, slug: str | None, **options: Any) -> tuple[str, Any]:
        posts = {}
        for tenant in [tenant_by_slug(slug)] if slug else all_tenants_listed():
            with tenant_scope(tenant):
                posts[tenant.slug] = relink_posts()
        return "\n".join(f"{name}: {count} posts" for name, count in posts.items()), posts
