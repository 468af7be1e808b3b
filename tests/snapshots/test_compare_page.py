"""Accounts beside each other: lines, shares of voice, the table of metrics, and what an impossible choice is told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.queries import assert_at_most, statements_of
from tests.snapshots.budgets import STATEMENTS
from tests.snapshots.test_pages import text_of
from tikdash.db.scope import tenant_scope


@pytest.fixture
def pair(acme: TenantRef, noon: datetime) -> list[TrackedAccount]:
    """Two accounts with three days each and posts that have 24 % and 76 % of the views."""
    lena, max_ = make_account("lena", follower_count=300), make_account("max", follower_count=3000)
    make_snapshots(lena, [100, None, 300])
    make_snapshots(max_, [2000, 2500, 3000])
    for account, plays in ((lena, 120_000), (max_, 380_000)):
        make_post(account, posted_at=noon - timedelta(days=3), play_count=plays, digg_count=5000, comment_count=100,
                  share_count=100)  # fmt: skip
    return [lena, max_]


def address(accounts: list[TrackedAccount], more: str = "") -> str:
    return f"/compare/?accounts={','.join(str(account.pk) for account in accounts)}{more}"


def test_the_lines_are_absolute_or_indexed_on_one_axis(ana: Client, pair: list[TrackedAccount]) -> None:
    query = address(pair).removeprefix("/compare/")
    absolute = ana.get(f"/compare/series.json{query}").json()
    assert absolute["dates"] == ["2026-11-13", "2026-11-14", "2026-11-15"]
    assert absolute["lines"] == [
        {"name": "@lena", "values": [100, None, 300]},
        {"name": "@max", "values": [2000, 2500, 3000]},
    ]
    indexed = ana.get(f"/compare/series.json{query}&mode=indexed").json()
    assert [line["values"] for line in indexed["lines"]] == [[100, None, 300], [100, 125, 150]]


def test_the_page_has_the_chart_as_a_table_shares_and_metrics(ana: Client, pair: list[TrackedAccount]) -> None:
    page = text_of(ana.get(address(pair)))
    assert re.search(r"15 Nov 2026</th><td class=\"num\">300</td><td class=\"num\">3,000</td>", page)
    assert "24.0\u202f%" in page and "76.0\u202f%" in page
    assert "Engagement rate by views" in page and "Σ(likes + comments + shares) / Σ views" in page
    assert re.search(r"data-lines-url=\"/compare/series.json\?accounts=\d+%2C\d+\"", page)


def test_the_best_of_a_line_is_marked_and_a_missing_number_says_why(ana: Client, pair: list[TrackedAccount]) -> None:
    page = text_of(ana.get(address(pair)))
    row = page[page.index(">Engagement rate by views</span>") :].split("</tr>")[0]
    assert re.search(r'class="num best"><span title="[^"]*n = 1[^"]*">4.33', row)
    assert "Only 1 post to go by" in page[page.index("Median views</span>") :].split("</tr>")[0]


def test_an_account_joins_by_handle_and_leaves_by_its_link(ana: Client, pair: list[TrackedAccount]) -> None:
    joined = ana.get(address(pair[:1], "&days=30&add=%40Max"))
    assert joined.status_code == 302
    assert joined["Location"] == f"/compare/?days=30&accounts={pair[0].pk}%2C{pair[1].pk}"
    page = text_of(ana.get(joined["Location"]))
    assert f'href="/compare/?days=30&amp;accounts={pair[1].pk}"' in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("nobody.here", "@nobody.here is not tracked here"), ("two words", "is not a TikTok handle"),
     ("lena", "This account is among them already")],
)  # fmt: skip
def test_a_handle_that_cannot_join_gets_a_sentence_beside_the_field(
    ana: Client, pair: list[TrackedAccount], typed: str, sentence: str
) -> None:
    page = ana.get(address(pair, f"&add={typed}"))
    text = text_of(page)
    assert page.status_code == 422 and 'aria-describedby="add-error"' in text
    assert sentence in re.findall(r'id="add-error">([^<]+)<', text)[0]
    assert "Share of voice" in text


def test_ten_are_enough(ana: Client, acme: TenantRef) -> None:
    ten = [make_account() for _ in range(10)]
    make_account("eleventh")
    assert ana.get(address(ten)).status_code == 200
    full = ana.get(address(ten, "&add=eleventh"))
    assert full.status_code == 422 and "At most 10 accounts can be compared" in text_of(full)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("accounts=a,b", "are named by their numbers"),
        ("accounts=" + ",".join(map(str, range(11))), "the address names 11"),
        ("metric=wealth", "There is no metric “wealth”"),
        ("days=0", "between 1 and 3,660 days"),
        ("days=9999", "between 1 and 3,660 days"),
        ("days=1e9", "The range is a number of days"),
        ("mode=log", "There is no mode “log”"),
        ("voice=31", "Shares of voice are of 7, 30 or 90 days"),
    ],
)
def test_an_impossible_comparison_is_a_sentence(
    ana: Client, pair: list[TrackedAccount], query: str, sentence: str
) -> None:
    path = f"/compare/?{query}" if "accounts" in query else address(pair, f"&{query}")
    page = ana.get(path)
    assert page.status_code == 422 and sentence in text_of(page)
    if "voice" not in query:
        assert ana.get(path.replace("/compare/", "/compare/series.json")).status_code == 400


def test_accounts_of_others_and_of_nobody_do_not_exist(ana: Client, cast: Cast, pair: list[TrackedAccount]) -> None:
    with tenant_scope(cast.rival):
        secret = make_account("secret")
    for ids in (f"{pair[0].pk},{secret.pk}", "99999999"):
        for path in ("/compare/", "/compare/series.json"):
            assert ana.get(f"{path}?accounts={ids}").status_code == 404
    page = ana.get(address(pair, "&add=secret"))
    assert page.status_code == 422 and "@secret is not tracked here" in text_of(page)


def test_without_a_choice_the_page_offers_the_largest(ana: Client, pair: list[TrackedAccount]) -> None:
    page = text_of(ana.get("/compare/"))
    assert "Choose who to compare" in page and f"/compare/?accounts={pair[1].pk},{pair[0].pk}" in page


def test_the_page_asks_the_same_few_questions_for_two_and_for_ten(ana: Client, pair: list[TrackedAccount]) -> None:
    few = statements_of(lambda: ana.get(address(pair)))
    more = [make_account() for _ in range(8)]
    for account in more:
        make_snapshots(account, [1, 2, 3])
        for _ in range(5):
            make_post(account)
    assert len(statements_of(lambda: ana.get(address(pair + more)))) == len(few)
    assert_at_most(STATEMENTS["compare"], few)
    series = address(pair).replace("/compare/", "/compare/series.json")
    assert_at_most(STATEMENTS["compare_series"], statements_of(lambda: ana.get(series)))
