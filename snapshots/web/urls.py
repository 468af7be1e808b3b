from __future__ import annotations

from django.urls import path

from snapshots.web import (
    account,
    accounts,
    all_posts,
    bulk,
    compare,
    exports,
    imports,
    overview,
    pictures,
    topics,
)

urlpatterns = [
    path("", overview.start, name="start"),
    path("overview/", overview.show, name="overview"),
    path("posts/", all_posts.index, name="posts"),
    path("posts/export.<str:form>", exports.all_posts, name="posts_export"),
    path("posts/<int:post_id>/", all_posts.show, name="post"),
    path("compare/", compare.show, name="compare"),
    path("compare/series.json", compare.series, name="compare_series"),
    path("hashtags/", topics.hashtag_list, name="hashtags"),
    path("sounds/", topics.sound_list, name="sounds"),
    path("accounts/", accounts.index, name="accounts"),
    path("accounts/add/", accounts.add, name="account_add"),
    path("accounts/export.<str:form>", exports.accounts, name="accounts_export"),
    path("accounts/selected/", bulk.selected, name="accounts_selected"),
    path("accounts/removals/<int:removal_id>/undo/", bulk.undo, name="removal_undo"),
    path("accounts/bulk/", imports.form, name="bulk"),
    path("accounts/bulk/<int:batch_id>/", imports.progress, name="bulk_progress"),
    path("accounts/bulk/<int:batch_id>/cancel/", imports.cancel, name="bulk_cancel"),
    path("accounts/bulk/<int:batch_id>/not-added.csv", imports.errors, name="bulk_errors"),
    path("accounts/checks/<int:check_id>/", accounts.check, name="account_check"),
    path("accounts/<int:account_id>/", account.show, name="account"),
    path("accounts/<int:account_id>/header/", account.header, name="account_header"),
    path("accounts/<int:account_id>/series.json", account.series, name="account_series"),
    path("accounts/<int:account_id>/posts/", account.posts, name="account_posts"),
    path("accounts/<int:account_id>/posts/export.<str:form>", exports.posts, name="account_posts_export"),
    path("accounts/<int:account_id>/growth/export.<str:form>", exports.growth, name="account_growth_export"),
    path("accounts/<int:account_id>/refresh/", account.refresh, name="account_refresh"),
    path("accounts/<int:account_id>/viewed/", account.viewed, name="account_viewed"),
    path("media/<path:name>", pictures.picture, name="picture"),
]
