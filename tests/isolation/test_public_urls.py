"""Every address of the public host × everybody who may come: a person's own pages, and the administration.

The administration's addresses are walked in the URL conf, so that a new model or page of it is asked, too.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.services.tenants import add_member
from tests.cast import Cast

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ADMIN = "admin/"
#: Open to everybody: name and path.
OPEN = {
    "account_login": "/log-in/", "account_logout": "/log-out/", "account_signup": "/sign-up/",
    "sign_up_address": "/sign-up/address/?address=secret", "account_inactive": "/inactive/",
    "account_reset_password": "/password/reset/", "account_reset_password_done": "/password/reset/sent/",
    "account_reset_password_from_key": "/password/reset/key/1-x/",
    "account_reset_password_from_key_done": "/password/reset/done/",
    "account_email_verification_sent": "/confirm-address/", "mfa_authenticate": "/log-in/second-factor/",
    "mfa_login_webauthn": "/log-in/passkey/", "choose_language": "/language/",
    "certificate": "/deletions/00000000-0000-0000-0000-000000000007/",
    "certificate_json": "/deletions/00000000-0000-0000-0000-000000000007/certificate.json",
}  # fmt: skip
#: For whoever is signed in, about themselves only.
SIGNED_IN = {
    "home": "/", "welcome": "/welcome/", "new_workspace": "/workspaces/new/", "preferences": "/preferences/",
    "you": "/you/", "account_email": "/you/email/", "account_change_password": "/you/password/",
    "account_set_password": "/you/password/first/", "sessions": "/you/sessions/",
    "mfa_index": "/you/second-factor/", "mfa_activate_totp": "/you/second-factor/app/",
    "mfa_deactivate_totp": "/you/second-factor/app/remove/",
    "mfa_view_recovery_codes": "/you/second-factor/recovery-codes/",
    "mfa_generate_recovery_codes": "/you/second-factor/recovery-codes/new/",
    "mfa_list_webauthn": "/you/second-factor/passkeys/", "mfa_add_webauthn": "/you/second-factor/passkeys/add/",
    "mfa_edit_webauthn": "/you/second-factor/passkeys/1/rename/",
    "mfa_remove_webauthn": "/you/second-factor/passkeys/1/remove/",
    "account_reauthenticate": "/confirm/password/", "mfa_reauthenticate": "/confirm/code/",
    "mfa_reauthenticate_webauthn": "/confirm/passkey/",
}  # fmt: skip
#: Of Acme; for members a way in, for everybody else nothing.
OF_ACME = {"open_workspace": "/open/acme/"}
EVERYBODY = ("nobody", "max", "ada", "ana", "rita", "nora", "plain_staff", "olga")
MEMBERS = ("max", "ada", "ana")
#: The admin's own addresses that are no pages: the log-in that forwards, and what Django answers without a person.
ADMIN_OPEN = {"admin/login/"}


def patterns(resolver: URLResolver, before: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        found += patterns(pattern, path) if isinstance(pattern, URLResolver) else [(path, pattern)]
    return found


ALL = patterns(get_resolver("tikdash.urls_public"))
ADMIN_PATHS = sorted(
    {
        path.replace("<path:object_id>", "1").replace("<int:content_type_id>", "1").replace("<path:object_id>", "1")
        for path, _ in ALL
        if path.startswith(ADMIN) and path not in ADMIN_OPEN
    }
)


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(cast: Cast) -> None:
    cache.clear()


def client_of(cast: Cast, person: str) -> Client:
    client = Client(headers={"host": "localhost"})
    if person == "ada":
        user = add_member(tenant_id=cast.acme.id, email="ada@acme.example", role="admin").user
    elif person == "plain_staff":
        user = User.objects.create_user("plain@tikdash.example", is_staff=True, is_superuser=True)
    elif person != "nobody":
        user = getattr(cast, person)
    if person != "nobody":
        # Ana's password for all: making a hash takes a second.
        User.objects.filter(pk=user.pk).update(password=cast.ana.password)
        client.force_login(User.objects.get(pk=user.pk), backend=BACKEND)
    return client


def filled(path: str) -> str:
    """An address of the admin with something in place of what it has to be told."""
    path = path.removesuffix("$").removesuffix(r"\Z").lstrip("^")
    for hole in ("(?P<app_label>", "(?P<url>"):
        if hole in path:
            return "/admin/accounts/" if "app_label" in hole else "/admin/nothing/here"
    while "<" in path:
        before, _, after = path.partition("<")
        path = before + "1" + after.partition(">")[2]
    return "/" + path


def test_every_address_has_its_row() -> None:
    names = {pattern.name for path, pattern in ALL if not path.startswith(ADMIN)}
    assert names == OPEN.keys() | SIGNED_IN.keys() | OF_ACME.keys()
    assert len(ADMIN_PATHS) > 50


@pytest.mark.parametrize("person", EVERYBODY)
def test_what_stands_open_breaks_for_nobody(cast: Cast, person: str) -> None:
    client = client_of(cast, person)
    for name, path in OPEN.items():
        cache.clear()
        for answer in (client.get(path), client.post(path)):
            there_is_none = (404,) if name.startswith("certificate") else ()
            assert answer.status_code in (200, 302, 400, 405, 422, *there_is_none), (name, answer.status_code)
            assert b"Acme" not in answer.content, name
        if name == "account_logout" and person != "nobody":
            client = client_of_again(cast, person)


@pytest.mark.parametrize("person", EVERYBODY)
def test_a_persons_own_pages_ask_who_it_is(cast: Cast, person: str) -> None:
    client = client_of(cast, person)
    for name, path in SIGNED_IN.items():
        answer = client.get(path)
        if person == "nobody":
            assert answer.status_code == 302 and answer["Location"].startswith("/log-in/?next=/"), name
        else:
            # Passkeys and apps that the person does not have do not exist; a step-up comes before some.
            assert answer.status_code in (200, 302, 404), (name, answer.status_code)
            assert not answer.get("Location", "").startswith("/log-in/"), name


@pytest.mark.parametrize("person", EVERYBODY)
def test_the_way_into_a_workspace_is_for_its_members(cast: Cast, person: str) -> None:
    answer = client_of(cast, person).get(OF_ACME["open_workspace"])
    if person == "nobody":
        assert answer["Location"].startswith("/log-in/?next=/")
    elif person in MEMBERS:
        assert answer["Location"].startswith("http://acme.localhost/enter/?ticket=")
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize("person", [one for one in EVERYBODY if one != "olga"])
def test_the_administration_is_closed_to_all_but_staff_with_a_second_factor(cast: Cast, person: str) -> None:
    client = client_of(cast, person)
    for path in ADMIN_PATHS:
        for answer in (client.get(filled(path)), client.post(filled(path))):
            if person == "plain_staff":
                assert (answer.status_code, answer["Location"]) == (302, "/you/second-factor/"), path
            else:
                assert_closed(client, path, answer)


def assert_closed(client: Client, path: str, answer: Any) -> None:
    """The log-in for nobody; for somebody who is no staff, Django's way to the log-in ends in 404."""
    while answer.status_code == 302:
        to = answer["Location"]
        # Leaving the administration leads to its front page, and from there to the log-in.
        assert to == "/admin/" or to.startswith(("/admin/login/", "/log-in/")), (path, to)
        if to.startswith("/log-in/"):
            return
        answer = client.get(to)
    assert answer.status_code == 404, (path, answer.status_code)


def test_staff_with_a_second_factor_sees_every_page_of_the_administration(cast: Cast) -> None:
    olga = client_of(cast, "olga")
    for path in ADMIN_PATHS:
        answer = olga.get(filled(path))
        # Rows number 1 need not be there, and some lists are for looking only.
        assert answer.status_code in (200, 302, 400, 403, 404, 405), (path, answer.status_code)
        assert not answer.get("Location", "").startswith(("/log-in/", "/you/")), path
    for path in ("/admin/", "/admin/accounts/tenant/", "/admin/accounts/user/add/", "/admin/jsi18n/"):
        assert olga.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/tenant/", "/admin/login/"])
def test_no_workspaces_host_has_an_administration(cast: Cast, path: str) -> None:
    for user in (cast.ana, cast.olga):
        client = Client(headers={"host": "acme.localhost"})
        client.force_login(user, backend=BACKEND)
        assert client.get(path).status_code == 404


def client_of_again(cast: Cast, person: str) -> Client:
    User.objects.filter(email__in=["plain@tikdash.example"]).delete()
    return client_of(cast, person)
