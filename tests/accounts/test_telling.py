"""What we tell customers: announcements that each puts away, and a maintenance during which only reading works."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Announcement, AuditEntry, Maintenance, User
from accounts.services.telling import begin_maintenance, end_maintenance
from snapshots.models import FetchJob
from snapshots.scheduling.dispatch import claim, free_room
from tests.accounts.test_looking import look
from tests.accounts.test_staff_roles import of_role
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.queries import statements_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TEXT = "TikTok changes its counters of stories on Monday."
SENTENCE = "We move to a larger server until 04:00 UTC."


def on(host: str, user: User) -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend=BACKEND)
    return client


def announce(**fields: Any) -> Announcement:
    hour = timedelta(hours=1)
    facts = {"text": TEXT, "starts_at": timezone.now() - hour, "ends_at": timezone.now() + hour} | fields
    with all_tenants():
        return Announcement.objects.create(**facts)


def page(client: Client, path: str = "/people/") -> str:
    return str(client.get(path).content.decode())


def of_operators() -> list[AuditEntry]:
    with all_tenants():
        return list(
            AuditEntry.objects.filter(tenant=None, event__startswith="operations.").order_by("occurred_at", "id")
        )


def test_an_announcement_is_above_every_page_of_everybody_until_it_ends(cast: Cast) -> None:
    announce()
    for host, user in (("acme", cast.ana), ("rival", cast.rita), ("globex", cast.gil)):
        assert TEXT in page(on(f"{host}.localhost", user))
    over = timezone.now() - timedelta(minutes=1)
    Announcement.objects.update(starts_at=over - timedelta(hours=1), ends_at=over)
    assert TEXT not in page(on("acme.localhost", cast.ana))
    Announcement.objects.update(
        starts_at=timezone.now() + timedelta(hours=1), ends_at=timezone.now() + timedelta(hours=2)
    )
    assert TEXT not in page(on("acme.localhost", cast.ana))


def test_it_is_for_a_plan_or_for_one_tenant(cast: Cast) -> None:
    announce(plan="free")
    assert TEXT in page(on("rival.localhost", cast.rita)) and TEXT not in page(on("acme.localhost", cast.ana))
    Announcement.objects.update(plan="", only_for=cast.acme.id)
    assert TEXT not in page(on("rival.localhost", cast.rita)) and TEXT in page(on("acme.localhost", cast.ana))


@pytest.mark.parametrize("htmx", [False, True])
def test_each_person_puts_it_away_for_themselves(cast: Cast, htmx: bool) -> None:
    there = f"/announcements/{announce().pk}/dismiss/"
    ana, max_ = on("acme.localhost", cast.ana), on("acme.localhost", cast.max)
    for _ in range(2):
        headers = {"HX-Request": "true"} if htmx else {}
        answer = ana.post(there, {"next": "/people/"}, headers=headers)
        assert (answer.status_code, answer.get("Location")) == ((200, None) if htmx else (302, "/people/"))
    assert TEXT not in page(ana) and TEXT in page(max_)
    assert max_.post(there, {"next": "https://evil.example/"})["Location"] == "/"


def test_what_a_tenant_is_not_told_does_not_exist_for_it(cast: Cast) -> None:
    there = f"/announcements/{announce(only_for_id=cast.acme.id).pk}/dismiss/"
    assert on("rival.localhost", cast.rita).post(there).status_code == 404
    assert on("acme.localhost", cast.ana).get(there).status_code == 405


def test_markup_in_it_is_text(cast: Cast) -> None:
    announce(text="<b>bold</b>")
    assert "&lt;b&gt;bold&lt;/b&gt;" in page(on("acme.localhost", cast.ana))


def test_no_page_asks_more_for_it(cast: Cast) -> None:
    client = on("acme.localhost", cast.ana)
    page(client)
    before = len(statements_of(lambda: client.get("/people/")))
    announce()
    begin_maintenance(sentence=SENTENCE, work_stops=False)
    assert len(statements_of(lambda: client.get("/people/"))) == before


def test_who_looks_as_somebody_puts_nothing_away(cast: Cast) -> None:
    announcement = announce()
    there = look(cast)
    shown = page(there)
    assert TEXT in shown and "/dismiss/" not in shown
    assert there.post(f"/announcements/{announcement.pk}/dismiss/").status_code == 403
    assert TEXT in page(on("acme.localhost", cast.max))


def test_staff_announces_in_the_administration_and_it_is_written_down(cast: Cast) -> None:
    olga = on("localhost", cast.olga)
    facts = {
        "text": TEXT, "plan": "", "only_for": "", "starts_at_0": "2026-11-27", "starts_at_1": "00:00:00",
        "ends_at_0": "2099-01-01", "ends_at_1": "00:00:00",
    }  # fmt: skip
    assert olga.post("/admin/accounts/announcement/add/", facts).status_code == 302
    assert TEXT in page(on("rival.localhost", cast.rita))
    wrong = olga.post("/admin/accounts/announcement/add/", facts | {"ends_at_0": "2020-01-01"})
    assert "It must end after it begins." in wrong.content.decode()
    [entry] = of_operators()
    assert (entry.event, entry.actor_id) == ("operations.announced", cast.olga.pk)
    only = Announcement.objects.get()
    assert olga.post(f"/admin/accounts/announcement/{only.pk}/delete/", {"post": "yes"}).status_code == 302
    assert TEXT not in page(on("rival.localhost", cast.rita))
    assert {entry.event for entry in of_operators()} == {"operations.announced", "operations.announcement_removed"}


def test_during_a_maintenance_people_read_and_change_nothing(cast: Cast) -> None:
    ana = on("acme.localhost", cast.ana)
    begin_maintenance(sentence=SENTENCE, work_stops=False)
    assert SENTENCE in page(ana)
    for path in ("/settings/", "/people/invite/", "/accounts/bulk/", "/announcements/1/dismiss/"):
        refused = ana.post(path, {"name": "Other"})
        assert (refused.status_code, refused["Retry-After"]) == (503, "300"), path
        assert SENTENCE in refused.content.decode()
    assert ana.put("/settings/").status_code == 503
    public = on("localhost", cast.ana)
    assert public.get("/").status_code == 200
    assert public.post("/workspaces/new/").status_code == 503
    assert Client(headers={"host": "localhost"}).post("/sign-up/").status_code == 503
    assert ana.post("/log-out/").status_code == 302
    assert end_maintenance() and not end_maintenance()
    assert on("acme.localhost", cast.ana).post("/people/invite/").status_code == 422


@pytest.mark.parametrize("work_stops", [False, True])
def test_work_goes_on_or_stands_still_as_chosen(cast: Cast, work_stops: bool) -> None:
    with tenant_scope(cast.acme):
        make_job(make_account("of.acme"), "profile", next_due_at=clock.now() - timedelta(hours=1))
    begin_maintenance(sentence=SENTENCE, work_stops=work_stops)
    claimed = claim("shared", free_room({}))
    assert len(claimed) == (0 if work_stops else 1)
    end_maintenance()
    if work_stops:
        assert len(claim("shared", free_room({}))) == 1
    with tenant_scope(cast.acme):
        assert FetchJob.objects.count() == 1


def test_staff_turns_the_switch_and_it_is_written_down(cast: Cast) -> None:
    olga = on("localhost", cast.olga)
    there = "/admin/accounts/maintenance/"
    assert "Everything works." in page(olga, there)
    assert olga.post(there, {"sentence": " "}).status_code == 422
    assert olga.post(there, {"sentence": SENTENCE, "work_stops": "on"}).status_code == 302
    assert SENTENCE in page(olga, there) and "nothing is fetched" in page(olga, there)
    assert Maintenance.objects.get().work_stops
    assert olga.post(there, {"sentence": "Longer: until 06:00 UTC."}).status_code == 302
    assert Maintenance.objects.count() == 1
    assert olga.post(there, {"end": "1"}).status_code == 302
    assert not Maintenance.objects.exists()
    events = [entry.event for entry in of_operators()]
    assert events == ["operations.maintenance_began"] * 2 + ["operations.maintenance_ended"]


def test_support_sees_the_switch_and_does_not_turn_it(cast: Cast) -> None:
    support = of_role(cast, "support")
    there = "/admin/accounts/maintenance/"
    assert "Begin the maintenance" not in page(support, there)
    assert support.post(there, {"sentence": SENTENCE}).status_code == 403
    assert of_role(cast, "finance").get(there).status_code == 403
