"""Comments, samples of audiences, hashtags, sounds and stories of all tenants, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join

from snapshots.models import AudienceSample, Comment, Hashtag, Sound, Story
from tikdash.ui import numbers
from tikdash.ui.admin_lists import LargeList

SNAPSHOTS_SHOWN = 30


@admin.register(Comment)
class CommentAdmin(LargeList):
    list_display = ["short_text", "account", "tenant", "author_username", "digg_count", "reply_count", "written_at"]
    list_select_related = ["account", "tenant"]
    search_fields = ["=comment_id", "=account__username", "=author_username"]
    ordering = ["-id"]
    # A list of all posts to choose from would be as long as the table.
    raw_id_fields = ["post"]
    readonly_fields = ["tenant"]

    @admin.display(description="Comment")
    def short_text(self, comment: Comment) -> str:
        return comment.text[:60] or comment.comment_id


@admin.register(AudienceSample)
class AudienceSampleAdmin(LargeList):
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
class HashtagAdmin(LargeList):
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
class SoundAdmin(LargeList):
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
class StoryAdmin(LargeList):
    list_display = ["short_title", "account", "tenant", "posted_at", "expires_at", "play_count", "digg_count"]
    list_select_related = ["account", "tenant"]
    search_fields = ["=aweme_id", "=account__username"]
    ordering = ["-id"]
    readonly_fields = ["tenant"]

    @admin.display(description="Story")
    def short_title(self, story: Story) -> str:
        return (story.title or story.aweme_id)[:60]
