"""Requests without a network: what the server does between the arrival of a request and its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client, override_settings
from django.test.client import ClientHandler

from tests.bench.data import Member


class BareHandler(ClientHandler):
    """The test client's handler with the addresses of `urlconf` and no middleware at all."""

    def __init__(self, urlconf: str) -> None:
        super().__init__(enforce_csrf_checks=False)
        self.urlconf = urlconf

    def load_middleware(self, is_async: bool = False) -> None:
        with override_settings(MIDDLEWARE=[]):
            super().load_middleware(is_async)

    def get_response(self, request: Any) -> Any:
        request.urlconf = self.urlconf
        return super().get_response(request)


def as_member(member: Member, path: str) -> Callable[[], Any]:
    """Asks for `path` as a browser in which the member is logged in, through every middleware."""
    client = Client(headers={"host": member.host})
    client.force_login(member.user)
    return lambda: _answered(client.get(path))


def without_middleware(path: str, urlconf: str) -> Callable[[], Any]:
    """Asks for `path` of `urlconf` with the same client and nothing between it and the view."""
    client = Client()
    client.handler = BareHandler(urlconf)
    return lambda: _answered(client.get(path))


def _answered(response: Any) -> Any:
    assert response.status_code == 200, response.status_code
    return response
