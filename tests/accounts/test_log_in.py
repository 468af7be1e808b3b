"""Signing in: one answer to everything that is wrong, slower after repeated tries, and never off to another host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.cast import PASSWORD, Cast

WRONG = "The email address and/or password you specified are not correct."
SLOW_DOWN = "Too many failed login attempts. Try again later."
HOSTS = ["acme.localhost", "localhost"]


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(cast: Cast) -> None:
    cache.clear()


def sign_in(host: str, email: str, password: str, after: str = "", **extra: str) -> Any:
    client = Client(headers={"host": host})
    return client.post("/log-in/" + after, {"login": email, "password": password}, **extra)  # type: ignore[arg-type]


def said(response: Any) -> list[str]:
    """What the form says, without what was typed."""
    page = response.content.decode()
    errors = re.findall(r'role="alert">(.*?)</div>|class="errorlist[^>]*>(.*?)</ul>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for error in errors for part in error if part.strip()]


@pytest.mark.parametrize("host", HOSTS)
def test_the_right_password_opens_the_page_that_was_asked_for(host: str) -> None:
    response = sign_in(host, "ana@acme.example", PASSWORD, after="?next=/accounts/%3Fsort%3Dhandle")
    assert (response.status_code, response["Location"]) == (302, "/accounts/?sort=handle")
    assert sign_in(host, " Ana@ACME.example ", PASSWORD)["Location"] == "/"


@pytest.mark.parametrize("host", HOSTS)
def test_wrong_password_unknown_person_and_inactive_person_get_the_very_same_answer(cast: Cast, host: str) -> None:
    User.objects.filter(pk=cast.max.pk).update(is_active=False)
    answers = [
        sign_in(host, "ana@acme.example", "wrong"),
        sign_in(host, "nobody@acme.example", "wrong"),
        sign_in(host, "max@acme.example", PASSWORD),
        sign_in(host, "max@acme.example", "wrong"),
    ]
    assert [response.status_code for response in answers] == [422] * 4
    assert [said(response) for response in answers] == [[WRONG]] * 4
    assert all("sessionid" not in response.cookies for response in answers)


def test_somebody_who_is_switched_off_while_signed_in_is_out_at_once(cast: Cast) -> None:
    client = Client(headers={"host": "acme.localhost"})
    client.post("/log-in/", {"login": "max@acme.example", "password": PASSWORD})
    assert client.get("/accounts/").status_code == 200
    User.objects.filter(pk=cast.max.pk).update(is_active=False)
    assert client.get("/accounts/").status_code == 302


@pytest.mark.parametrize("email", ["ana@acme.example", "nobody@acme.example"])
def test_after_five_wrong_tries_a_person_has_to_wait_known_or_not(email: str) -> None:
    for _ in range(5):
        assert said(sign_in("acme.localhost", email, "wrong")) == [WRONG]
    assert said(sign_in("acme.localhost", email, PASSWORD)) == [SLOW_DOWN]
    for host in ("localhost", "acme.localhost:4711", "rival.localhost"):
        assert said(sign_in(host, email.upper(), PASSWORD)) == [SLOW_DOWN], "neither another host nor spelling helps"
    assert sign_in("rival.localhost", "rita@rival.example", PASSWORD).status_code == 302


def test_one_address_cannot_try_one_person_after_the_other() -> None:
    for number in range(10):
        assert said(sign_in("localhost", f"person{number}@acme.example", "wrong")) == [WRONG]
    assert said(sign_in("localhost", "ana@acme.example", PASSWORD)) == [SLOW_DOWN]
    assert sign_in("localhost", "ana@acme.example", PASSWORD, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_a_forged_forwarding_header_buys_no_new_tries() -> None:
    for number in range(10):
        sign_in("localhost", f"person{number}@acme.example", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    response = sign_in("localhost", "ana@acme.example", PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.77")
    assert said(response) == [SLOW_DOWN]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "http://rival.localhost/accounts/",
        "//rival.localhost/",
        "http:///evil.example",
        "javascript:alert(1)",
        "/\t/evil.example/",
        " //evil.example/",
        "/%09/evil.example",
        "evil.example",
        "",
    ],
)
def test_signing_in_never_leads_to_another_host(target: str) -> None:
    client = Client(headers={"host": "acme.localhost"})
    form = {"login": "ana@acme.example", "password": PASSWORD, "next": target}
    location = client.post("/log-in/", form)["Location"]
    assert location.startswith("/") and "evil.example" not in location.replace("/%09/evil.example", "")
    assert not location.startswith(("//", "/\\", "/\t"))


def test_a_page_asks_for_the_log_in_and_leads_back_to_itself(cast: Cast) -> None:
    response = Client(headers={"host": "acme.localhost"}).get("/accounts/?sort=handle")
    assert (response.status_code, response["Location"]) == (302, "/log-in/?next=/accounts/%3Fsort%3Dhandle")


def test_where_sign_up_is_closed_nobody_signs_up_by_themselves(cast: Cast, settings: Any) -> None:
    settings.SIGN_UP_OPEN = False
    for host in HOSTS:
        client = Client(headers={"host": host})
        client.post("/sign-up/", {"email": "new@x.example", "password1": PASSWORD, "password2": PASSWORD})
        assert said(sign_in(host, "new@x.example", PASSWORD)) == [WRONG]


def test_signing_out_needs_a_post_and_ends_the_session(cast: Cast) -> None:
    client = Client(headers={"host": "acme.localhost"})
    client.post("/log-in/", {"login": "ana@acme.example", "password": PASSWORD})
    client.get("/log-out/")
    assert client.get("/accounts/").status_code == 200
    client.post("/log-out/")
    assert client.get("/accounts/").status_code == 302


def test_the_page_names_the_workspace_and_leaks_nothing_of_it(cast: Cast) -> None:
    page = Client(headers={"host": "acme.localhost"}).get("/log-in/").content.decode()
    assert "Acme Talent" in page and "100 accounts" not in page and "Pro" not in page
    assert Client(headers={"host": "unknown.localhost"}).get("/log-in/").status_code == 404


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("cookie", ["\x00", "x" * 32 + "\x00", "'; DROP TABLE users", "é" * 32])
def test_a_cookie_that_is_no_session_leads_to_the_log_in(host: str, cookie: str) -> None:
    client = Client(headers={"host": host})
    client.cookies["sessionid"] = cookie
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/log-in/") or client.get(response["Location"]).status_code == 302
