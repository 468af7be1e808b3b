"""Addresses of usage, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from billing.api import resources

urlpatterns = [
    path("usage", resources.UsageOfMonth.as_view(), name="api_usage"),
    path("alerts", resources.Alerts.as_view(), name="api_alerts"),
]
