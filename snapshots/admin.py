"""Tracked data of all tenants of the shard on the screen, to look at; changes go through services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin

from snapshots.models import AudienceSample, Comment, FetchJob, Hashtag, Post, Sound, Story, TrackedAccount
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


@admin.register(Comment)
class CommentAdmin(LookOnly):
    list_display = ["short_text", "account", "tenant", "author_username", "digg_count", "reply_count", "written_at"]
    list_select_related = ["account", "tenant"]
    search_fields = ["comment_id", "account__username", "author_username"]
    ordering = ["-id"]
    # A list of all posts to choose from would be as long as the table.
    raw_id_fields = ["post"]
    readonly_fields = ["tenant"]

    @admin.display(description="Comment")
    def short_text(self, comment: Comment) -> str:
        return comment.text[:60] or comment.comment_id


@admin.register(AudienceSample)
class AudienceSampleAdmin(LookOnly):
    list_display = ["account", "tenant", "direction", "sampled_at", "size", "total", "bots"]
    list_filter = ["direction"]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username"]
    ordering = ["-id"]
    readonly_fields = ["tenant", "rows"]

    @admin.display(description="Bots")
    def bots(self, sample: AudienceSample) -> int | None:
        return sample.flags.get("bot")

    @admin.display(description="Rows")
    def rows(self, sample: AudienceSample) -> str:
        members = sample.members.order_by("id")  # type: ignore[attr-defined]
        return format_html_join(
            "\n",
            "<p>@{} · {} posts · {} followers · {}</p>",
            (
                (
                    member.username,
                    numbers.exact(member.video_count),
                    numbers.exact(member.follower_count),
                    ", ".join(member.flags).replace("_", " ") or "no flags",
                )
                for member in members
            ),
        )


@admin.register(Hashtag)
class HashtagAdmin(LookOnly):
    list_display = ["__str__", "name", "tenant", "view_count", "user_count", "measured_at", "looked_at"]
    list_select_related = ["tenant"]
    search_fields = ["name", "cha_name", "challenge_id", "tenant__slug"]
    ordering = ["-id"]
    readonly_fields = ["tenant", "newest_snapshots"]

    @admin.display(description="Newest snapshots")
    def newest_snapshots(self, hashtag: Hashtag) -> str:
        rows = hashtag.snapshots.order_by("-captured_on")[:SNAPSHOTS_SHOWN]  # type: ignore[attr-defined]
        return format_html_join(
            "\n",
            "<p>{} · {} views · {} users</p>",
            ((row.captured_on, numbers.exact(row.view_count), numbers.exact(row.user_count)) for row in rows),
        )


@admin.register(Sound)
class SoundAdmin(LookOnly):
    list_display = ["__str__", "author", "tenant", "original", "video_count", "measured_at", "looked_at"]
    list_filter = ["original"]
    list_select_related = ["tenant"]
    search_fields = ["title", "author", "music_id", "tenant__slug"]
    ordering = ["-id"]
    readonly_fields = ["tenant", "newest_snapshots"]

    @admin.display(description="Newest snapshots")
    def newest_snapshots(self, sound: Sound) -> str:
        rows = sound.snapshots.order_by("-captured_on")[:SNAPSHOTS_SHOWN]  # type: ignore[attr-defined]
        return format_html_join(
            "\n", "<p>{} · {} videos</p>", ((row.captured_on, numbers.exact(row.video_count)) for row in rows)
        )


@admin.register(Story)
class StoryAdmin(LookOnly):
    list_display = ["short_title", "account", "tenant", "posted_at", "expires_at", "play_count", "digg_count"]
    list_select_related = ["account", "tenant"]
    search_fields = ["aweme_id", "account__username"]
    ordering = ["-id"]
    readonly_fields = ["tenant"]

    @admin.display(description="Story")
    def short_title(self, story: Story) -> str:
        return (story.title or story.aweme_id)[:60]


@admin.register(FetchJob)
class FetchJobAdmin(LookOnly):
    list_display = [
        "kind",
        "account",
        "tenant",
        "queue",
        "state",
        "next_due_at",
        "why",
        "attempts",
        "error_code",
        "succeeded_at",
    ]
    list_filter = ["state", "kind", "queue"]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username", "error_code"]
    ordering = ["-id"]
    readonly_fields = ["tenant"]
