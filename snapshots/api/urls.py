"""Addresses of tracked accounts and posts, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from snapshots.api import accounts, insights, posts, series, writing

urlpatterns = [
    path("accounts", accounts.Accounts.as_view(), name="api_accounts"),
    path("accounts/bulk", writing.Bulk.as_view(), name="api_bulk"),
    path("accounts/bulk/<int:batch_id>", writing.Batch.as_view(), name="api_batch"),
    path("accounts/checks/<int:check_id>", accounts.Check.as_view(), name="api_check"),
    path("accounts/<int:account_id>", accounts.Account.as_view(), name="api_account"),
    path("accounts/<int:account_id>/growth", series.Growth.as_view(), name="api_growth"),
    path("accounts/<int:account_id>/snapshots", series.Snapshots.as_view(), name="api_account_snapshots"),
    path("accounts/<int:account_id>/metrics", series.Numbers.as_view(), name="api_account_metrics"),
    path("accounts/<int:account_id>/audience", insights.Audience.as_view(), name="api_audience"),
    path("accounts/<int:account_id>/refresh", writing.Refresh.as_view(), name="api_refresh"),
    path("accounts/<int:account_id>/notes", writing.Notes.as_view(), name="api_notes"),
    path("accounts/<int:account_id>/notes/<int:note_id>", writing.Note.as_view(), name="api_note"),
    path("removals/<int:removal_id>/undo", accounts.Undo.as_view(), name="api_undo"),
    path("snapshots", series.AllSnapshots.as_view(), name="api_snapshots"),
    path("posts", posts.Posts.as_view(), name="api_posts"),
    path("posts/<int:post_id>", posts.Post.as_view(), name="api_post"),
    path("posts/<int:post_id>/series", posts.PostSeries.as_view(), name="api_post_series"),
    path("posts/<int:post_id>/metrics", posts.PostNumbers.as_view(), name="api_post_metrics"),
    path("comments", insights.Comments.as_view(), name="api_comments"),
    path("hashtags", insights.Hashtags.as_view(), name="api_hashtags"),
    path("sounds", insights.Sounds.as_view(), name="api_sounds"),
    path("compare", insights.Compare.as_view(), name="api_compare"),
    path("metrics", insights.Metrics.as_view(), name="api_metrics"),
    path("metrics/<slug:metric_id>", insights.OneMetric.as_view(), name="api_metric"),
]
