"""People in a browser: signing up, inviting, second factors; with pictures in `var/screenshots/`."""

from __future__ import annotations

import re
import time
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.cast import PASSWORD, Cast, code_now
from tests.e2e.stack import MAILS, Stack, wait_for
from tests.e2e.test_looks import SCHEMES, SIZES, camera, serious_faults
from tests.e2e.visitors import Visitors, sign_in, tile, watch_of

MINUTE_S = 60


@pytest.fixture(autouse=True)
def _empty_mailbox() -> None:
    for path in MAILS.glob("*"):
        path.unlink()


def mail_to(address: str, line: str) -> str:
    """What the group of the pattern `line` is in the newest mail to that address that has such a line; waits for it."""

    def newest() -> str | None:
        for path in sorted(MAILS.glob("*"), key=lambda one: one.stat().st_mtime, reverse=True):
            for raw in reversed(Path(path).read_bytes().split(b"-" * 79 + b"\n")):
                message = message_from_bytes(raw.strip())
                found = re.search(line, _text_of(message), re.MULTILINE) if address in (message["To"] or "") else None
                if found:
                    return found.group(1)
        return None

    wait_for(newest, f"a mail to {address}")
    text = newest()
    assert text is not None
    return text


def _text_of(message: Message) -> str:
    part = next((part for part in message.walk() if part.get_content_type() == "text/plain"), None)
    return "" if part is None else bytes(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]


def code_to(address: str) -> str:
    return mail_to(address, r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$")


def authenticator(page: Page) -> CDPSession:
    """A passkey device of Chromium's own, which confirms by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


def test_from_the_form_to_the_first_numbers_within_a_minute(page: Page, world: Cast, stack: Stack) -> None:
    began = time.monotonic()
    page.goto(stack.url("", "/log-in/"))
    page.get_by_role("link", name="Make a workspace of your own").click()
    page.get_by_label("E-mail").fill("nia@nova.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Name of the workspace").press_sequentially("Nova Creators")
    expect(page.get_by_label("Address")).to_have_value("nova-creators")
    expect(page.get_by_text("Free.")).to_be_visible()
    page.get_by_label("First TikTok handle").fill("@lena.bakes")
    page.get_by_role("button", name="Make the workspace").click()
    page.get_by_label("Code").fill(code_to("nia@nova.example"))
    page.get_by_role("button", name="Confirm").click()
    expect(page).to_have_url(re.compile(r"http://nova-creators\.localhost:\d+/accounts/\d+/$"))
    expect(tile(page, "Followers")).to_have_attribute("title", f"{stack.truth('lena.bakes')['followers']:,}")
    expect(page.locator("#posts tbody tr").first).to_be_visible()
    assert time.monotonic() - began < MINUTE_S


def test_an_address_that_is_taken_is_said_while_one_types(page: Page, world: Cast, stack: Stack) -> None:
    watch_of(page).allow(422)
    page.goto(stack.url("", "/sign-up/"))
    page.get_by_label("Address").press_sequentially("acme")
    expect(page.get_by_text("This address is taken.")).to_be_visible()
    page.get_by_label("E-mail").fill("x@nova.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Name of the workspace").fill("Acme Talent")
    page.get_by_label("Address").fill("acme")
    page.get_by_role("button", name="Make the workspace").click()
    expect(page.get_by_text("“acme” is taken. Free are: acme-talent")).to_be_visible()


def test_an_owner_invites_and_the_guest_joins(visitors: Visitors, world: Cast, stack: Stack) -> None:
    ana = visitors.member()
    ana.locator("details.me summary").click()
    ana.get_by_role("link", name="People and settings").click()
    ana.get_by_role("link", name="People", exact=True).click()
    ana.get_by_label("E-mail").fill("ivo@new.example")
    ana.get_by_role("button", name="Invite").click()
    expect(ana.get_by_text("The invitation is on its way to ivo@new.example.")).to_be_visible()
    link = mail_to("ivo@new.example", r"^(http://acme\.localhost\S+)$")
    ivo = visitors.window()
    ivo.goto(link)
    ivo.get_by_label("Name").fill("Ivo")
    ivo.get_by_label("Password").fill(PASSWORD)
    ivo.get_by_role("button", name="Make a log-in and join").click()
    expect(ivo.get_by_role("navigation", name="Main")).to_be_visible()
    ana.reload()
    expect(ana.get_by_text("Ivo", exact=True)).to_be_visible()
    expect(ana.get_by_text("3 of 10 seats")).to_be_visible()


def test_a_passkey_is_added_and_opens_the_log_in_alone(page: Page, world: Cast, stack: Stack) -> None:
    authenticator(page)
    page.goto(stack.url("", "/log-in/"))
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    page.goto(stack.url("", "/you/second-factor/passkeys/add/"))
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Passkey 1", exact=True).first).to_be_visible()
    page.locator("details.me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()


def test_an_app_is_added_and_asked_for(page: Page, world: Cast, stack: Stack) -> None:
    page.goto(stack.url("", "/log-in/"))
    sign_in(page, "max@acme.example")
    page.get_by_role("heading", name="Workspaces").wait_for()
    page.goto(stack.url("", "/you/second-factor/app/"))
    expect(page.locator("img.qr")).to_be_visible()
    key = page.locator("code").inner_text()
    page.get_by_label("Code").fill(code_now(key))
    page.get_by_role("button", name="Add the app").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.context.clear_cookies()
    page.goto(stack.url("acme", "/accounts/"))
    sign_in(page, "max@acme.example")
    page.get_by_label("Code").fill(code_now(key))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_the_pages_of_people(visitors: Visitors, world: Cast, stack: Stack, size: str, scheme: str) -> None:
    page = visitors.window(size=SIZES[size], scheme=scheme)
    watch_of(page).allow(403, 409, 422)
    take = camera(page, f"{size}-{scheme}")

    def look(name: str) -> None:
        take(name)
        assert serious_faults(page) == [], name

    page.goto(stack.url("", "/sign-up/"))
    look("sign-up")
    page.get_by_label("Address").fill("acme")
    page.get_by_label("Name of the workspace").fill("Acme")
    page.get_by_role("button", name="Make the workspace").click()
    expect(page.get_by_text("“acme” is taken.")).to_be_visible()
    look("sign-up-wrong")
    page.goto(stack.url("", "/log-in/"))
    look("log-in-public")
    sign_in(page, "ana@acme.example")
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    for name, path in {
        "you": "/you/", "you-email": "/you/email/", "you-password": "/you/password/", "you-sessions": "/you/sessions/",
        "you-factor": "/you/second-factor/", "you-app": "/you/second-factor/app/",
        "you-passkey": "/you/second-factor/passkeys/add/", "new-workspace": "/workspaces/new/",
        "step-up": "/confirm/password/",
    }.items():  # fmt: skip
        page.goto(stack.url("", path))
        look(name)
    page.goto(stack.url("acme", "/people/"))
    sign_in(page, "ana@acme.example")
    page.get_by_label("E-mail").fill("ivo@new.example")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("is on its way to ivo@new.example")).to_be_visible()
    look("people")
    link = mail_to("ivo@new.example", r"^(http://acme\.localhost\S+)$")
    for name, path in {"transfer": "/people/transfer/", "leave": "/people/leave/", "settings": "/settings/"}.items():
        page.goto(stack.url("acme", path))
        look(name)
    page.locator("details.me summary").click()
    take("menu")
    page.context.clear_cookies()
    page.goto(link)
    look("join")
