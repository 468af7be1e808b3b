"""The start page: numbers of a group, movers, breakouts, what needs attention, and the groups themselves."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from billing.gate import gate
from snapshots.analytics.overview import group_of, overview
from snapshots.models import Post, PostSnapshot
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.queries import assert_at_most, statements_of
from tests.snapshots.budgets import STATEMENTS
from tests.snapshots.test_pages import HTMX, text_of
from tikdash.db.scope import tenant_scope
from tikdash.redis import server


@pytest.fixture
def team(acme: TenantRef, noon: datetime) -> None:
    """Four accounts: one grows, one falls, one falls by noise, one was read once. The first has the four posts of
    `metrics.md`."""
    lena = make_account("lena", tracked_reason="own", tags=["uk"], follower_count=10_450)
    make_snapshots(lena, [10_000, *[None] * 29, 10_450])
    for plays, diggs, comments, shares in (
        (1000, 80, 10, 5), (2000, 100, 20, 20), (1500, 90, 15, 15), (50_000, 2500, 200, 300),
    ):  # fmt: skip
        make_post(lena, posted_at=noon - timedelta(days=2), play_count=plays, digg_count=diggs,
                  comment_count=comments, share_count=shares)  # fmt: skip
    falls = make_account("falls", tracked_reason="competitor", tags=["uk"], follower_count=900)
    make_snapshots(falls, [1000, *[None] * 29, 900])
    noise = make_account("noise", tracked_reason="competitor", follower_count=99_990)
    make_snapshots(noise, [100_000, *[None] * 29, 99_990])
    make_account("new", tracked_reason="partner", follower_count=None, measured_at=None)


def test_the_totals_say_of_how_many_accounts_they_are(acme: TenantRef, team: None) -> None:
    totals = overview(tenant_id=acme.id, group=group_of(tenant_id=acme.id)).totals
    assert (totals.accounts, totals.followers, totals.n_followers) == (4, 10_450 + 900 + 99_990, 3)
    assert (totals.change, totals.n_change, totals.posts) == (450 - 100 - 10, 3, 4)
    assert totals.rate == pytest.approx(0.0616, abs=5e-5) and totals.n_rate == 1


def test_movers_go_by_share_and_noise_is_not_among_them(acme: TenantRef, team: None) -> None:
    shown = overview(tenant_id=acme.id, group=group_of(tenant_id=acme.id))
    assert [(one.member.handle, one.change, one.ratio) for one in shown.up] == [("lena", 450, 0.045)]
    assert [(one.member.handle, one.change, one.ratio) for one in shown.down] == [("falls", -100, -0.1)]


@pytest.mark.parametrize(
    ("query", "handles"),
    [("", ["noise", "lena", "falls", "new"]), ("reason=own", ["lena"]), ("tag=uk", ["lena", "falls"]),
     ("reason=competitor&tag=uk", ["falls"]), ("tag=nobody", [])],
)  # fmt: skip
def test_a_group_is_named_by_reason_and_tag(
    acme: TenantRef, ana: Client, team: None, query: str, handles: list[str]
) -> None:
    wanted = dict(part.split("=") for part in query.split("&") if part)
    group = group_of(tenant_id=acme.id, **wanted)
    assert [member.handle for member in group.members] == handles
    page = text_of(ana.get(f"/overview/?{query}"))
    assert ("No account is in this group" in page) == (not handles)
    tile = re.search(r"<dt>Accounts</dt><dd class=\"tile-value\"><span[^>]*>(\d+)", page)
    assert (int(tile[1]) if tile else 0) == len(handles)


def test_the_page_shows_numbers_movers_and_what_needs_attention(ana: Client, cast: Cast, team: None) -> None:
    with tenant_scope(cast.acme):
        make_account("hidden", state="private", follower_count=None)
    page = text_of(ana.get("/overview/"))
    for words in (
        "111\u202fK",
        'title="111,340"',
        "6.16\u202f%",
        "+450",
        "+4.50\u202f%",
        "−100",
        "@hidden has become private",
    ):
        assert words in page, words
    assert "version 1" in page and "older than 24 h" in page


def test_a_breakout_stands_there_with_its_reason(ana: Client, cast: Cast, acme: TenantRef, noon: datetime) -> None:
    account = make_account("viral")
    for back in range(2, 12):
        post = make_post(account, title="Usual", posted_at=noon - timedelta(days=back * 2), play_count=1000)
        PostSnapshot.objects.create(post=post, captured_on=(post.posted_at + timedelta(days=1)).date(),
                                    captured_at=post.posted_at + timedelta(days=1), play_count=1000)  # fmt: skip
    post = make_post(account, title="Focaccia", posted_at=noon - timedelta(days=1), play_count=33_000)
    PostSnapshot.objects.create(post=post, captured_on=noon.date(), captured_at=noon, play_count=33_000)
    page = text_of(ana.get("/overview/"))
    assert "33.0× its usual views at 24 h: 33,000 against a median of 1,000 of 10 posts" in page
    assert f'href="/posts/{post.pk}/"' in page and Post.objects.count() == 11


def test_the_start_is_the_overview_once_there_is_an_account(ana: Client, cast: Cast) -> None:
    assert ana.get("/")["Location"] == "/accounts/"
    with tenant_scope(cast.acme):
        make_account()
    assert ana.get("/")["Location"] == "/overview/"


def test_an_empty_workspace_and_too_young_numbers_say_so(ana: Client, cast: Cast) -> None:
    assert "Nothing is tracked yet" in text_of(ana.get("/overview/"))
    with tenant_scope(cast.acme):
        make_account(follower_count=None, measured_at=None)
    page = text_of(ana.get("/overview/"))
    for words in ("no earlier number", "no posts read yet", "a change needs two readings"):
        assert words in page


def test_a_reason_that_does_not_exist_gets_a_sentence(ana: Client, team: None) -> None:
    for headers in ({}, HTMX):
        page = ana.get("/overview/?reason=enemy", headers=headers)
        assert page.status_code == 422 and "There is no reason “enemy”" in text_of(page)
        assert 'aria-describedby="group-error"' in text_of(page)


def test_the_piece_is_the_page_without_its_frame(ana: Client, team: None) -> None:
    piece = text_of(ana.get("/overview/?tag=uk", headers=HTMX))
    assert piece.startswith('<section id="overview"') and "<html" not in piece


def test_the_page_asks_the_same_few_questions_however_much_there_is(ana: Client, cast: Cast, team: None) -> None:
    # Each is the first look of all: nothing is known of what was spent, and no verdict on a post is kept.
    server().connection.flushdb()
    gate.forget()
    few = statements_of(lambda: ana.get("/overview/"))
    with tenant_scope(cast.acme):
        for number in range(15):
            account = make_account(tags=[f"tag{number}"])
            make_snapshots(account, [100, *[None] * 29, 200 + number])
            for _ in range(5):
                make_post(account)
    server().connection.flushdb()
    gate.forget()
    much = statements_of(lambda: ana.get("/overview/"))
    assert len(much) == len(few)
    assert_at_most(STATEMENTS["overview"], few)
    assert_at_most(STATEMENTS["overview_again"], statements_of(lambda: ana.get("/overview/")))


def test_nothing_of_another_workspace_is_in_it(ana: Client, cast: Cast, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        make_account("mine")
    with tenant_scope(cast.rival):
        make_account("secret", tags=["secrettag"], state="private")
    assert "secret" not in text_of(ana.get("/overview/"))
