"""A person's own choices, on every host."""

from __future__ import annotations

from django.urls import path

from accounts.web.preferences import choose_language, preferences

urlpatterns = [
    path("preferences/", preferences, name="preferences"),
    path("language/", choose_language, name="choose_language"),
]
