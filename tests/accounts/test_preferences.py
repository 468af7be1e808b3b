"""A person's language and time zone: chosen once, kept over log-ins, browsers and hosts, and never somebody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import Tenant, User
from accounts.services.preferences import set_preferences
from tests.cast import PASSWORD, Cast
from tikdash.errors import BadInput

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HOSTS = ["acme.localhost", "localhost"]


def language_of(response: Any) -> str:
    found = re.search(r'<html lang="(\w+)">', response.content.decode())
    assert found is not None
    return found[1]


def signed_in(user: User, host: str = "acme.localhost", **headers: str) -> Client:
    client = Client(headers={"host": host, **headers})
    client.force_login(user, backend=BACKEND)
    return client


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de,fr;q=0.7,en;q=0.3", "fr"),
        ("de-DE", "en"),
        ("en-GB,fr;q=0.5", "en"),
        ("*", "en"),
        ("\x00;;,=", "en"),
        ("x" * 2000, "en"),
    ],
)
def test_a_stranger_is_spoken_to_as_the_browser_asks(db: None, asked: str, spoken: str) -> None:
    answer = Client(headers={"host": "acme.localhost", "accept-language": asked}).get("/log-in/")
    assert (language_of(answer), answer["Content-Language"]) == (spoken, spoken)
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in answer["Vary"].split(",")}


def test_who_is_signed_in_goes_before_the_cookie_and_the_cookie_before_the_browser(cast: Cast) -> None:
    client = signed_in(cast.ana, **{"accept-language": "fr"})
    assert language_of(client.get("/accounts/")) == "fr"
    client.cookies["django_language"] = "en"
    assert language_of(client.get("/accounts/")) == "en"
    set_preferences(user=cast.ana, language="fr")
    assert language_of(client.get("/accounts/")) == "fr"
    client.cookies["django_language"] = "xx'><script>"
    assert language_of(client.get("/accounts/")) == "fr"


@pytest.mark.parametrize("host", HOSTS)
def test_the_switch_stays_over_log_out_log_in_and_another_browser(cast: Cast, host: str) -> None:
    client = signed_in(cast.ana, host)
    answer = client.post("/language/", {"language": "fr", "next": "/preferences/?x=1"})
    assert (answer.status_code, answer["Location"]) == (302, "/preferences/?x=1")
    assert language_of(client.get("/preferences/")) == "fr"
    client.post("/log-out/")
    assert language_of(client.get("/log-in/")) == "fr", "the browser keeps it"
    other = Client(headers={"host": host, "accept-language": "en"})
    other.post("/log-in/", {"login": "ana@acme.example", "password": PASSWORD})
    assert language_of(other.get("/preferences/")) == "fr", "and so does the person"


@pytest.mark.parametrize("host", HOSTS)
def test_a_language_that_was_chosen_at_the_door_is_kept_with_the_log_in(cast: Cast, host: str) -> None:
    client = Client(headers={"host": host})
    client.post("/language/", {"language": "fr", "next": "/log-in/"})
    assert language_of(client.get("/log-in/")) == "fr"
    client.post("/log-in/", {"login": "max@acme.example", "password": PASSWORD})
    assert User.objects.get(pk=cast.max.pk).language == "fr"
    set_preferences(user=User.objects.get(pk=cast.ana.pk), language="en")
    client.post("/log-out/")
    client.post("/log-in/", {"login": "ana@acme.example", "password": PASSWORD})
    assert User.objects.get(pk=cast.ana.pk).language == "en", "who has chosen already keeps that"


@pytest.mark.parametrize("after", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1", ""])
def test_the_switch_never_leads_to_another_host(cast: Cast, after: str) -> None:
    answer = Client(headers={"host": "acme.localhost"}).post("/language/", {"language": "fr", "next": after})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_language_that_no_page_speaks_is_refused_everywhere(cast: Cast) -> None:
    client = signed_in(cast.ana)
    assert client.post("/language/", {"language": "de"}).status_code == 400
    assert client.get("/language/").status_code == 405
    answer = client.post("/preferences/", {"language": "de", "time_zone": ""})
    assert answer.status_code == 422
    assert "Choose one of the languages of the list." in answer.content.decode()
    assert User.objects.get(pk=cast.ana.pk).language == ""
    with pytest.raises(BadInput):
        set_preferences(user=cast.ana, time_zone="Europe/Atlantis")


def test_the_page_saves_both_and_takes_both_back(cast: Cast) -> None:
    client = signed_in(cast.ana)
    assert client.post("/preferences/", {"language": "fr", "time_zone": "Asia/Tokyo"}).status_code == 302
    ana = User.objects.get(pk=cast.ana.pk)
    assert (ana.language, ana.time_zone) == ("fr", "Asia/Tokyo")
    page = client.get("/preferences/").content.decode()
    assert '<option value="fr" lang="fr" selected>' in page and "<option selected>Asia/Tokyo</option>" in page
    assert client.post("/preferences/", {"language": "", "time_zone": ""}).status_code == 302
    ana = User.objects.get(pk=cast.ana.pk)
    assert (ana.language, ana.time_zone) == ("", "")


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "localtime", "../../etc/passwd", "UTC\x00", "x" * 5000])
def test_a_time_zone_that_does_not_exist_gets_a_sentence_beside_the_field(cast: Cast, zone: str) -> None:
    answer = signed_in(cast.ana).post("/preferences/", {"language": "fr", "time_zone": zone})
    assert answer.status_code == 422
    assert 'id="time-zone-error"' in answer.content.decode()
    ana = User.objects.get(pk=cast.ana.pk)
    assert (ana.language, ana.time_zone) == ("", ""), "nothing half-done"


def test_a_workspace_with_a_zone_that_is_none_is_shown_in_utc(cast: Cast) -> None:
    Tenant.objects.filter(pk=cast.acme.id).update(time_zone="Mars/Olympus")
    page = signed_in(cast.ana).get("/preferences/")
    assert page.status_code == 200 and "The workspace’s: UTC" in page.content.decode()


def test_pages_of_errors_speak_the_language_too(cast: Cast) -> None:
    for host in ("unknown.localhost", "acme.localhost", "localhost"):
        answer = Client(headers={"host": host, "accept-language": "fr"}).get("/log-in/nothing/here/")
        assert answer.status_code in (302, 404)
        if answer.status_code == 404:
            assert language_of(answer) == "fr"
    set_preferences(user=cast.ana, language="fr")
    assert language_of(signed_in(cast.ana).get("/accounts/999999/")) == "fr"


def test_the_administration_speaks_the_language_of_the_code(cast: Cast) -> None:
    set_preferences(user=cast.olga, language="fr")
    page = signed_in(cast.olga, "localhost", **{"accept-language": "fr"}).get("/admin/").content.decode()
    assert '<html lang="en' in page


def test_nothing_of_one_request_is_left_to_the_next(cast: Cast) -> None:
    set_preferences(user=cast.ana, language="fr", time_zone="Asia/Tokyo")
    assert language_of(signed_in(cast.ana).get("/accounts/")) == "fr"
    assert language_of(signed_in(cast.max).get("/accounts/")) == "en"
