"""Staff look at a workspace as a person of it: read only, with a reason, for half an hour, as the customer reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import AuditEntry, Look, Membership, Session, Tenant, User
from accounts.models.looks import LONGEST
from accounts.services.auditing import record
from accounts.services.looking import TICKET_S, ask_to_look, begin_look, end_looks_over, open_look
from snapshots.models import FetchJob, TrackedAccount
from tests.cast import Cast, give_app
from tests.factories import make_account, make_job, make_snapshots
from tests.queries import statements_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput, NotAllowed
from tikdash.middleware import ActorMiddleware

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
REASON = "Ticket 512, the chart of May has a gap."
WRITES = ("INSERT", "UPDATE", "DELETE")


def staff(client_of: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(client_of, backend=BACKEND)
    return client


def ask(cast: Cast, client: Client, user: User | None = None, reason: str = REASON) -> Any:
    page = f"/admin/accounts/tenant/{cast.acme.id}/look/"
    return client.post(page, {"user": (user or cast.max).pk, "reason": reason})


def look(cast: Cast, user: User | None = None, client: Client | None = None) -> Client:
    """A browser that looks at Acme as `user` (Max)."""
    way = urlsplit(ask(cast, client or staff(cast.olga), user)["Location"])
    assert (way.netloc, way.path) == ("acme.localhost", "/look/")
    there = Client(headers={"host": "acme.localhost"})
    arrived = there.get(f"{way.path}?{way.query}")
    assert (arrived.status_code, arrived["Location"]) == (302, "/")
    return there


def entries(cast: Cast) -> list[AuditEntry]:
    with tenant_scope(cast.acme):
        return list(AuditEntry.objects.filter(event__startswith="support.").order_by("occurred_at", "id"))


def looks() -> list[Look]:
    with all_tenants():
        return list(Look.objects.all())


def the_look() -> Look:
    [found] = looks()
    return found


@pytest.fixture
def account(cast: Cast) -> TrackedAccount:
    with tenant_scope(cast.acme):
        account = make_account("looked.at")
        make_snapshots(account, [100, 200])
        make_job(account, "profile", next_due_at=clock.now() + timedelta(days=1))
    return account


def supporter(cast: Cast) -> User:
    """Somebody of support, with a second factor."""
    user = User.objects.create_user("sue@tikdash.example", is_staff=True)
    User.objects.filter(pk=user.pk).update(password=cast.ana.password)
    user.groups.add(Group.objects.get(name="support"))
    give_app(user)
    return User.objects.get(pk=user.pk)


def test_a_look_shows_what_the_person_sees_and_says_who_looks_until_when_and_why(
    cast: Cast, account: TrackedAccount
) -> None:
    there = look(cast)
    page = there.get(f"/accounts/{account.pk}/").content.decode()
    assert "looked.at" in page and "olga@tikdash.example looks at this workspace as max@acme.example until" in page
    assert REASON in page and 'action="/look/end/"' in page and "data-look" in page
    # Max is a member: what is for owners is not for who looks as him either.
    refused = there.get("/settings/audit/")
    assert refused.status_code == 403 and "olga@tikdash.example looks" in refused.content.decode()
    assert there.get("/accounts/")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("htmx", [False, True])
def test_whatever_could_change_something_is_refused(
    cast: Cast, account: TrackedAccount, method: str, htmx: bool
) -> None:
    there = look(cast, cast.ana)
    headers = {"HX-Request": "true"} if htmx else {}
    for path in (
        f"/accounts/{account.pk}/refresh/", f"/accounts/{account.pk}/viewed/", "/people/invite/", "/settings/keys/",
        "/settings/tokens/", "/people/leave/", "/log-out/", "/language/", "/confirm/password/", "/nothing/here/",
    ):  # fmt: skip
        answer = getattr(there, method)(path, headers=headers)
        assert answer.status_code == 403, (path, answer.status_code)
        assert "You only look" in answer.content.decode()
    assert there.get("/accounts/").status_code == 200, "the look goes on"
    with tenant_scope(cast.acme):
        assert FetchJob.objects.filter(queue="interactive").count() == 0
        assert TrackedAccount.objects.get(pk=account.pk).viewed_at is None


def test_a_page_asks_for_no_new_numbers_and_fetches_nothing_ahead(cast: Cast, account: TrackedAccount) -> None:
    there = look(cast)
    page = there.get(f"/accounts/{account.pk}/")
    assert "/viewed/" not in page.content.decode()
    assert "Speculation-Rules" not in there.get("/accounts/")
    as_max = Client(headers={"host": "acme.localhost"})
    as_max.force_login(cast.max, backend=BACKEND)
    assert "/viewed/" in as_max.get(f"/accounts/{account.pk}/").content.decode()
    assert "Speculation-Rules" in as_max.get("/accounts/")


def test_begin_and_end_are_in_the_customers_audit_log_as_staffs(cast: Cast) -> None:
    there = look(cast)
    ended = there.post("/look/end/")
    assert ended["Location"] == f"http://localhost/admin/accounts/tenant/{cast.acme.id}/change/"
    assert there.get("/accounts/").status_code == 302, "the session is gone"
    began, end = entries(cast)
    assert [began.event, end.event] == ["support.looked", "support.look_ended"]
    for entry in (began, end):
        assert (entry.actor_kind, entry.actor_id, entry.as_user_id) == ("staff", cast.olga.pk, cast.max.pk)
        assert (entry.reason, entry.target_label) == (REASON, "max@acme.example")
    ana = Client(headers={"host": "acme.localhost"})
    ana.force_login(cast.ana, backend=BACKEND)
    log = ana.get("/settings/audit/").content.decode()
    assert "Began to look at the workspace as max@acme.example" in log and REASON in log
    assert "Tikdash staff" in log and "olga@tikdash.example" not in log
    with tenant_scope(cast.acme):
        assert not AuditEntry.objects.filter(actor_kind="user").exists()


def test_what_is_written_during_a_look_is_staffs_and_says_as_whom(cast: Cast) -> None:
    """Whatever an address writes although it is only read, such as that a file was fetched."""
    request: Any = RequestFactory().get("/")
    request.user, request.tenant, request.impersonated_by = cast.max, cast.acme, cast.olga

    def fetches(_request: Any) -> HttpResponse:
        record("workspace.taken_along", after={"files": 1})
        return HttpResponse()

    with tenant_scope(cast.acme):
        ActorMiddleware(fetches)(request)
        entry = AuditEntry.objects.get(event="workspace.taken_along")
    assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("staff", cast.olga.pk, cast.olga.email)
    assert (entry.as_user_id, entry.as_user_label) == (cast.max.pk, cast.max.email)


def test_the_staffs_own_session_stays_and_nobodys_last_log_in_changes(cast: Cast) -> None:
    before = dict(User.objects.values_list("pk", "last_login"))
    client = staff(cast.olga)
    as_of_olga = dict(User.objects.values_list("pk", "last_login"))
    there = look(cast, client=client)
    there.get("/accounts/")
    assert dict(User.objects.values_list("pk", "last_login")) == as_of_olga
    assert as_of_olga[cast.max.pk] == before[cast.max.pk]
    there.post("/look/end/")
    assert client.get("/admin/").status_code == 200


def test_the_session_is_the_staffs_and_not_in_the_persons_list(cast: Cast) -> None:
    look(cast)
    assert not Session.objects.filter(user=cast.max).exists()
    assert Session.objects.filter(user=cast.olga).count() == 2


@pytest.mark.parametrize("who", ["nobody", "staff", "superuser", "inactive", "without_a_seat", "of_another_workspace"])
def test_as_whom_nobody_looks(cast: Cast, who: str) -> None:
    changed = {"staff": {"is_staff": True}, "superuser": {"is_superuser": True}, "inactive": {"is_active": False}}
    user = cast.rita if who == "of_another_workspace" else cast.max
    if who in changed:
        User.objects.filter(pk=user.pk).update(**changed[who])
    if who == "without_a_seat":
        Membership.objects.filter(user=user).update(waits_since=clock.now())
    client = staff(cast.olga)
    answer = client.post(
        f"/admin/accounts/tenant/{cast.acme.id}/look/", {"user": 0 if who == "nobody" else user.pk, "reason": REASON}
    )
    assert answer.status_code == 422 and looks() == []


def test_a_person_who_becomes_staff_meanwhile_is_looked_at_no_longer(cast: Cast) -> None:
    way = urlsplit(ask(cast, staff(cast.olga))["Location"])
    User.objects.filter(pk=cast.max.pk).update(is_staff=True)
    assert Client(headers={"host": "acme.localhost"}).get(f"{way.path}?{way.query}").status_code == 400


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nobody_looks(cast: Cast, reason: str) -> None:
    answer = ask(cast, staff(cast.olga), reason=reason)
    assert answer.status_code == 422 and "Say why" in answer.content.decode()


def test_support_may_look_and_finance_may_not(cast: Cast) -> None:
    sue = supporter(cast)
    look(cast, client=staff(sue))
    sue.groups.set([Group.objects.get(name="finance")])
    client = staff(User.objects.get(pk=sue.pk))
    assert ask(cast, client).status_code == 403
    assert client.get(f"/admin/accounts/tenant/{cast.acme.id}/look/").status_code == 403


def test_whoever_asks_for_a_ticket_beside_the_page_needs_the_permission_too(cast: Cast) -> None:
    sue = supporter(cast)
    sue.groups.set([Group.objects.get(name="finance")])
    wish = {"tenant": cast.acme, "user_id": cast.max.pk, "reason": REASON}
    for person in (User.objects.get(pk=sue.pk), cast.ana):
        with pytest.raises(NotAllowed):
            ask_to_look(staff=person, **wish)
    assert looks() == []
    assert ask_to_look(staff=cast.olga, **wish)


@pytest.mark.parametrize("what", ["permission", "staff", "active", "password"])
def test_a_look_ends_when_who_looks_may_no_longer(cast: Cast, what: str) -> None:
    sue = supporter(cast)
    there = look(cast, client=staff(sue))
    assert there.get("/accounts/").status_code == 200
    if what == "permission":
        Group.objects.get(name="support").permissions.remove(Permission.objects.get(codename="look_as_person"))
    elif what == "password":
        sue.set_password("another-long-password")
        sue.save()
    else:
        User.objects.filter(pk=sue.pk).update(**{f"is_{what}": False})
    over = there.get("/accounts/")
    assert over.status_code == 403 and "The look is over" in over.content.decode()
    assert there.get("/accounts/").status_code == 302, "nothing is left of the session"


def test_a_look_ends_with_the_persons_password_and_membership(cast: Cast) -> None:
    there = look(cast)
    Membership.objects.filter(user=cast.max).delete()
    assert there.get("/accounts/").status_code == 404
    there = look(cast, cast.ana)
    ana = User.objects.get(pk=cast.ana.pk)
    ana.set_password("another-long-password")
    ana.save()
    assert there.get("/accounts/").status_code in (302, 403)


def test_a_look_lasts_half_an_hour_whatever_the_cookie_says(cast: Cast) -> None:
    there = look(cast)
    row = the_look()
    assert row.began_at is not None and row.until == row.began_at + LONGEST == row.began_at + timedelta(minutes=30)
    assert Session.objects.filter(user=cast.olga, expires_at__lte=timezone.now() + timedelta(minutes=30)).count() == 1
    with clock.at(row.until - timedelta(seconds=5)):
        assert there.get("/accounts/").status_code == 200
    with clock.at(row.until + timedelta(seconds=1)):
        assert there.get("/accounts/").status_code in (302, 403)


def test_postgresql_takes_no_longer_one(cast: Cast) -> None:
    look(cast)
    row = the_look()
    with pytest.raises(IntegrityError), transaction.atomic(), all_tenants():
        Look.objects.filter(pk=row.pk).update(until=row.until + timedelta(seconds=1))  # type: ignore[operator]


def test_the_end_of_a_look_whose_time_is_over_is_written_once(cast: Cast) -> None:
    there = look(cast)
    assert end_looks_over() == 0
    with clock.at(clock.now() + LONGEST + timedelta(seconds=1)):
        assert (end_looks_over(), end_looks_over()) == (1, 0)
    assert [entry.event for entry in entries(cast)] == ["support.looked", "support.look_ended"]
    assert entries(cast)[1].actor_kind == "staff"
    assert there.get("/accounts/").status_code == 403


@pytest.mark.parametrize("forged", ["", "x", "a:b:c", "\x00"])
def test_a_ticket_that_we_did_not_sign_is_refused(cast: Cast, forged: str) -> None:
    assert Client(headers={"host": "acme.localhost"}).get("/look/", {"ticket": forged}).status_code == 400


def test_a_ticket_works_once_on_its_own_host_and_within_a_minute(cast: Cast) -> None:
    ticket = urlsplit(ask(cast, staff(cast.olga))["Location"]).query.removeprefix("ticket=").replace("%3A", ":")
    with tenant_scope(cast.rival), pytest.raises(BadInput, match="no longer valid"):
        begin_look(ticket=ticket, tenant=cast.rival)
    with tenant_scope(cast.acme):
        late = clock.at(clock.now() + timedelta(seconds=TICKET_S + 1))
        with late, pytest.raises(BadInput, match="no longer valid"):
            begin_look(ticket=ticket, tenant=cast.acme)
        begun = begin_look(ticket=ticket, tenant=cast.acme)
        with pytest.raises(BadInput, match="no longer valid"):
            begin_look(ticket=ticket, tenant=cast.acme)
        facts = {"tenant_id": cast.acme.id, "user_id": cast.max.pk, "staff_hash": begun.staff_hash}
        assert open_look(look_id=str(begun.look.id), **facts) is not None
        assert open_look(look_id="nonsense", **facts) is None
        assert open_look(look_id=str(begun.look.id), **facts | {"user_id": cast.ana.pk}) is None


def test_a_workspace_that_is_going_to_be_deleted_can_be_left(cast: Cast) -> None:
    there = look(cast)
    Tenant.objects.filter(pk=cast.acme.id).update(erase_at=clock.now() + timedelta(days=3))
    assert there.post("/look/end/").status_code == 302
    assert len(entries(cast)) == 2


def test_without_a_look_nothing_more_is_asked(cast: Cast) -> None:
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.max, backend=BACKEND)
    client.get("/people/")
    assert not [sql for sql in statements_of(lambda: client.get("/people/")) if '"looks"' in sql]
    assert client.post("/look/end/")["Location"] == "/"


def test_the_list_of_looks_is_for_looking(cast: Cast) -> None:
    look(cast)
    client = staff(cast.olga)
    listed = client.get("/admin/accounts/look/").content.decode()
    assert REASON in listed and "max@acme.example" in listed
    assert client.get("/admin/accounts/look/add/").status_code == 403
