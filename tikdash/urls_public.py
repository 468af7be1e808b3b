"""Addresses of the public host: sign in, list of workspaces, admin."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path

from accounts.bulk_admin import batch_page
from accounts.web import deletion, sign_up, views
from snapshots.handles_admin import bring_handles
from tikdash.admin_navigation import choose_shard
from tikdash.ops_front import refreshed

handler500 = "tikdash.error_pages.server_error"

urlpatterns = [
    path("", views.home, name="home"),
    path("open/<slug:slug>/", views.open_workspace, name="open_workspace"),
    path("", include("accounts.web.sign_in_urls")),
    path("", include("accounts.web.preferences_urls")),
    path("sign-up/", allauth_views.signup, name="account_signup"),
    path("sign-up/address/", sign_up.address, name="sign_up_address"),
    path("welcome/", sign_up.welcome, name="welcome"),
    path("workspaces/new/", sign_up.new_workspace, name="new_workspace"),
    path("deletions/<uuid:erasure_id>/", deletion.certificate_page, name="certificate"),
    path("deletions/<uuid:erasure_id>/certificate.json", deletion.certificate_json, name="certificate_json"),
    path("you/", include("accounts.web.you_urls")),
    path("admin/shard/", admin.site.admin_view(choose_shard), name="admin_shard"),
    path("admin/tenants/<int:tenant_id>/handles/", admin.site.admin_view(bring_handles), name="admin_bring_handles"),
    path("admin/batches/<slug:run>/", admin.site.admin_view(batch_page), name="admin_batch"),
    path("admin/tiles/", admin.site.admin_view(refreshed), name="admin_tiles"),
    path("admin/login/", login_not_required(views.admin_log_in)),
    path("admin/", admin.site.urls),
]
