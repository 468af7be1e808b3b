"""Addresses of the token itself, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from accounts.api import resources

urlpatterns = [path("token", resources.OwnToken.as_view(), name="api_token")]
