"""Addresses of a tenant's host: everything a customer sees."""

from __future__ import annotations

from django.urls import include, path

from accounts.web import looking, views
from tikdash.ui import prefetch

handler500 = "tikdash.error_pages.server_error"

urlpatterns = [
    path("", include("accounts.web.sign_in_urls")),
    path("", include("accounts.web.preferences_urls")),
    path("sign-up/", views.on_public_host, name="account_signup"),
    path("", include("accounts.web.workspace_urls")),
    path("welcome/", views.on_public_host, name="welcome"),
    path("you/", views.on_public_host, name="you"),
    path("you/email/", views.on_public_host, name="account_email"),
    path("enter/", views.enter_workspace, name="enter_workspace"),
    path("look/", looking.begin, name="look"),
    path("look/end/", looking.end, name="look_end"),
    path("prefetch.json", prefetch.rules, name="prefetch_rules"),
    path("settings/", include("accounts.web.settings_urls")),
    path("", include("billing.web.urls")),
    path("", include("snapshots.web.urls")),
]
