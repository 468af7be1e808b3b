from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from snapshots.web import account, accounts, pictures

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="accounts"), name="start"),
    path("accounts/", accounts.index, name="accounts"),
    path("accounts/add/", accounts.add, name="account_add"),
    path("accounts/checks/<int:check_id>/", accounts.check, name="account_check"),
    path("accounts/<int:account_id>/", account.show, name="account"),
    path("accounts/<int:account_id>/header/", account.header, name="account_header"),
    path("accounts/<int:account_id>/series.json", account.series, name="account_series"),
    path("accounts/<int:account_id>/posts/", account.posts, name="account_posts"),
    path("accounts/<int:account_id>/refresh/", account.refresh, name="account_refresh"),
    path("accounts/<int:account_id>/viewed/", account.viewed, name="account_viewed"),
    path("media/<path:name>", pictures.picture, name="picture"),
]
