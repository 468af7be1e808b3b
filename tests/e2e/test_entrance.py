"""The ways in and out: log-in, workspaces, the administration, and addresses where there is nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.visitors import Visitors, sign_in, watch_of, with_history

WRONG = "The email address and/or password you specified are not correct."


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@acme.example", "not-her-password"),
        ("somebody@nowhere.example", "not-her-password"),
    ],
)
def test_a_wrong_log_in_gets_one_sentence_whatever_was_wrong(
    page: Page, stack: Stack, email: str, password: str
) -> None:
    watch_of(page).allow(422)
    page.goto(stack.url("acme", "/"))
    sign_in(page, email, password)
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    expect(page.get_by_label("E-mail")).to_have_value(email)


def test_after_the_log_in_one_is_on_the_page_that_was_asked_for(page: Page, world: Cast, stack: Stack) -> None:
    account_id = with_history(world.acme, "lena.bakes", [1, 2, 3], nickname="Lena")
    page.goto(stack.url("acme", f"/accounts/{account_id}/?days=30"))
    sign_in(page, "ana@acme.example")
    expect(page).to_have_url(stack.url("acme", f"/accounts/{account_id}/?days=30"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Lena")


def test_after_the_log_out_the_pages_are_closed(ana: Page, stack: Stack) -> None:
    ana.locator("details.me summary").click()
    ana.get_by_role("button", name="Sign out").click()
    expect(ana.get_by_role("button", name="Sign in")).to_be_visible()
    ana.goto(stack.url("acme", "/accounts/"))
    expect(ana.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_session_that_ended_leads_to_the_log_in(visitors: Visitors, world: Cast, stack: Stack) -> None:
    account_id = with_history(world.acme, "lena.bakes", [1, 2, 3], posts=3)
    ana = visitors.member()
    ana.goto(stack.url("acme", f"/accounts/{account_id}/"))
    ana.context.clear_cookies()
    ana.locator("#posts thead").get_by_role("link", name="Views").click()
    expect(ana.get_by_role("button", name="Sign in")).to_be_visible()


def test_one_log_in_on_the_public_host_opens_a_workspace(page: Page, stack: Stack) -> None:
    page.goto(stack.url())
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Acme Talent"])
    page.get_by_role("link", name="Open Acme Talent").click()
    expect(page).to_have_url(stack.url("acme", "/accounts/"))
    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()


def test_somebody_without_a_workspace_is_told_what_to_do(page: Page, stack: Stack) -> None:
    page.goto(stack.url())
    sign_in(page, "nora@nowhere.example")
    expect(page.get_by_text("Ask the owner of a workspace to invite nora@nowhere.example")).to_be_visible()


def test_another_workspace_is_not_there(page: Page, stack: Stack) -> None:
    watch_of(page).allow(404)
    page.goto(stack.url("rival", "/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Nothing at this address")).to_be_visible()
    assert "Rival Brand" not in page.content()


@pytest.mark.parametrize("host", ["nobody", "acme.nobody"])
def test_a_host_that_is_nobodys_shows_the_404_page(page: Page, stack: Stack, host: str) -> None:
    watch_of(page).allow(404)
    answer = page.goto(stack.url(host, "/"))
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Nothing at this address")).to_be_visible()


def test_staff_see_the_lists_of_the_administration(page: Page, world: Cast, stack: Stack) -> None:
    with_history(world.acme, "lena.bakes", [1, 2, 3], posts=2)
    page.goto(stack.url("", "/admin/"))
    sign_in(page, "olga@tikdash.example")
    expect(page).to_have_url(stack.url("", "/admin/"))
    for address, words in {
        "accounts/tenant/": "Acme Talent",
        "accounts/domain/": "acme.localhost",
        "accounts/user/": "ana@acme.example",
        "accounts/membership/": "ana@acme.example",
        "snapshots/trackedaccount/": "lena.bakes",
        "snapshots/post/": "Post number 2",
        "snapshots/fetchjob/": "fetch jobs",
        "billing/plan/": "Enterprise",
        "billing/usagerecordrow/": "usage",
    }.items():
        answer = page.goto(stack.url("", f"/admin/{address}"))
        assert answer is not None
        assert answer.status == 200, address
        expect(page.locator("main, #main, body").first).to_contain_text(re.compile(re.escape(words), re.IGNORECASE))


def test_a_customer_has_no_administration(page: Page, stack: Stack) -> None:
    watch_of(page).allow(403, 404)
    page.goto(stack.url("", "/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    page.goto(stack.url("", "/admin/snapshots/trackedaccount/"))
    assert "Select account" not in page.content()
