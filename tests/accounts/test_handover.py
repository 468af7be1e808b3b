"""From the list of workspaces into one of them: a ticket for one person, one workspace, one use and one minute."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.core.cache import cache
from django.test import Client

from accounts.models import Membership, User
from accounts.services.handover import LIFETIME_S, SALT, issue_ticket, redeem_ticket
from accounts.services.tenants import add_member
from tests.cast import Cast
from tikdash.errors import BadInput

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
NO_LONGER = "This link into the workspace is no longer valid. Open the workspace from the list again."


@pytest.fixture(autouse=True)
def _no_ticket_was_used_yet(cast: Cast) -> None:
    cache.clear()


def on(host: str, user: User | None = None) -> Client:
    client = Client(headers={"host": host})
    if user is not None:
        client.force_login(user, backend=BACKEND)
    return client


def enter(host: str, ticket: str, client: Client | None = None) -> int:
    return (client or on(host)).get("/enter/", {"ticket": ticket}).status_code


def aged(user: User, tenant_id: int, seconds: float) -> str:
    """A ticket that was signed `seconds` ago."""

    class Earlier(signing.TimestampSigner):
        def timestamp(self) -> str:
            return signing.b62_encode(int(time.time() - seconds))

    return str(Earlier(salt=SALT).sign_object([user.pk, tenant_id, "0" * 16, user.get_session_auth_hash()]))


def test_the_list_shows_a_persons_workspaces_and_no_others(cast: Cast) -> None:
    add_member(tenant_id=cast.rival.id, email="ana@acme.example", role="member")
    page = on("localhost", cast.ana).get("/").content.decode()
    assert "Acme Talent" in page and "Rival Brand" in page and "Globex Media" not in page
    page = on("localhost", cast.nora).get("/").content.decode()
    assert "You are in no workspace yet" in page and "nora@nowhere.example" in page
    assert on("localhost").get("/").status_code == 302


def test_opening_a_workspace_signs_the_person_in_there(cast: Cast) -> None:
    sent = on("localhost", cast.ana).get("/open/acme/")
    to = urlsplit(sent["Location"])
    assert (to.scheme, to.netloc, to.path) == ("http", "acme.localhost", "/enter/")
    assert "no-store" in sent["Cache-Control"]
    there = on("acme.localhost")
    arrived = there.get(f"{to.path}?{to.query}")
    assert (arrived.status_code, arrived["Location"]) == (302, "/")
    assert there.get("/accounts/").status_code == 200
    assert "Domain" not in str(arrived.cookies["sessionid"]), "no other host gets the cookie"


@pytest.mark.parametrize("slug", ["rival", "globex", "nobody"])
def test_a_workspace_of_others_does_not_exist(cast: Cast, slug: str) -> None:
    assert on("localhost", cast.ana).get(f"/open/{slug}/").status_code == 404


def test_a_ticket_works_once(cast: Cast) -> None:
    ticket = issue_ticket(user=cast.ana, tenant_id=cast.acme.id)
    assert enter("acme.localhost", ticket) == 302
    again = on("acme.localhost").get("/enter/", {"ticket": ticket})
    assert again.status_code == 400 and NO_LONGER in again.content.decode()
    assert "sessionid" not in again.cookies


def test_a_ticket_is_good_for_a_minute(cast: Cast) -> None:
    assert LIFETIME_S == 60
    assert enter("acme.localhost", aged(cast.ana, cast.acme.id, 58)) == 302
    cache.clear()
    assert enter("acme.localhost", aged(cast.ana, cast.acme.id, 62)) == 400


def test_a_ticket_opens_only_its_own_workspace_and_is_not_used_up_elsewhere(cast: Cast) -> None:
    ticket = issue_ticket(user=cast.ana, tenant_id=cast.acme.id)
    assert enter("rival.localhost", ticket) == 400
    assert enter("globex.localhost", ticket) == 400
    assert enter("acme.localhost", ticket) == 302


def test_a_ticket_dies_with_the_password_and_with_the_person(cast: Cast) -> None:
    ticket, ana = issue_ticket(user=cast.ana, tenant_id=cast.acme.id), User.objects.get(pk=cast.ana.pk)
    ana.set_password("another-long-password")
    ana.save()
    assert enter("acme.localhost", ticket) == 400
    late = issue_ticket(user=cast.max, tenant_id=cast.acme.id)
    User.objects.filter(pk=cast.max.pk).update(is_active=False)
    assert enter("acme.localhost", late) == 400


def test_a_ticket_of_somebody_who_is_no_member_any_more_shows_nothing(cast: Cast) -> None:
    ticket = issue_ticket(user=cast.max, tenant_id=cast.acme.id)
    Membership.objects.filter(user=cast.max).delete()
    there = on("acme.localhost")
    enter("acme.localhost", ticket, there)
    assert there.get("/accounts/").status_code == 404


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "W10:1:x", "\x00"])
def test_a_ticket_that_we_did_not_sign_is_refused(cast: Cast, forged: str) -> None:
    assert enter("acme.localhost", forged) == 400
    assert enter("acme.localhost", signing.dumps([1, 2], salt="another")) == 400
    assert enter("acme.localhost", signing.dumps([1, 2], salt=SALT)) == 400
    ticket = issue_ticket(user=cast.ana, tenant_id=cast.acme.id)
    assert enter("acme.localhost", ticket[:-1] + ("A" if ticket[-1] != "A" else "B")) == 400


def test_the_service_says_who_it_is(cast: Cast) -> None:
    acme, rival = cast.acme.id, cast.rival.id
    assert redeem_ticket(ticket=issue_ticket(user=cast.ana, tenant_id=acme), tenant_id=acme) == cast.ana
    with pytest.raises(BadInput, match="no longer valid"):
        redeem_ticket(ticket=issue_ticket(user=cast.ana, tenant_id=acme), tenant_id=rival)
