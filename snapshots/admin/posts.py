"""Posts of all tenants: found by TikTok's id or by their account, with their numbers and decisions on them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path

from snapshots.admin.jobs import TenantFilter
from snapshots.admin.measured import DECIDE, decide, decisions_of, measured
from snapshots.admin.ranges import PostedFilter
from snapshots.admin.searching import every_word, post_condition
from snapshots.models import Post
from snapshots.models.posts import POST_COUNTERS
from tikdash.errors import NotFound
from tikdash.ui.admin_lists import LargeList


@admin.register(Post)
class PostAdmin(LargeList):
    list_display = ["short_title", "account", "tenant", "kind", "posted_at", "play_count", "digg_count", "deleted_at"]
    list_filter = [PostedFilter, TenantFilter]
    #: Of what a search or a tenant has narrowed: over all posts no index answers them.
    narrower = ["kind", "pinned"]
    list_select_related = ["account", "tenant"]
    search_fields = ["aweme_id"]
    search_help_text = "TikTok's id of a post, a handle or its beginning, or a tenant's address."
    ordering = ["-id"]
    readonly_fields = ["tenant"]
    raw_id_fields = ["account"]
    change_form_outer_before_template = "admin/snapshots/post.html"

    @admin.display(description="Post")
    def short_title(self, post: Post) -> str:
        return (post.title or post.aweme_id)[:60]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        is_narrow = request.GET.get("q") or request.GET.get(TenantFilter.parameter_name)
        return [*self.list_filter, *(self.narrower if is_narrow else [])]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return every_word(queryset, search_term, post_condition), False

    def get_urls(self) -> list[Any]:
        page = path("<int:post_id>/decide/", self.admin_site.admin_view(self.decide), name="snapshots_post_decide")
        return [page, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        post, shown = self.get_object(request, object_id), dict[str, Any]()
        if post and self.has_view_permission(request, post):
            shown = {
                "ops": measured("post", post.pk, post.snapshots, POST_COUNTERS, request.GET.get("counter", "")),
                "decisions": decisions_of(post.tenant_id, post.account_id, post.pk),
                "may": {"decide": request.user.has_perm(DECIDE)},
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | shown)  # type: ignore[no-any-return]

    def decide(self, request: HttpRequest, post_id: int) -> HttpResponse:
        """Accepts or rejects one value."""
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        post = Post.objects.filter(pk=post_id).first()
        if post is None:
            raise NotFound("There is no such post in this shard.")
        decide(request, post.tenant_id, "post", post_id)
        return redirect("admin:snapshots_post_change", post_id)
