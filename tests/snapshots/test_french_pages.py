"""Pages in French: no English is left, times by the reader’s clock with UTC on hover, numbers as French has them."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tenant, User
from accounts.services.preferences import set_preferences
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post, make_snapshots
from tikdash import clock
from tikdash.db.scope import tenant_scope

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PAGES = [
    "/overview/", "/accounts/", "/accounts/?q=zzz", "/posts/", "/posts/?sort=nonsense", "/compare/", "/hashtags/",
    "/sounds/",
    "/accounts/bulk/", "/preferences/", "/accounts/add/", "/nothing/",
    *(f"/accounts/{{account}}/?tab={tab}" for tab in
      ("overview", "posts", "hashtags", "sounds", "audience", "comments", "stories", "activity")),
    "/compare/?accounts={account}", "/posts/{post}/",
]  # fmt: skip
#: Small words that French has not; a page that holds one has a sentence that nobody translated.
ENGLISH = re.compile(r"\b(the|of|and|with|are|was|this|that|from|not|yet|read|here|your|you|by|to)\b", re.IGNORECASE)


@pytest.fixture
def french(cast: Cast) -> Client:
    set_preferences(user=cast.ana, language="fr")
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(User.objects.get(pk=cast.ana.pk), backend=BACKEND)
    return client


@pytest.fixture
def account(cast: Cast) -> TrackedAccount:
    with tenant_scope(cast.acme):
        account = make_account("boulange", nickname="Boulange", bio="", follower_count=1_284_000)
        make_snapshots(account, [1_000_000, 1_234_567, 1_284_000])
        for kind in ("profile", "posts", "comments"):
            make_job(account, kind)
        for number in range(4):
            make_post(account, title=f"Pain {number}")
    return account


def words_of(page: str) -> list[str]:
    """What a person or a screen reader is told, piece by piece."""
    page = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    attributes = re.findall(r'(?:title|aria-label|placeholder|data-announce|alt)="([^"]*)"', page)
    return [html.unescape(piece) for piece in (*re.split(r"<[^>]*>", page), *attributes) if piece.strip()]


@pytest.mark.parametrize("path", PAGES)
def test_no_english_is_left(cast: Cast, french: Client, account: TrackedAccount, path: str) -> None:
    with tenant_scope(cast.acme):
        post_id = account.posts.first().pk
    answer = french.get(path.format(account=account.pk, post=post_id))
    page = answer.content.decode()
    assert '<html lang="fr">' in page
    left = [piece.strip() for piece in words_of(page) if ENGLISH.search(re.sub(r"[“«„].*?[”»]", "", piece))]
    assert left == []


def test_numbers_are_written_as_in_french(cast: Cast, french: Client, account: TrackedAccount) -> None:
    page = french.get("/accounts/").content.decode()
    assert '<span title="1\u202f284\u202f000">1,28\u202fM</span>' in page
    assert "+284\u202f000" in page


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        # Paris: the hour before and after summer time begins and ends, and a day that is another one there.
        ("Europe/Paris", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "29 mars 2026, 01:59"),
        ("Europe/Paris", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "29 mars 2026, 03:00"),
        ("Europe/Paris", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "25 oct. 2026, 02:30"),
        ("Europe/Paris", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "25 oct. 2026, 02:30"),
        ("Europe/Paris", datetime(2026, 7, 31, 22, 0, tzinfo=UTC), "1er août 2026, 00:00"),
        ("America/New_York", datetime(2027, 1, 1, 4, 59, tzinfo=UTC), "31 déc. 2026, 23:59"),
        ("Asia/Kolkata", datetime(2026, 2, 28, 18, 30, tzinfo=UTC), "1er mars 2026, 00:00"),
    ],
)
def test_times_are_by_the_readers_clock_with_utc_on_hover(
    cast: Cast, french: Client, zone: str, moment: datetime, shown: str
) -> None:
    from django.utils import timezone, translation

    from tikdash.templatetags.ui import moment as shown_moment

    with translation.override("fr"), timezone.override(zone):
        told = str(shown_moment(moment))
    assert f">{shown}</time>" in told
    assert f'datetime="{moment:%Y-%m-%dT%H:%M}:00+00:00"' in told
    assert f"{moment:%H:%M} UTC" in told


def test_a_persons_zone_goes_before_the_workspaces(cast: Cast, french: Client, account: TrackedAccount) -> None:
    Tenant.objects.filter(pk=cast.acme.id).update(time_zone="Europe/Paris")
    long_ago = clock.now() - timedelta(days=200)
    long_ago = long_ago.replace(hour=23, minute=30, second=0, microsecond=0)
    with tenant_scope(cast.acme):
        TrackedAccount.objects.filter(pk=account.pk).update(tracked_since=long_ago)

    def since(page: str) -> Any:
        return re.search(r"suivi depuis le (\d+)", page)

    paris = since(french.get(f"/accounts/{account.pk}/").content.decode())
    set_preferences(user=User.objects.get(pk=cast.ana.pk), time_zone="America/New_York")
    new_york = since(french.get(f"/accounts/{account.pk}/").content.decode())
    assert paris and new_york
    assert int(paris[1]) == (long_ago + timedelta(days=1)).day and int(new_york[1]) == long_ago.day
