"""What all pages of the administration share: one clock, a way back, and words where there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from accounts.models import Announcement, Tenant, UpstreamIncident
from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tests.staff import words_of
from tikdash.db.scope import all_tenants

LATE = datetime(2026, 11, 27, 23, 5, tzinfo=UTC)
LISTS = "/admin/accounts"


@pytest.fixture
def olga(cast: Cast) -> Client:
    return browser_of(cast.olga, "localhost")


def test_moments_are_utc_and_say_so_whatever_zone_an_operator_chose(cast: Cast, olga: Client) -> None:
    cast.olga.time_zone = "Asia/Tokyo"
    cast.olga.save()
    Tenant.objects.filter(pk=cast.acme.id).update(created_at=LATE)
    assert "2026-11-27 23:05 UTC" in words_of(olga.get(f"{LISTS}/tenant/"))
    assert "2026-11-27 23:05 UTC" in words_of(olga.get(f"{LISTS}/tenant/{cast.acme.id}/change/"))
    # What is typed is UTC, too.
    sent = {"text": "We move.", "starts_at_0": "2026-11-27", "starts_at_1": "23:05", "ends_at_0": "2026-11-28"}
    assert olga.post(f"{LISTS}/announcement/add/", sent | {"ends_at_1": "01:00", "plan": ""}).status_code == 302
    with all_tenants():
        assert Announcement.objects.get().starts_at == LATE


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/admin/snapshots/fetchjob/dead/", "Dead jobs by cause"),
        (f"{LISTS}/tenant/1/change/", "Acme Talent"),
    ],
)
def test_the_bar_ends_with_what_the_page_is(olga: Client, path: str, last: str) -> None:
    head = re.search(r"<h1.*?</h1>", olga.get(path).content.decode(), re.S)
    assert head is not None
    parts = [re.sub(r"<[^>]+>", "", part).strip() for part in head[0].split('<span class="ops-crumb">')[1:]]
    assert parts[-1] == last and parts.count(last) == 1, parts


def test_an_empty_list_says_whether_anything_is_there_and_what_to_do(olga: Client) -> None:
    empty = words_of(olga.get(f"{LISTS}/upstreamincident/"))
    assert "Nothing here No outage is written down." in empty and "Add upstream incident" in empty
    assert "Show all" not in empty
    with all_tenants():
        UpstreamIncident.objects.create(began_at=LATE, ended_at=LATE + timedelta(hours=1), note="Upstream away")
    searched = words_of(olga.get(f"{LISTS}/upstreamincident/?q=nothing-like-it"))
    assert "Nothing fits None of the upstream incidents fits this search and these filters." in searched
    assert "Show all" in searched


def test_an_announcement_for_a_plan_that_there_is_not_is_refused_beside_the_field(cast: Cast, olga: Client) -> None:
    form = olga.get(f"{LISTS}/announcement/add/")
    assert form.context["adminform"].form.initial["ends_at"] > form.context["adminform"].form.initial["starts_at"]
    sent = {"text": "We move.", "starts_at_0": "2026-11-27", "starts_at_1": "23:05", "ends_at_0": "2999-01-01"}
    sent |= {"ends_at_1": "01:00"}
    wrong = olga.post(f"{LISTS}/announcement/add/", sent | {"plan": "prro"})
    assert "There is no plan “prro”. Plans: " in words_of(wrong)
    assert olga.post(f"{LISTS}/announcement/add/", sent | {"plan": "pro"}).status_code == 302
    assert "shown now plan pro" in words_of(olga.get(f"{LISTS}/announcement/"))


def test_the_timetable_says_what_each_entry_does_and_when(olga: Client) -> None:
    path = "/admin/django_celery_beat/periodictask/"
    PeriodicTask.objects.all().delete()
    assert "Start the process “beat”, then load this page again." in words_of(olga.get(path))
    daily = CrontabSchedule.objects.create(minute="25", hour="6", timezone="UTC")
    entry = PeriodicTask.objects.create(name="samples", task="billing.sample_queues", crontab=daily)
    words = words_of(olga.get(path))
    assert "At 06:25" in words and "the settings" in words and "not yet" in words
    assert "–" not in words_of(olga.get(f"{path}?q=samples")).partition("samples")[2].partition("At 06:25")[0]
    assert "billing.sample_queues" in words_of(olga.get(f"{path}{entry.pk}/change/"))


def test_maintenance_says_how_many_it_concerns(olga: Client) -> None:
    there = Tenant.objects.exclude(state=Tenant.State.ERASED).count()
    assert f"It concerns all {there} workspaces at once" in words_of(olga.get(f"{LISTS}/maintenance/"))
