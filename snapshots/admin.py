"""Tracked data of all tenants of the shard on the screen, to look at; changes go through services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin

from snapshots.models import FetchJob, Post, TrackedAccount
from tikdash.ui import numbers
from tikdash.ui.admin import EstimatedCountPaginator

SNAPSHOTS_SHOWN = 30


class LookOnly(ModelAdmin):
    """A list over all tenants without buttons that write."""

    show_full_result_count = False
    paginator = EstimatedCountPaginator
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrackedAccount)
class TrackedAccountAdmin(LookOnly):
    list_display = ["username", "tenant", "nickname", "state", "tracked_reason", "follower_count", "measured_at"]
    list_filter = ["state", "tracked_reason"]
    list_select_related = ["tenant"]
    search_fields = ["username", "nickname", "tiktok_user_id", "sec_uid", "tenant__slug"]
    ordering = ["-id"]
    readonly_fields = ["tenant", "newest_snapshots"]

    @admin.display(description="Newest snapshots")
    def newest_snapshots(self, account: TrackedAccount) -> str:
        """Snapshots have a composite key, which the admin cannot list by itself."""
        rows = account.snapshots.order_by("-captured_on")[:SNAPSHOTS_SHOWN]  # type: ignore[attr-defined]
        return format_html_join(
            "\n",
            "<p>{} · {} followers · {} hearts · {}</p>",
            (
                (
                    row.captured_on,
                    numbers.exact(row.follower_count),
                    numbers.exact(row.heart_count),
                    row.get_state_display(),
                )
                for row in rows
            ),
        )


@admin.register(Post)
class PostAdmin(LookOnly):
    list_display = ["short_title", "account", "tenant", "kind", "posted_at", "play_count", "digg_count", "deleted_at"]
    list_filter = ["kind", "pinned"]
    list_select_related = ["account", "tenant"]
    search_fields = ["aweme_id", "account__username"]
    ordering = ["-id"]
    readonly_fields = ["tenant"]

    @admin.display(description="Post")
    def short_title(self, post: Post) -> str:
        return (post.title or post.aweme_id)[:60]


@admin.register(FetchJob)
class FetchJobAdmin(LookOnly):
    list_display = [
        "kind",
        "account",
        "tenant",
        "queue",
        "state",
        "next_due_at",
        "attempts",
        "error_code",
        "succeeded_at",
    ]
    list_filter = ["state", "kind", "queue"]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username", "error_code"]
    ordering = ["-id"]
    readonly_fields = ["tenant"]
