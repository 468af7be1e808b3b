"""People of a workspace: who invites, joins, gets another role, leaves; and who may not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, Invitation, Membership, Tenant, User
from accounts.roles import MAY, Capability, can
from accounts.services.inviting import hash_of
from accounts.services.tenants import add_member, create_tenant
from billing.models import Plan
from tests.cast import PASSWORD, Cast
from tests.mails import outbox
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope

ROLES = ("owner", "admin", "member")


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(_cast: Cast) -> None:
    cache.clear()


@pytest.fixture
def ada(cast: Cast) -> User:
    """An admin of Acme."""
    return add_member(tenant_id=cast.acme.id, email="ada@acme.example", role="admin", password=PASSWORD).user


def on(user: User | None, host: str = "acme.localhost") -> Client:
    client = Client(headers={"host": host})
    if user is not None:
        client.force_login(user)
    return client


def invite(user: User, email: str = "ivo@new.example", role: str = "member") -> Any:
    return on(user).post("/people/invite/", {"email": email, "role": role})


def link_in_mail() -> str:
    found = re.search(r"^http://acme.localhost(/join/\S+/)$", str(outbox()[-1].body), re.MULTILINE)
    assert found, outbox()[-1].body
    return found.group(1)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user, tenant__slug="acme")


def events(cast: Cast) -> list[str]:
    """What the audit log says since the cast was made."""
    with tenant_scope(cast.acme):
        entries = AuditEntry.objects.exclude(actor_kind="system").order_by("occurred_at", "id")
        return list(entries.values_list("event", flat=True))


def test_every_capability_says_who_has_it_and_owners_have_all() -> None:
    assert MAY.keys() == set(Capability)
    assert all(can("owner", capability) for capability in Capability)
    assert not any(can(stranger, capability) for stranger in ("", "staff", "OWNER") for capability in Capability)
    assert [capability for capability in Capability if can("member", capability)] == [Capability.READ, Capability.TRACK]


def test_somebody_new_joins_by_the_link_with_a_password_of_their_own(cast: Cast) -> None:
    assert invite(cast.ana)["Location"] == "/people/"
    (sent,) = outbox()
    assert sent.to == ["ivo@new.example"] and "ana@acme.example invites you to Acme Talent" in sent.subject
    page = on(None).get(link_in_mail())
    assert "ivo@new.example is invited as a member." in text(page) and "100 accounts" not in text(page)
    newcomer = on(None)
    joined = newcomer.post(link_in_mail(), {"name": " Ivo ", "password": PASSWORD})
    assert joined["Location"] == "/"
    assert newcomer.get("/accounts/").status_code == 200
    ivo = User.objects.get(email="ivo@new.example")
    assert (ivo.name, membership(ivo).role) == ("Ivo", "member")
    signed_in = on(None).post("/log-in/", {"login": "ivo@new.example", "password": PASSWORD})
    assert signed_in["Location"] == "/", "the link has confirmed the address"
    assert on(None).get(link_in_mail()).status_code == 400, "a link works once"
    assert events(cast) == ["person.invited", "person.joined"]


def test_somebody_with_a_log_in_joins_with_a_button_and_needs_no_new_password(cast: Cast) -> None:
    invite(cast.ana, "nora@nowhere.example", "admin")
    path = link_in_mail()
    stranger = on(None)
    assert f"/log-in/?next={path}" in text(stranger.get(path)).replace("%2F", "/")
    assert stranger.post(path, {"name": "x", "password": "another-password-1"}).status_code == 200
    assert User.objects.get(email="nora@nowhere.example").password == cast.nora.password
    assert not Membership.objects.filter(user=cast.nora).exists()
    stranger.post(f"/log-in/?next={path}", {"login": "nora@nowhere.example", "password": PASSWORD})
    assert stranger.post(path)["Location"] == "/"
    assert membership(cast.nora).role == "admin"


def test_an_invitation_is_for_the_address_it_was_sent_to(cast: Cast) -> None:
    invite(cast.ana, "nora@nowhere.example")
    rita = on(cast.rita)
    assert "You are signed in as rita@rival.example." in text(rita.get(link_in_mail()))
    assert rita.post(link_in_mail()).status_code == 200
    assert not Membership.objects.filter(user=cast.rita, tenant_id=cast.acme.id).exists()


def test_a_link_of_one_workspace_opens_no_other(cast: Cast) -> None:
    invite(cast.ana)
    assert on(None, "rival.localhost").get(link_in_mail()).status_code == 400
    assert on(None, "localhost").get(link_in_mail()).status_code in (302, 404)


@pytest.mark.parametrize("token", ["x", "é" * 40, "a" * 2000, "%25"])
def test_a_link_that_we_did_not_send_opens_nothing(cast: Cast, token: str) -> None:
    answer = on(None).get(f"/join/{token}/")
    assert answer.status_code == 400 and "This invitation no longer works" in text(answer)


def test_the_database_holds_no_token(cast: Cast) -> None:
    invite(cast.ana)
    token = link_in_mail().split("/")[2]
    with tenant_scope(cast.acme):
        row = Invitation.objects.values().get()
    assert token not in str(row) and row["token_hash"] == hash_of(token)
    with tenant_scope(cast.rival):
        assert not Invitation.objects.exists()


def test_an_invitation_ends_and_a_new_link_ends_the_old_one(cast: Cast) -> None:
    invite(cast.ana)
    old = link_in_mail()
    with tenant_scope(cast.acme):
        Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        number = Invitation.objects.get().pk
    assert on(None).get(old).status_code == 400
    assert "too old" in text(on(cast.ana).get("/people/"))
    on(cast.ana).post(f"/people/invitations/{number}/resend/")
    assert link_in_mail() != old
    assert on(None).get(old).status_code == 400 and on(None).get(link_in_mail()).status_code == 200
    on(cast.ana).post(f"/people/invitations/{number}/revoke/")
    assert on(None).get(link_in_mail()).status_code == 400
    assert events(cast) == ["person.invited", "person.invited_again", "person.invitation_revoked"]


@pytest.mark.parametrize(
    ("email", "role", "words"),
    [
        ("max@acme.example", "member", "max@acme.example is a member already."),
        ("not an address", "member", "Type an e-mail address"),
        ("", "member", "Type an e-mail address"),
        ("a@b.example", "owner", "Choose a role: admin or member."),
        ("a@b.example", "", "Choose a role: admin or member."),
    ],
)
def test_an_invitation_that_cannot_be_says_why(cast: Cast, email: str, role: str, words: str) -> None:
    answer = invite(cast.ana, email, role)
    assert answer.status_code == 422 and words in text(answer) and not outbox()


def test_nobody_is_invited_twice(cast: Cast) -> None:
    invite(cast.ana)
    again = invite(cast.ana, " IVO@new.example ")
    assert again.status_code == 422 and "is invited already" in text(again)
    assert len(outbox()) == 1


def test_seats_are_the_plans_and_invitations_take_them(cast: Cast) -> None:
    Plan.objects.filter(code="pro").update(seats=3)
    assert invite(cast.ana).status_code == 302
    full = invite(cast.ana, "one.more@new.example")
    assert full.status_code == 409 and "All 3 seats of the Pro plan are taken." in text(full)
    path = link_in_mail()
    Plan.objects.filter(code="pro").update(seats=2)
    late = on(None).post(path, {"name": "", "password": PASSWORD})
    assert late.status_code == 422 and "All 2 seats" in text(late)
    assert not User.objects.filter(email="ivo@new.example").exists(), "nothing half done"
    with tenant_scope(cast.acme):
        assert Invitation.objects.count() == 1


def test_a_weak_password_is_refused_beside_the_field(cast: Cast) -> None:
    invite(cast.ana)
    answer = on(None).post(link_in_mail(), {"name": "Ivo", "password": "ivo@new.example"})
    assert answer.status_code == 422 and "too similar" in text(answer) and 'value="Ivo"' in text(answer)


def test_members_see_who_is_there_and_change_nothing(cast: Cast) -> None:
    page = text(on(cast.max).get("/people/"))
    assert "ana@acme.example" in page and "Invite somebody" not in page and "/role/" not in page
    ana = membership(cast.ana).pk
    for path in ("invite/", f"{ana}/role/", f"{ana}/remove/", "invitations/1/resend/", "invitations/1/revoke/"):
        answer = on(cast.max).post(f"/people/{path}", {"email": "x@y.example", "role": "admin"})
        assert answer.status_code == 403
        assert "Only owners and admins of the workspace may manage people." in text(answer)
    assert on(cast.max).get("/settings/").status_code == 403
    assert on(cast.max).get("/people/transfer/").status_code == 403


def test_admins_change_members_and_no_owner(cast: Cast, ada: User) -> None:
    assert on(ada).post(f"/people/{membership(cast.max).pk}/role/", {"role": "admin"}).status_code == 302
    assert membership(cast.max).role == "admin"
    for what in ("role", "remove"):
        answer = on(ada).post(f"/people/{membership(cast.ana).pk}/{what}/", {"role": "member"})
        assert answer.status_code == 403 and "An owner hands the workspace over" in text(answer)
    assert on(ada).get("/people/transfer/").status_code == 403
    answer = on(ada).post(f"/people/{membership(cast.max).pk}/role/", {"role": "owner"})
    assert answer.status_code == 400 and membership(cast.max).role == "admin"
    assert on(ada).post(f"/people/{membership(ada).pk}/remove/").status_code == 400
    assert events(cast)[-1] == "person.role_changed"


def test_somebody_who_was_removed_is_a_stranger_at_once(cast: Cast) -> None:
    browser = on(cast.max)
    assert browser.get("/accounts/").status_code == 200
    on(cast.ana).post(f"/people/{membership(cast.max).pk}/remove/")
    assert browser.get("/accounts/").status_code == 404
    assert events(cast) == ["person.removed"]


def test_members_of_others_do_not_exist(cast: Cast) -> None:
    rita = Membership.objects.get(user=cast.rita).pk
    for what in ("role", "remove"):
        assert on(cast.ana).post(f"/people/{rita}/{what}/", {"role": "member"}).status_code == 404
    assert Membership.objects.filter(pk=rita).exists()


def test_the_owner_hands_over_after_a_step_up_and_stays_as_admin(cast: Cast) -> None:
    ana = on(cast.ana)
    asked = ana.get("/people/transfer/")
    assert asked["Location"] == "/confirm/password/?next=%2Fpeople%2Ftransfer%2F"
    ana.post(asked["Location"], {"password": PASSWORD})
    heir = membership(cast.max).pk
    wrong = ana.post("/people/transfer/", {"member": heir, "typed": "rival"})
    assert wrong.status_code == 422 and "Type “acme” to confirm." in text(wrong)
    for nobody in ("", "x", "0", "9" * 30, Membership.objects.get(user=cast.rita).pk):
        refused = ana.post("/people/transfer/", {"member": nobody, "typed": "acme"})
        assert refused.status_code == 422 and "There is no such member." in text(refused)
    assert membership(cast.ana).role == "owner"
    assert ana.post("/people/transfer/", {"member": heir, "typed": " ACME "})["Location"] == "/people/"
    assert (membership(cast.ana).role, membership(cast.max).role) == ("admin", "owner")
    assert ana.get("/people/transfer/").status_code == 403
    assert events(cast) == ["workspace.handed_over"]


def test_whoever_leaves_is_gone_but_the_only_owner_stays(cast: Cast) -> None:
    left = on(cast.max).post("/people/leave/")
    assert left["Location"] == "http://localhost/"
    assert on(cast.max).get("/accounts/").status_code == 404
    stays = on(cast.ana).post("/people/leave/")
    assert stays.status_code == 409 and "A workspace needs an owner." in text(stays)
    assert membership(cast.ana).role == "owner"


def test_two_owners_who_leave_at_once_leave_one_behind(committed_db: Cast) -> None:
    from accounts.selectors import MembershipRef
    from accounts.services.members import leave_workspace
    from tikdash.errors import TikdashError

    # A workspace of its own: the cast is everybody's.
    tenant = create_tenant(slug="pair")
    people = [add_member(tenant_id=tenant.id, email=f"{name}@pair.example", role="owner").user for name in "ab"]

    def leave(user: User) -> str:
        try:
            with tenant_scope(tenant):
                leave_workspace(tenant=tenant, by=MembershipRef(tenant.id, user.pk, "owner"))
            return "left"
        except TikdashError as error:
            return error.code

    done = at_once([lambda: leave(people[0]), lambda: leave(people[1])])
    assert sorted(done) == ["left", "limit_reached"]


def test_settings_of_the_workspace_are_checked_kept_and_written_down(cast: Cast, ada: User) -> None:
    page = on(ada).post("/settings/", {"name": " Acme  Talents ", "time_zone": "Europe/Paris", "language": ""})
    assert page["Location"] == "/settings/"
    tenant = Tenant.objects.get(slug="acme")
    assert (tenant.name, tenant.time_zone) == ("Acme Talents", "Europe/Paris")
    for wrong, words in (
        ({"name": " "}, "Give the workspace a name"),
        ({"time_zone": "Mars/Olympus"}, "Choose one of the time zones"),
        ({"language": "xx"}, "Choose one of the languages"),
    ):
        answer = on(ada).post("/settings/", {"name": "A", "time_zone": "UTC", "language": ""} | wrong)
        assert answer.status_code == 422 and words in text(answer)
    assert Tenant.objects.get(slug="acme").name == "Acme Talents"
    assert events(cast) == ["workspace.changed"]


def test_the_menu_leads_to_ones_other_workspaces_only(cast: Cast) -> None:
    add_member(tenant_id=cast.rival.id, email="ana@acme.example", role="member")
    menu = text(on(cast.ana).get("/workspaces/menu/"))
    assert 'href="http://localhost/open/rival/"' in menu and "acme" not in menu and "globex" not in menu


def test_the_database_refuses_an_invitation_as_owner_and_two_for_one_address(cast: Cast) -> None:
    facts = {"created_at": clock.now(), "sent_at": clock.now(), "expires_at": clock.now()}
    with tenant_scope(cast.acme):
        Invitation.objects.create(email="a@b.example", role="member", token_hash="1", **facts)
        for wrong in ({"email": "a@b.example", "role": "member"}, {"email": "c@b.example", "role": "owner"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Invitation.objects.create(token_hash="2", **wrong, **facts)


def test_the_name_that_others_see_is_changed_on_the_public_host(cast: Cast) -> None:
    public = on(cast.max, "localhost")
    assert public.post("/you/", {"name": "Max  M."})["Location"] == "/you/"
    assert "Max M." in text(on(cast.ana).get("/people/"))
    assert public.post("/you/", {"name": "x" * 121}).status_code == 422
    assert on(cast.max).get("/you/")["Location"] == "http://localhost/you/"
