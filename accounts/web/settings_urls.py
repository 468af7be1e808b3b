"""Pages of a workspace's own affairs, under `/settings/`."""

from __future__ import annotations

from django.urls import path

from accounts.web import audit, deletion, keys, tokens

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
    path("delete/", deletion.delete_workspace, name="workspace_delete"),
    path("delete/everything.zip", deletion.everything, name="workspace_everything"),
    path("delete/keep/", deletion.keep_workspace, name="workspace_keep"),
]
