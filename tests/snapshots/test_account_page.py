"""One account: header, chart, posts and the refresh button, as a page, as pieces for HTMX and as JSON."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from snapshots.models import AccountHandle, FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post, make_snapshots
from tests.simulating import Caller
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_pages import HTMX, text_of
from tikdash import clock
from tikdash.db.scope import tenant_scope


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    """@lena.bakes of Acme: three days of numbers, two jobs and 60 posts."""
    with tenant_scope(cast.acme):
        account = make_account(
            "lena.bakes",
            nickname="Lena bakes",
            bio="Bread, every day",
            follower_count=1_284_000,
            measured_at=noon - timedelta(minutes=4),
            verified=True,
        )
        make_snapshots(account, [1_280_000, None, 1_284_000])
        AccountHandle.objects.create(account=account, username="lena.cooks", replaced_at=noon)
        for kind in ("profile", "posts"):
            make_job(account, kind, next_due_at=noon + timedelta(hours=1))
        for number in range(60):
            make_post(account, title=f"Loaf {number}", play_count=number, posted_at=noon - timedelta(hours=number))
    return account


def titles_in(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r">(Loaf \d+|New loaf)<", text_of(response))


def url(account: TrackedAccount, piece: str = "") -> str:
    return f"/accounts/{account.pk}/{piece}"


def link(response: Any, marked: str) -> str:
    [found] = re.findall(rf'{marked} href="([^"]+)"', text_of(response))
    return str(found).replace("&amp;", "&")


# --- header and chart ------------------------------------------------------------------------------------------------


def test_the_header_says_who_how_many_since_when_and_how_old_the_number_is(ana: Client, lena: TrackedAccount) -> None:
    page = " ".join(text_of(ana.get(url(lena))).split())
    for part in (
        "Lena bakes",
        "verified",
        "was @lena.cooks",
        "Bread, every day",
        "4 min ago",
        'title="1,284,000"',
        "+4,000",
        'href="https://www.tiktok.com/@lena.bakes"',
    ):
        assert part in page, part


def test_the_table_behind_the_chart_has_every_day_with_its_gap(ana: Client, lena: TrackedAccount) -> None:
    page = text_of(ana.get(url(lena)))
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th><td class="num">([^<]+)</td>', page)
    assert rows == [("15 Nov 2026", "1,284,000"), ("14 Nov 2026", "–"), ("13 Nov 2026", "1,280,000")]


def test_the_series_are_columns_of_json_with_null_for_a_gap(ana: Client, lena: TrackedAccount) -> None:
    response = ana.get(url(lena, "series.json"))
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "metric": "follower_count",
        "label": "Followers",
        "days": 90,
        "dates": ["2026-11-13", "2026-11-14", "2026-11-15"],
        "values": [1_280_000, None, 1_284_000],
        "by": "by capture date",
    }
    hearts = ana.get(url(lena, "series.json"), {"metric": "heart_count", "days": 30}).json()
    assert (hearts["label"], hearts["days"], hearts["values"]) == ("Hearts", 30, [250_000] * 3)


@pytest.mark.parametrize(
    "query", ["metric=price", "metric=tenant_id", "days=0", "days=99999", "days=ten", "days=-30", "days=3661"]
)
@pytest.mark.parametrize("piece", ["", "series.json"])
def test_a_range_or_metric_that_does_not_exist_is_a_400(
    ana: Client, lena: TrackedAccount, query: str, piece: str
) -> None:
    response = ana.get(f"{url(lena, piece)}?{query}")
    assert response.status_code == 400 and "This cannot be done" in text_of(response)


def test_links_of_the_chart_keep_the_rest_of_the_address(ana: Client, lena: TrackedAccount) -> None:
    page = ana.get(url(lena) + "?show=change&days=30&metric=heart_count")
    assert link(page, 'id="range-3"') == url(lena) + "?show=change&metric=heart_count&days=365"
    assert f'data-series-url="{url(lena, "series.json")}?metric=heart_count&amp;days=30&amp;show=change"' in text_of(
        page
    )


# --- posts -----------------------------------------------------------------------------------------------------------


def test_posts_are_the_newest_first_and_sorted_by_a_link(ana: Client, lena: TrackedAccount) -> None:
    assert titles_in(ana.get(url(lena)))[:2] == ["Loaf 0", "Loaf 1"]
    assert titles_in(ana.get(url(lena) + "?sort=-plays"))[:2] == ["Loaf 59", "Loaf 58"]
    assert titles_in(ana.get(url(lena) + "?sort=plays"))[:2] == ["Loaf 0", "Loaf 1"]


def test_the_piece_and_the_page_show_the_same_posts_and_the_piece_nothing_else(
    ana: Client, lena: TrackedAccount
) -> None:
    piece = ana.get(url(lena, "posts/") + "?sort=-plays", headers=HTMX)
    assert text_of(piece).lstrip().startswith('<section id="posts"') and "<html" not in text_of(piece)
    assert titles_in(piece) == titles_in(ana.get(url(lena) + "?sort=-plays"))
    full = ana.get(url(lena, "posts/") + "?sort=-plays")
    assert (full.status_code, full["Location"]) == (302, url(lena) + "?sort=-plays&tab=posts#posts")


def test_pages_of_posts_go_forwards_and_back_and_meet_every_post_once(ana: Client, lena: TrackedAccount) -> None:
    page, seen = ana.get(url(lena) + "?sort=-plays"), []
    for _ in range(2):
        seen += titles_in(page)
        page = ana.get(link(page, 'id="posts-next" rel="next"'))
    seen += titles_in(page)
    assert seen == [f"Loaf {number}" for number in range(59, -1, -1)]
    assert 'rel="next"' not in text_of(page)
    page = ana.get(link(page, 'id="posts-previous" rel="prev"'))
    assert titles_in(page) == seen[25:50]


@pytest.mark.parametrize(
    "query",
    ["sort=price", "after=x", "before=1.2.3", "sort=-plays&after=" + "9" * 400],
)
@pytest.mark.parametrize("piece", ["", "posts/"])
def test_an_order_or_position_that_does_not_exist_is_a_400(
    ana: Client, lena: TrackedAccount, query: str, piece: str
) -> None:
    response = ana.get(f"{url(lena, piece)}?{query}", headers=HTMX)
    assert response.status_code == 400 and "This cannot be done" in text_of(response)


def test_a_vanished_post_stays_in_the_table_and_says_since_when(
    cast: Cast, ana: Client, lena: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        make_post(lena, title="", kind="photo", pinned=True, deleted_at=noon - timedelta(days=2), posted_at=noon)
    page = text_of(ana.get(url(lena)))
    for part in ("gone since 13 Nov 2026", "No title", "pinned", "photo"):
        assert part in page


def test_an_account_without_numbers_or_posts_is_a_page_too(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        account = make_account(measured_at=None, follower_count=None, heart_count=None)
    page = text_of(ana.get(url(account)))
    for part in ("No posts yet", "No numbers in this range yet.", "not read yet", "This account is not fetched."):
        assert part in page


# --- refresh ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_the_button_asks_for_new_numbers_once_in_five_minutes(
    cast: Cast, ana: Client, lena: TrackedAccount, noon: datetime, headers: dict[str, str]
) -> None:
    asked = ana.post(url(lena, "refresh/"), headers=headers)
    if headers:
        assert "Refreshing" in text_of(asked) and "<html" not in text_of(asked)
    else:
        assert (asked.status_code, asked["Location"]) == (302, url(lena))
    with tenant_scope(cast.acme):
        FetchJob.objects.update(succeeded_at=noon)
    with clock.at(noon + timedelta(seconds=61)):
        ana.post(url(lena, "refresh/"), headers=headers)
        page = text_of(ana.get(url(lena)))
        assert "Again in 4 min" in page and 'type="submit" id="refresh-button"' not in page
    with tenant_scope(cast.acme):
        assert set(FetchJob.objects.values_list("requested_at", flat=True)) == {noon}
    with clock.at(noon + timedelta(minutes=5)):
        assert 'type="submit" id="refresh-button"' in text_of(ana.get(url(lena)))


def test_the_header_asks_again_while_it_waits_and_then_tells_chart_and_posts(
    cast: Cast, ana: Client, lena: TrackedAccount, upstream: Caller
) -> None:
    with tenant_scope(cast.acme):
        TrackedAccount.objects.update(tiktok_user_id=upstream.account_id("lena.bakes"))
    ana.post(url(lena, "refresh/"), headers=HTMX)
    waiting = ana.get(url(lena, "header/") + "?was=pending", headers=HTMX)
    assert 'hx-trigger="every 1s"' in text_of(waiting) and "HX-Trigger" not in waiting
    with tenant_scope(cast.acme):
        ids = list(FetchJob.objects.values_list("pk", flat=True))
        claim_these(cast.acme, ids)
        run_jobs(cast.acme, ids)
    done = ana.get(url(lena, "header/") + "?was=pending", headers=HTMX)
    assert done["HX-Trigger"] == "tikdash:refreshed" and "every 1s" not in text_of(done)
    followers = upstream.look("truth/account", handle="lena.bakes")["followers"]
    assert f'title="{followers:,}"' in text_of(done) and "just now" in text_of(done)


def test_only_a_post_with_its_token_refreshes(cast: Cast, ana: Client, lena: TrackedAccount) -> None:
    assert ana.get(url(lena, "refresh/")).status_code == 405
    strict = Client(headers={"host": "acme.localhost"}, enforce_csrf_checks=True)
    strict.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post(url(lena, "refresh/")).status_code == 403


# --- who, and at what cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", ["", "header/", "series.json", "posts/"])
def test_an_account_of_another_workspace_or_of_nobody_is_a_404(
    cast: Cast, ana: Client, lena: TrackedAccount, piece: str
) -> None:
    rita = browser_of(cast.rita, "rival.localhost")
    assert rita.get(url(lena, piece), headers=HTMX).status_code == 404
    assert ana.get(f"/accounts/{'9' * 40}/{piece}", headers=HTMX).status_code == 404
    assert "Nothing at this address" in text_of(ana.get(f"/accounts/{'9' * 40}/{piece}", headers=HTMX))
