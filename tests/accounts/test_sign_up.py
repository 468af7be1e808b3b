"""Signing up: one form, a code by mail, a workspace on trial, the first handle under way; and nothing is given away."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEntry, Domain, Membership, SignUp, Tenant, User
from accounts.services.signing_up import forget_unconfirmed, suggestions
from accounts.services.tenants import create_tenant
from snapshots.models import FetchJob
from tests.cast import PASSWORD, Cast
from tests.mails import outbox
from tikdash import clock
from tikdash.db.scope import tenant_scope

NEW = {
    "email": "nia@nova.example",
    "password1": PASSWORD,
    "workspace": "Nova Creators",
    "address": "",
    "handle": "@Lena.Bakes",
    "time_zone": "Europe/Lisbon",
}


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(cast: Cast) -> None:
    cache.clear()


def browser() -> Client:
    return Client(headers={"host": "localhost"})


def sign_up(client: Client, **changes: str) -> Any:
    return client.post("/sign-up/", NEW | changes)


def code_in_mail() -> str:
    found = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(outbox()[-1].body), re.MULTILINE)
    assert found, outbox()[-1].body
    return found.group(1)


def errors(answer: Any) -> dict[str, list[str]]:
    return {name: list(map(str, found)) for name, found in answer.context["form"].errors.items()}


def test_one_form_and_a_code_make_a_workspace_on_trial_with_its_first_handle_under_way() -> None:
    client = browser()
    sent = sign_up(client)
    assert (sent.status_code, sent["Location"]) == (302, "/confirm-address/")
    assert not Tenant.objects.filter(slug="nova-creators").exists(), "nothing is made before the address is confirmed"
    confirmed = client.post("/confirm-address/", {"code": code_in_mail()})
    assert confirmed["Location"] == "/welcome/"

    tenant = Tenant.objects.get(slug="nova-creators")
    assert (tenant.name, tenant.state, tenant.plan, tenant.key_mode) == ("Nova Creators", "trial", "free", "trial")
    assert tenant.time_zone == "Europe/Lisbon"
    assert Membership.objects.get(tenant=tenant).user.email == "nia@nova.example"
    assert Membership.objects.get(tenant=tenant).role == "owner"
    assert not SignUp.objects.exists()
    with tenant_scope(_ref(tenant)):
        check = FetchJob.objects.get(kind="probe")
    assert check.params["handle"] == "lena.bakes" and check.queue == "interactive"

    opened = client.get("/welcome/", follow=False)
    assert opened["Location"] == f"/open/nova-creators/?next=%2Faccounts%2Fchecks%2F{check.pk}%2F"
    ticket = urlsplit(client.get(opened["Location"])["Location"])
    assert ticket.netloc == "nova-creators.localhost"
    there = Client(headers={"host": "nova-creators.localhost"})
    assert there.get(f"{ticket.path}?{ticket.query}")["Location"] == f"/accounts/checks/{check.pk}/"
    assert "lena.bakes" in there.get(f"/accounts/checks/{check.pk}/").content.decode()
    with tenant_scope(_ref(tenant)):
        events = set(AuditEntry.objects.values_list("event", flat=True))
    assert {"workspace.created", "person.added", "account.requested"} <= events


def test_the_mail_holds_the_code_in_text_and_in_html() -> None:
    sign_up(browser())
    (sent,) = outbox()
    assert sent.to == ["nia@nova.example"] and code_in_mail() in sent.subject
    html = sent.alternatives[0].content  # type: ignore[attr-defined]
    assert f">{code_in_mail()}</p>" in html and "<script" not in html


def test_a_wrong_code_opens_nothing_and_after_three_the_form_is_over() -> None:
    client = browser()
    sign_up(client)
    for _ in range(2):
        assert client.post("/confirm-address/", {"code": "AAA-AAA"}).status_code == 422
    assert client.post("/confirm-address/", {"code": "AAA-AAA"})["Location"] == "/log-in/"
    assert not Tenant.objects.filter(slug="nova-creators").exists()
    assert client.get("/").status_code == 302


def test_whoever_did_not_confirm_at_once_gets_a_code_at_the_log_in_and_then_the_workspace() -> None:
    sign_up(browser())
    cache.clear()
    later = browser()
    asked = later.post("/log-in/", {"login": "nia@nova.example", "password": PASSWORD})
    assert asked["Location"] == "/confirm-address/"
    assert later.post("/confirm-address/", {"code": code_in_mail()})["Location"] == "/welcome/"
    assert Tenant.objects.filter(slug="nova-creators").exists()


def test_an_address_that_has_a_log_in_looks_the_same_from_outside_and_gets_another_mail(cast: Cast) -> None:
    new, known = browser(), browser()
    answers = [sign_up(new), sign_up(known, email="Ana@acme.example", workspace="Another")]
    assert [(one.status_code, one["Location"]) for one in answers] == [(302, "/confirm-address/")] * 2
    pages = [client.get("/confirm-address/").content.decode() for client in (new, known)]
    blank = [re.sub(r"csrfmiddlewaretoken\" value=\"\w+|nia@nova.example|ana@acme.example", "", page) for page in pages]
    assert blank[0] == blank[1]
    assert [message.to for message in outbox()] == [["nia@nova.example"], ["ana@acme.example"]]
    assert "has a log-in already" in str(outbox()[1].body) and "/password/reset/" in str(outbox()[1].body)
    assert User.objects.get(email="ana@acme.example").password == cast.ana.password
    assert SignUp.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"address": "acme"}, "address", "“acme” is taken. Free are: nova-creators, nova-creators-team"),
        ({"address": "admin"}, "address", "“admin” is kept for Tikdash itself. Free are: nova-creators"),
        ({"address": "a_b"}, "address", "Use 1–40 lower-case letters"),
        ({"address": "-"}, "address", "Use 1–40 lower-case letters"),
        ({"workspace": "  …  "}, "workspace", "Give the workspace a name"),
        ({"workspace": ""}, "workspace", "This field is required."),
        ({"handle": "not a handle"}, "handle", "is not a TikTok handle"),
        ({"handle": "https://example.com/@x"}, "handle", "This is not the address of a TikTok profile"),
        ({"email": "nobody"}, "email", "Enter a valid email address."),
        ({"password1": "short"}, "password1", "This password is too short"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(
    changes: dict[str, str], field: str, words: str
) -> None:
    answer = sign_up(browser(), **changes)
    found = errors(answer)
    assert list(found) == [field] and words in " ".join(found[field])
    assert not User.objects.filter(email="nia@nova.example").exists() and not outbox()


def test_what_a_browser_says_of_its_clock_is_not_trusted() -> None:
    sign_up(browser(), time_zone="Mars/Olympus")
    assert SignUp.objects.get().time_zone == "UTC"


def test_an_address_that_somebody_took_in_the_meantime_is_asked_for_again() -> None:
    client = browser()
    sign_up(client)
    create_tenant(slug="nova-creators")
    client.post("/confirm-address/", {"code": code_in_mail()})
    assert client.get("/welcome/")["Location"] == "/workspaces/new/"
    page = client.get("/workspaces/new/").content.decode()
    assert "Somebody else has taken this address" in page and 'value="Nova Creators"' in page
    made = client.post("/workspaces/new/", NEW | {"address": "nova-hq"})
    assert made["Location"].startswith("/open/nova-hq/?next=%2Faccounts%2Fchecks%2F")
    assert not SignUp.objects.exists()


def test_one_person_may_have_three_workspaces_on_trial(cast: Cast) -> None:
    client = browser()
    client.force_login(cast.nora)
    for number in range(3):
        sent = client.post("/workspaces/new/", {"workspace": f"Trial {number}", "address": f"trial-{'abc'[number]}"})
        assert sent.status_code == 302, errors(sent)
    refused = client.post("/workspaces/new/", {"workspace": "Trial 4", "address": "trial-d"})
    assert refused.status_code == 422 and "You have 3 workspaces on trial" in refused.content.decode()
    assert not Tenant.objects.filter(slug="trial-d").exists()


def test_a_full_plan_or_a_paused_upstream_does_not_cost_the_workspace() -> None:
    client = browser()
    sign_up(client, handle="")
    client.post("/confirm-address/", {"code": code_in_mail()})
    assert client.get("/welcome/")["Location"] == "/open/nova-creators/?next=%2F"


def test_suggestions_are_free_and_usable(cast: Cast) -> None:
    assert suggestions("Acme") == ["acme-team", "acme-hq", "acme-social"]
    assert suggestions("Söhne & Töchter ØÆ")[0] == "sohne-tochter-oae"
    assert suggestions("猫")[0] == "workspace"
    assert suggestions("admin")[0] == "admin-team"
    assert suggestions("123 go")[0] == "go"
    assert all(len(one) <= 40 for one in suggestions("x" * 120))
    Domain.objects.create(domain="free-one.localhost", tenant_id=cast.acme.id, is_primary=False)
    assert "free-one" not in suggestions("free one")


def test_the_piece_of_the_form_suggests_and_says_what_is_taken() -> None:
    client = browser()
    assert 'value="nova-creators"' in client.get("/sign-up/address/", {"workspace": "Nova Creators"}).content.decode()
    assert "is taken" in client.get("/sign-up/address/", {"address": "acme"}).content.decode()
    assert "Free." in client.get("/sign-up/address/", {"address": "brand-new"}).content.decode()
    answers = [client.get("/sign-up/address/", {"address": "x"}).status_code for _ in range(60)]
    assert answers[0] == 200 and answers[-1] == 429, "nobody lists all workspaces that way"


def test_on_a_workspaces_host_the_sign_up_leads_to_the_public_one() -> None:
    answer = Client(headers={"host": "acme.localhost"}).get("/sign-up/")
    assert answer["Location"] == "http://localhost/sign-up/"


def test_who_never_confirms_is_forgotten_and_nobody_else(cast: Cast) -> None:
    sign_up(browser())
    assert forget_unconfirmed() == 0
    SignUp.objects.update(created_at=clock.now() - timedelta(days=4))
    assert forget_unconfirmed() == 1
    assert not User.objects.filter(email="nia@nova.example").exists()
    assert not EmailAddress.objects.filter(email="nia@nova.example").exists()
    assert User.objects.filter(email="nora@nowhere.example").exists()


def _ref(tenant: Tenant) -> Any:
    from accounts.selectors import tenant_by_slug

    return tenant_by_slug(tenant.slug)
