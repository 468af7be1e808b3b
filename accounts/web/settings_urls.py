"""Pages of a workspace's own affairs, under `/settings/`."""

from __future__ import annotations

from django.urls import path

from accounts.web import audit

urlpatterns = [
    path("audit/", audit.index, name="audit"),
    path("audit/export.csv", audit.export, name="audit_export"),
]
