"""What DRF does for one query and nothing else: the same rows and columns as the partner API's, made for one tenant."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.urls import path
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

ACCOUNT = """
    id, username, nickname, tiktok_user_id, verified, bio, tracked_reason, tags, state, tracked_since, follower_count,
    following_count, heart_count, video_count, digg_count, measured_at
"""
POST = """
    id, aweme_id, account_id, title, kind, pinned, posted_at, duration_s, deleted_at, play_count, digg_count,
    comment_count, share_count, collect_count, measured_at
"""
QUERIES = {
    "list": f"SELECT {ACCOUNT} FROM accounts WHERE tenant_id = %(tenant)s"
    " ORDER BY follower_count DESC NULLS LAST, id DESC LIMIT 51",
    "series": "SELECT captured_on, follower_count, state FROM account_snapshots WHERE tenant_id = %(tenant)s"
    " AND account_id = %(account)s AND captured_on > current_date - 365 ORDER BY captured_on",
    "posts": f"SELECT {POST} FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s"
    " ORDER BY posted_at DESC, id DESC LIMIT 51",
}


class Bare(APIView):
    """No token, no permission, no limit."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    renderer_classes: Any = (JSONRenderer,)

    def get(self, request: Request, what: str, tenant: int, account: int) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(QUERIES[what], {"tenant": tenant, "account": account})
            names = [column.name for column in cursor.description]
            return Response({"data": [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]})


urlpatterns = [path("<slug:what>/<int:tenant>/<int:account>/", Bare.as_view())]
