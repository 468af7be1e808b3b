"""Nonsense for every address: whatever is sent to a page, a form or a list, the answer is one of ours, never a 500.

Addresses come from the URL conf, names of fields from the forms, the links and the code of their views, so that a new
view is covered by itself. Values are what breaks programs. Each request is rolled back.
"""

from __future__ import annotations

import inspect
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from zlib import crc32

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from accounts.models import User
from tests.cast import Cast
from tests.isolation.test_urls import ids  # noqa: F401  (a fixture)

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: Requests for each address of the pages, and of the administration, whose addresses are many and alike.
EXAMPLES, EXAMPLES_OF_ADMIN = 10, 2
TIMES = int(os.environ.get("FUZZ", "1"))
NASTY = [
    "", " ", "0", "-1", "1", "2", "007", "+1", "1_0", "²", "٣", "1.5", "1e309", "NaN", "inf", "9" * 30, str(2**31),
    str(2**63), str(-(2**63) - 1), "\x00", "a\x00b", "\x7f\x1b[0m", "\r\nX-Set: 1", "💥" * 40, "x" * 5000, "﷽" * 50,
    "\u202eevil",
    "<script>alert(1)</script>", "'\"; --", "../../etc/passwd", "%00", "%s", "{0}", "{{ 7*7 }}", "null", "true", "[]",
    "{}", "2026-13-45", "0000-01-01", "9999-12-31", "2026-11-27", "-0001-01-01", "2026-11-27T99:99", "UTC", "en", "xx",
    "//evil.example", "http://127.0.0.1:5432/", "file:///etc/passwd", "a@b", "ana@acme.example", "owner", "followers",
    "-followers", "asc", "all", "on", "30", "365", "=1+1", "@lena.bakes", "lena.bakes, max", "A" * 64, "0" * 36,
]  # fmt: skip
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=12), st.integers().map(str))
READS = re.compile(r"""(?:GET|POST|query|values|form)(?:\.get|\.getlist|\.pop)?[\[(]\s*["'](\w+)["']""")
TUPLES = re.compile(r"""["'](\w{1,24})["']""")
FORM = re.compile(r"<form\b(?P<tag>[^>]*)>(?P<inside>.*?)</form>", re.DOTALL)
NAME, ACTION, IN_LINK = (re.compile(text) for text in (r'\bname="(\w+)"', r'\baction="([^"]*)"', r"[?&;](\w+)="))


def patterns(resolver: URLResolver, before: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        found += patterns(pattern, path) if isinstance(pattern, URLResolver) else [(path, pattern)]
    return found


class Addresses:
    """All addresses of a URL conf, how each is filled, and the names of fields that it reads."""

    def __init__(self, urlconf: str, known: dict[str, int], wanted: Callable[[str], bool]) -> None:
        self.urlconf, self.known = urlconf, known
        self.all = [(path, pattern) for path, pattern in patterns(get_resolver(urlconf)) if wanted(path)]
        self.names: dict[str, set[str]] = defaultdict(set)
        for path, pattern in self.all:
            self.names[path] |= fields_of(pattern.callback)

    def path_with(self, template: str, values: Callable[[str, bool], str]) -> str:
        """The template of the URL conf with something in each of its holes."""
        path = re.sub(r"^\^|\\Z|\$$", "", template)
        path = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda hole: values(hole[1], False), path)
        path = re.sub(r"<(?:(\w+):)?(\w+)>", lambda hole: values(hole[2], hole[1] == "int"), path)
        return "/" + path.replace("\\", "").lstrip("^")

    def plain(self, template: str) -> str:
        """With ids that exist, where such are known."""
        return self.path_with(template, lambda name, is_int: str(self.id_of(name)))

    def id_of(self, name: str) -> int | str:
        return self.known.get(name.removesuffix("_id"), 1)

    def learn(self, client: Client) -> None:
        """What forms and links of all pages send, to wherever they send it."""
        for template, _pattern in self.all:
            with transaction.atomic():
                answer = client.get(self.plain(template))
                html = b"" if answer.streaming else answer.content[:200_000]
                transaction.set_rollback(True)
            if b"<" not in html[:500]:
                continue
            text = html.decode("utf-8", "replace")
            self.names[template] |= set(IN_LINK.findall(" ".join(re.findall(r'href="(\?[^"]*)"', text))))
            for form in FORM.finditer(text):
                action = ACTION.search(form["tag"])
                target = self.template_of(action[1].partition("?")[0]) if action and action[1] else template
                self.names[target or template] |= set(NAME.findall(form["inside"]))

    def template_of(self, path: str) -> str | None:
        try:
            found = resolve(path, self.urlconf)
        except Resolver404:
            return None
        return next((template for template, pattern in self.all if pattern.callback is found.func), None)


def fields_of(view: Any) -> set[str]:
    """Names that the module of a view reads from requests."""
    view = getattr(view, "view_class", None) or inspect.unwrap(view)
    module = inspect.getmodule(view)
    if module is None or not module.__name__.startswith(("accounts", "billing", "snapshots", "tikdash")):
        return {"q", "p", "o", "e", "next", "code", "name"}
    source = inspect.getsource(module)
    names = set(READS.findall(source))
    for line in re.findall(r"^(?:FIELDS|NAMES|[A-Z_]*FIELDS[A-Z_]*) = \(.*?\)", source, re.MULTILINE | re.DOTALL):
        names |= set(TUPLES.findall(line))
    return names | {"next", "after"}


@st.composite
def requests(draw: Any, addresses: Addresses, template: str) -> dict[str, Any]:
    """One request to an address: ids that exist or not, its fields with nonsense, in one of the ways to send them."""

    def hole(name: str, is_int: bool) -> str:
        if draw(st.integers(0, 3)):
            return str(addresses.id_of(name))
        if is_int:
            return str(draw(st.sampled_from([0, 1, 7, 2**31, 2**63, 10**30])))
        return quote(draw(WORDS) or "x", safe="")

    names = sorted(addresses.names[template]) or ["q"]
    chosen = draw(st.lists(st.sampled_from(names), max_size=6))
    fields = {name: draw(st.one_of(WORDS, st.lists(WORDS, max_size=3))) for name in chosen}
    return {
        "path": addresses.path_with(template, hole),
        "method": draw(st.sampled_from(["GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE"])),
        "fields": fields,
        "body": draw(st.sampled_from(["form", "form", "form", "json", "broken", "file"])),
        "htmx": draw(st.booleans()),
        "tail": draw(st.sampled_from(["", "", "", "&%ff=%fe", "&a[]=1&a[]=2", "&&;=&", "&" + "x=1&" * 50])),
    }


def send(client: Client, asked: dict[str, Any]) -> Any:
    headers = {"hx-request": "true"} if asked["htmx"] else {}
    query = urlencode(asked["fields"], doseq=True, errors="replace") + asked["tail"]
    path, method = asked["path"], asked["method"]
    if method != "POST":
        return client.generic(method, path, QUERY_STRING=query, headers=headers)
    if asked["body"] == "json":
        return client.post(path, asked["fields"], content_type="application/json", headers=headers)
    if asked["body"] == "broken":
        kind = "multipart/form-data; boundary=x"
        return client.generic("POST", path, query.encode() + b"\xff\x00--x", content_type=kind, headers=headers)
    fields = dict(asked["fields"])
    if asked["body"] == "file":
        content = "\n".join(str(value) for value in fields.values()).encode("utf-8", "replace") + b"\xff\xfe\x00,;\n"
        return client.post(path, fields | {"file": SimpleUploadedFile("a\u202e.csv", content)}, headers=headers)
    return client.generic("POST", path, query, content_type="application/x-www-form-urlencoded", headers=headers)


def judge(client: Client, asked: dict[str, Any]) -> int:
    """The status of the answer, which is no 500 and shows nothing of our insides."""
    cookies = client.cookies["sessionid"].value
    with transaction.atomic():
        answer = send(client, asked)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    client.cookies["sessionid"] = cookies
    assert answer.status_code < 500, (answer.status_code, asked)
    assert b"Traceback (most" not in content and b"<script>alert(1)" not in content, asked
    assert "X-Set" not in answer.headers, asked
    return int(answer.status_code)


def fuzz(addresses: Addresses, client: Client, examples: int) -> dict[int, int]:
    """Sends so many requests to each address; how often each status was answered."""
    statuses: dict[int, int] = defaultdict(int)
    for template, _pattern in addresses.all:
        cache.clear()

        @settings(
            max_examples=examples * TIMES, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=False,
        )  # fmt: skip
        @given(requests(addresses, template))
        def every(asked: dict[str, Any]) -> None:
            statuses[judge(client, asked)] += 1

        if TIMES == 1:
            every = seed(crc32(template.encode()))(every)
        every()
    return statuses


def signed_in(user: User, host: str) -> Client:
    """A person who has just said who they are, so that nothing stands between them and the forms."""
    client = Client(headers={"host": host}, raise_request_exception=False)
    client.force_login(user, backend=BACKEND)
    session = client.session
    if AUTHENTICATION_METHODS_SESSION_KEY not in session:
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
        session.save()
    return client


@pytest.fixture(autouse=True)
def _nothing_is_fetched(settings: Any) -> None:
    """What a page asks of the upstream is written into the ledger at once: not within the transaction of a test."""
    settings.TIKLIVE_KEY = ""


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def test_pages_of_a_workspace(cast: Cast, ids: dict[str, dict[str, int]]) -> None:  # noqa: F811
    client = signed_in(cast.ana, "acme.localhost")
    addresses = Addresses("tikdash.urls", ids["acme"], lambda path: True)
    addresses.learn(client)
    assert len(addresses.all) > 90
    assert {"handle", "reason"} <= addresses.names["accounts/add/"] and "key" in addresses.names["settings/keys/"]
    statuses = fuzz(addresses, client, EXAMPLES)
    # It came through to the views, and not only to refusals.
    assert {200, 302, 404, 405, 422} <= statuses.keys(), dict(statuses)
    assert statuses[200] + statuses[302] + statuses[422] + statuses[400] > 250, dict(statuses)


@pytest.mark.parametrize("person", ["nobody", "ana"])
def test_pages_of_the_public_host(cast: Cast, ids: dict[str, dict[str, int]], person: str) -> None:  # noqa: F811
    client = signed_in(cast.ana, "localhost")
    if person == "nobody":
        client.cookies["sessionid"] = ""
    addresses = Addresses("tikdash.urls_public", ids["acme"], lambda path: not path.startswith("admin/"))
    addresses.learn(client)
    statuses = fuzz(addresses, client, EXAMPLES // 2)
    assert {200, 302} <= statuses.keys(), dict(statuses)


def test_the_administration(cast: Cast, ids: dict[str, dict[str, int]]) -> None:  # noqa: F811
    client = signed_in(cast.olga, "localhost")
    addresses = Addresses("tikdash.urls_public", ids["acme"], lambda path: path.startswith("admin/"))
    assert len(addresses.all) > 50
    statuses = fuzz(addresses, client, EXAMPLES_OF_ADMIN)
    assert {200, 302} <= statuses.keys(), dict(statuses)


@pytest.mark.parametrize("host", ["acme.localhost", "localhost"])
def test_a_nul_in_an_address_is_not_found(cast: Cast, ids: dict[str, dict[str, int]], host: str) -> None:  # noqa: F811
    """PostgreSQL takes none, and whatever is looked for by a word of the address would be asked of it."""
    of_tenant = host == "acme.localhost"
    client = signed_in(cast.ana if of_tenant else cast.olga, host)
    addresses = Addresses("tikdash.urls" if of_tenant else "tikdash.urls_public", ids["acme"], lambda path: True)

    def hole(name: str, is_int: bool) -> str:
        return str(addresses.id_of(name)) if is_int else "%00"

    asked = {addresses.path_with(template, hole) for template, _pattern in addresses.all}
    statuses = {path: client.get(path).status_code for path in asked if "%00" in path}
    assert len(statuses) > 10 and set(statuses.values()) == {404}, statuses
