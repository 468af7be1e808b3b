"""Health answers on every host before anybody is looked for, and errors are pages with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast


@pytest.mark.parametrize("host", ["localhost", "acme.localhost", "unknown.example", "10.0.0.7:8000"])
def test_both_addresses_answer_on_every_host_without_a_log_in(cast: Cast, host: str) -> None:
    for path in ("/health/live", "/health/ready"):
        response = Client(headers={"host": host}).get(path)
        assert (response.status_code, response.content, response["Content-Type"]) == (200, b"ok\n", "text/plain")


def test_without_redis_the_process_lives_but_is_not_ready(cast: Cast, settings: Any) -> None:
    gone = settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": gone}
    response = Client(headers={"host": "localhost"}).get("/health/ready")
    assert (response.status_code, response.content) == (503, b"not answering: redis\n")
    assert Client(headers={"host": "localhost"}).get("/health/live").status_code == 200


def test_pages_do_not_need_redis(cast: Cast, settings: Any) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"}}
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/accounts/").status_code == 200


@pytest.mark.parametrize(
    "host", ["unknown.localhost", "acme.localhost.evil.example", "xacme.localhost", "", "a b", "::"]
)
def test_a_host_that_is_nobodys_is_a_404_page(cast: Cast, host: str) -> None:
    response = Client(headers={"host": host}).get("/accounts/")
    assert response.status_code == 404 and b"Nothing at this address" in response.content
    assert b"log-in" not in response.content


@pytest.mark.parametrize("host", ["acme.localhost", "ACME.localhost", "acme.localhost:8000", "acme.localhost."])
def test_a_tenants_host_is_found_whatever_its_spelling(cast: Cast, host: str) -> None:
    assert Client(headers={"host": host}).get("/log-in/").status_code == 200


def test_an_address_that_does_not_exist_is_a_page_for_members_too(cast: Cast) -> None:
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.get("/nothing/here/")
    assert response.status_code == 404 and b"Nothing at this address" in response.content
