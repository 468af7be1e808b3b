"""Pages of a workspace's own affairs, under `/settings/`."""

from __future__ import annotations

from django.urls import path

from accounts.web import audit, deletion, exports, keys, tokens

urlpatterns = [
    path("keys/", keys.index, name="keys"),
    path("keys/progress/", keys.progress, name="keys_progress"),
    path("keys/delete/", keys.delete, name="key_delete"),
    path("keys/shared/", keys.shared, name="key_shared"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/<int:token_id>/replace/", tokens.rotate, name="token_rotate"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("audit/", audit.index, name="audit"),
    path("audit/export.csv", audit.export, name="audit_export"),
    path("exports/", exports.index, name="exports"),
    path("exports/progress/", exports.progress, name="exports_progress"),
    path("exports/<uuid:export_id>/file/", exports.file, name="export_file"),
    path("exports/<uuid:export_id>/cancel/", exports.cancel, name="export_cancel"),
    path("exports/<uuid:export_id>/again/", exports.again, name="export_again"),
    path("exports/<uuid:export_id>/delete/", exports.delete, name="export_delete"),
    path("delete/", deletion.delete_workspace, name="workspace_delete"),
    path("delete/keep/", deletion.keep_workspace, name="workspace_keep"),
]
