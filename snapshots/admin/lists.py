"""Comments, samples of audiences, hashtags, sounds and stories of all tenants, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html_join

from snapshots.admin.searching import (
    every_word,
    first_where,
    of_accounts,
    sound_condition,
    story_condition,
    tag_condition,
)
from snapshots.ingest.hashtags import fold
from snapshots.models import AudienceSample, Comment, Hashtag, Sound, Story
from tikdash.ui import numbers
from tikdash.ui.admin_lists import LargeList

SNAPSHOTS_SHOWN = 30


@admin.register(Comment)
class CommentAdmin(LargeList):
    list_display = ["short_text", "account", "tenant", "author_username", "digg_count", "reply_count", "written_at"]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username"]
    search_help_text = "A handle or its beginning, or a tenant's address; behind it an author or a comment's id."
    ordering = ["-id"]
    # A list of all posts to choose from would be as long as the table.
    raw_id_fields = ["post"]
    readonly_fields = ["tenant"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return first_where(queryset, search_term, of_accounts, _comment), False

    @admin.display(description="Comment")
    def short_text(self, comment: Comment) -> str:
        return comment.text[:60] or comment.comment_id


@admin.register(AudienceSample)
class AudienceSampleAdmin(LargeList):
    list_display = ["account", "tenant", "direction", "sampled_at", "size", "total", "bots"]
    list_filter = ["direction"]
    list_select_related = ["account", "tenant"]
    search_fields = ["account__username"]
    search_help_text = "A handle or its beginning, or a tenant's address."
    ordering = ["-id"]
    readonly_fields = ["tenant", "rows"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return every_word(queryset, search_term, of_accounts), False

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
    search_fields = ["name"]
    search_help_text = "A hashtag's whole name, or a tenant's address; behind it a part of the name or TikTok's id."
    ordering = ["-id"]
    readonly_fields = ["tenant", "newest_snapshots"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return first_where(queryset, search_term, tag_condition, _tag), False

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
    search_fields = ["music_id"]
    search_help_text = "TikTok's id of a sound, or a tenant's address; behind it a part of the title or the artist."
    ordering = ["-id"]
    readonly_fields = ["tenant", "newest_snapshots"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return first_where(queryset, search_term, sound_condition, _sound), False

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
    search_fields = ["aweme_id"]
    search_help_text = "TikTok's id of a story, a handle or its beginning, or a tenant's address."
    ordering = ["-id"]
    readonly_fields = ["tenant"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return every_word(queryset, search_term, story_condition), False

    @admin.display(description="Story")
    def short_title(self, story: Story) -> str:
        return (story.title or story.aweme_id)[:60]


def _comment(word: str) -> Q:
    return Q(comment_id=word) | Q(author_username=word.lower())


def _tag(word: str) -> Q:
    return Q(name__contains=fold(word.lstrip("#"))) | Q(challenge_id=word)


def _sound(word: str) -> Q:
    return Q(title__icontains=word) | Q(author__icontains=word)
