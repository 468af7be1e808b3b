"""Addresses of the token itself and of exports, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from accounts.api import exports, resources

urlpatterns = [
    path("token", resources.OwnToken.as_view(), name="api_token"),
    path("exports", exports.Exports.as_view(), name="api_exports"),
    path("exports/<uuid:export_id>", exports.OneExport.as_view(), name="api_export"),
    path("exports/<uuid:export_id>/retry", exports.Retry.as_view(), name="api_export_retry"),
    path("exports/<uuid:export_id>/file", exports.File.as_view(), name="api_export_file"),
]
