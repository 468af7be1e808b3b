"""The list of accounts and the form for a new one, as a member's browser gets them, with HTMX and without."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.models import AccountHandle, FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job, make_snapshots
from tests.queries import assert_at_most, statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import browser_of
from tikdash.db.scope import tenant_scope

HTMX = {"HX-Request": "true"}
BOOSTED = HTMX | {"HX-Boosted": "true"}


def text_of(response: Any) -> str:
    return str(response.content.decode())


def handles_in(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r'class="handle">@([^<]+)', text_of(response))


@pytest.fixture
def three(cast: Cast, noon: datetime) -> None:
    """Three accounts of Acme: own, competitor and partner."""
    with tenant_scope(cast.acme):
        lena = make_account("lena.bakes", nickname="Lena bakes", tracked_reason="own", tags=["bread", "uk"],
                            follower_count=1_284_000, heart_count=10, video_count=3)  # fmt: skip
        make_snapshots(lena, [1_280_000, 1_284_000])
        make_account("noor.kitchen", nickname="مطبخ نور", follower_count=500, heart_count=None, video_count=2,
                     measured_at=noon - timedelta(days=3))  # fmt: skip
        vic = make_account("vic", nickname="", tracked_reason="partner", follower_count=None, heart_count=99,
                           video_count=1, state="private", measured_at=noon - timedelta(days=9))  # fmt: skip
        AccountHandle.objects.create(account=vic, username="old.vic", replaced_at=noon)


# --- the list --------------------------------------------------------------------------------------------------------


def test_an_empty_workspace_says_what_to_do_first(ana: Client) -> None:
    page = text_of(ana.get("/accounts/"))
    assert "Track the first account" in page and 'name="handle"' in page
    assert "0 of 100 accounts" in page and 'role="search"' not in page


def test_a_row_shows_numbers_change_tags_state_and_age(ana: Client, three: None) -> None:
    page = text_of(ana.get("/accounts/"))
    for part in ('title="1,284,000"', "+4,000", "Lena bakes", "مطبخ نور", "bread", "3 of 100 accounts"):
        assert part in page, part
    for part in ("private on TikTok", "fresh-fresh", "fresh-stale", "fresh-old"):
        assert part in page, part
    assert "<svg" in page


@pytest.mark.parametrize(
    ("query", "handles"),
    [
        ("", ["lena.bakes", "noor.kitchen", "vic"]),
        ("?q=LENA", ["lena.bakes"]),
        ("?q=%40noor", ["noor.kitchen"]),
        ("?q=%D9%86%D9%88%D8%B1", ["noor.kitchen"]),
        ("?q=bread", ["lena.bakes"]),
        ("?q=old.vic", ["vic"]),
        ("?q=%25", []),
        ("?q=_", []),
        ("?q=%00vic", ["vic"]),
        ("?q=" + "x" * 5000, []),
        ("?reason=own", ["lena.bakes"]),
        ("?reason=partner&q=vic", ["vic"]),
        ("?reason=own&q=vic", []),
        ("?sort=handle", ["lena.bakes", "noor.kitchen", "vic"]),
        ("?sort=-handle", ["vic", "noor.kitchen", "lena.bakes"]),
        ("?sort=followers", ["vic", "noor.kitchen", "lena.bakes"]),
        ("?sort=-followers", ["lena.bakes", "noor.kitchen", "vic"]),
        ("?sort=-hearts", ["vic", "lena.bakes", "noor.kitchen"]),
        ("?sort=hearts", ["noor.kitchen", "lena.bakes", "vic"]),
        ("?sort=videos", ["vic", "noor.kitchen", "lena.bakes"]),
        ("?sort=as_of", ["vic", "noor.kitchen", "lena.bakes"]),
        ("?page=7", ["lena.bakes", "noor.kitchen", "vic"]),
    ],
)
def test_filters_and_sorts_are_in_the_address(ana: Client, three: None, query: str, handles: list[str]) -> None:
    assert handles_in(ana.get(f"/accounts/{query}")) == handles
    assert handles_in(ana.get(f"/accounts/{query}", headers=HTMX)) == handles


def test_a_filter_that_finds_nothing_says_so_and_how_to_go_back(ana: Client, three: None) -> None:
    page = text_of(ana.get("/accounts/?q=nobody&reason=own"))
    assert "No account matches" in page and 'value="nobody"' in page and "Show all accounts" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sort=price", "The list cannot be sorted by “price”. Choose one of: handle, followers"),
        ("sort=--handle", "The list cannot be sorted by"),
        ("reason=friend", "There is no reason “friend”. Choose own, competitor or partner."),
        ("page=two", "Pages are numbered 1, 2, 3, …"),
        ("page=-1", "Pages are numbered"),
        ("page=" + "9" * 50, "Pages are numbered"),
    ],
)
def test_an_address_that_makes_no_sense_is_a_400_page_with_a_sentence(ana: Client, query: str, sentence: str) -> None:
    response = ana.get(f"/accounts/?{query}")
    assert response.status_code == 400 and sentence in text_of(response)


def test_htmx_gets_the_table_and_a_boosted_link_or_a_browser_the_whole_page(ana: Client, three: None) -> None:
    piece, boosted = ana.get("/accounts/", headers=HTMX), ana.get("/accounts/", headers=BOOSTED)
    assert text_of(piece).lstrip().startswith("<section") and "<html" not in text_of(piece)
    assert "<html" in text_of(boosted) and "<html" in text_of(ana.get("/accounts/"))
    assert "HX-Request" in piece["Vary"]


def test_a_hundred_accounts_are_two_pages_that_keep_the_filter(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        for number in range(60):
            make_account(f"user.{number:02}", follower_count=number)
    first = ana.get("/accounts/?q=user&sort=followers")
    assert handles_in(first) == [f"user.{number:02}" for number in range(50)]
    [following] = re.findall(r'rel="next" href="([^"]+)"', text_of(first))
    assert following == "/accounts/?q=user&amp;sort=followers&amp;page=2"
    second = ana.get(following.replace("&amp;", "&"))
    assert handles_in(second) == [f"user.{number:02}" for number in range(50, 60)]
    assert 'rel="prev"' in text_of(second) and 'rel="next"' not in text_of(second)


def test_the_list_asks_the_same_few_questions_however_long_it_is(cast: Cast, ana: Client) -> None:
    with tenant_scope(cast.acme):
        make_snapshots(make_account(), [1, 2])
        few = statements_of(lambda: ana.get("/accounts/"))
        for _ in range(49):
            make_snapshots(make_account(tags=["a", "b"]), [1, 2, 3])
    assert len(statements_of(lambda: ana.get("/accounts/"))) == len(few)
    assert_at_most(12, few)


def test_names_from_tiktok_are_text_and_never_markup(cast: Cast, ana: Client) -> None:
    evil = "<script>alert(1)</script>"
    with tenant_scope(cast.acme):
        account = make_account(nickname=evil, bio=evil, tags=[evil[:40]])
    for path in ("/accounts/", f"/accounts/{account.pk}/"):
        assert evil not in text_of(ana.get(path)) and "&lt;script&gt;alert(1)" in text_of(ana.get(path))


# --- adding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"handle": ""}, "Type a TikTok handle, for example @lena.bakes."),
        ({}, "Type a TikTok handle"),
        ({"handle": "no spaces please"}, "is not a TikTok handle: 2–24 letters"),
        ({"handle": "a" * 500}, "is not a TikTok handle"),
        ({"handle": "https://www.instagram.com/lena"}, "This is not the address of a TikTok profile."),
        ({"handle": "https://vm.tiktok.com/ZM1/"}, "Short links do not say whose they are."),
        ({"handle": "lena\x00"}, "is not a TikTok handle"),
        ({"handle": "taken"}, "@taken is tracked already."),
        ({"handle": "@TAKEN "}, "@taken is tracked already."),
        ({"handle": "fine", "reason": "friend"}, "Choose a reason: own, competitor or partner."),
        ({"handle": "fine", "tags": ",".join(map(str, range(11)))}, "Use at most 10 tags of at most 40 characters"),
    ],
)
def test_bad_input_comes_back_with_a_sentence_and_stores_nothing(
    cast: Cast, ana: Client, form: dict[str, str], sentence: str, headers: dict[str, str]
) -> None:
    with tenant_scope(cast.acme):
        make_account("taken")
    response = ana.post("/accounts/add/", form, headers=headers)
    page = text_of(response)
    assert response.status_code == 422 and sentence in page and 'aria-invalid="true"' in page
    assert ("<html" in page) == (not headers)
    with tenant_scope(cast.acme):
        assert not FetchJob.objects.exists() and TrackedAccount.objects.count() == 1


def test_what_was_typed_stays_in_the_form(ana: Client) -> None:
    page = text_of(ana.post("/accounts/add/", {"handle": 'no "good', "reason": "own", "tags": "bread"}))
    assert 'value="no &quot;good"' in page and 'value="bread"' in page
    assert '<option value="own" selected>' in page


def test_a_full_plan_shows_the_limit_and_no_form(cast: Cast, noon: datetime) -> None:
    rita = browser_of(cast.rita, "rival.localhost")
    with tenant_scope(cast.rival):
        for _ in range(5):
            make_account()
    page = text_of(rita.get("/accounts/"))
    assert "All 5 accounts of the Free plan are in use." in page and 'name="handle"' not in page
    response = rita.post("/accounts/add/", {"handle": "a.sixth"})
    assert response.status_code == 422 and "All 5 accounts" in text_of(response)
    with tenant_scope(cast.rival):
        assert not FetchJob.objects.exists()


def test_a_stranger_cannot_add_and_a_form_without_its_token_is_refused(cast: Cast, noon: datetime) -> None:
    stranger = browser_of(cast.rita, "acme.localhost")
    assert stranger.post("/accounts/add/", {"handle": "lena"}).status_code == 404
    strict = Client(headers={"host": "acme.localhost"}, enforce_csrf_checks=True)
    strict.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post("/accounts/add/", {"handle": "lena"}).status_code == 403


# --- the check of a handle -------------------------------------------------------------------------------------------


def run(tenant: TenantRef) -> None:
    with tenant_scope(tenant):
        ids = list(FetchJob.objects.filter(kind="probe").values_list("pk", flat=True))
        claim_these(tenant, ids)
        run_jobs(tenant, ids)


def test_with_htmx_the_form_turns_into_a_check_that_asks_again_until_it_is_done(
    cast: Cast, ana: Client, upstream: Caller
) -> None:
    answer = ana.post("/accounts/add/", {"handle": "@Lena.Bakes", "tags": "bread"}, headers=HTMX)
    [url] = re.findall(r'hx-get="(/accounts/checks/\d+/)"', text_of(answer))
    assert "Looking for <b>@lena.bakes</b>" in text_of(answer) and "<html" not in text_of(answer)
    assert "Looking for" in text_of(ana.get(url, headers=HTMX))
    run(cast.acme)
    done = ana.get(url, headers=HTMX)
    assert (done.status_code, text_of(done)) == (200, "")
    header = text_of(ana.get(done["HX-Redirect"]))
    assert "@lena.bakes" in header and "bread" in header


def test_without_script_the_page_of_the_check_reloads_itself_and_leads_to_the_account(
    cast: Cast, ana: Client, upstream: Caller
) -> None:
    sent = ana.post("/accounts/add/", {"handle": "lena.bakes"})
    assert sent.status_code == 302
    pending = text_of(ana.get(sent["Location"]))
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in pending and "<html" in pending
    run(cast.acme)
    done = ana.get(sent["Location"])
    with tenant_scope(cast.acme):
        assert done["Location"] == f"/accounts/{TrackedAccount.objects.get().pk}/"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_handle_that_tiktok_refuses_is_a_sentence_on_the_form(
    cast: Cast, ana: Client, upstream: Caller, headers: dict[str, str]
) -> None:
    upstream.order("overrides", {"deleted": [{"handle": "lena.bakes"}]})
    ana.post("/accounts/add/", {"handle": "lena.bakes", "tags": "bread", "reason": "own"}, headers=HTMX)
    run(cast.acme)
    with tenant_scope(cast.acme):
        check = FetchJob.objects.get()
        assert not TrackedAccount.objects.exists()
    page = text_of(ana.get(f"/accounts/checks/{check.pk}/", headers=headers))
    assert "TikTok knows no @lena.bakes. Check the spelling;" in page
    assert 'value="lena.bakes"' in page and 'value="bread"' in page and 'value="own" selected' in page


@pytest.mark.parametrize("check", ["0", "9" * 40])
def test_a_check_that_is_over_is_a_404(cast: Cast, ana: Client, check: str) -> None:
    with tenant_scope(cast.acme):
        profile = make_job(make_account(), "profile")
    assert ana.get(f"/accounts/checks/{check}/").status_code == 404
    assert ana.get(f"/accounts/checks/{profile.pk}/").status_code == 404
