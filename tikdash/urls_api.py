"""Addresses of the partner API, on every host."""

from __future__ import annotations

from django.urls import include, path

from tikdash.api import documents

urlpatterns = [
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("billing.api.urls")),
    path("api/v1/", include("snapshots.api.urls")),
    path("api/v1/openapi.json", documents.as_json, name="api_schema"),
    path("api/v1/openapi.yaml", documents.as_yaml, name="api_schema_yaml"),
    path("api/docs/", documents.page, name="api_docs"),
    path("api/docs/errors", documents.errors_page, name="api_errors"),
]
