"""When the upstream does not answer is written down once, and charts of every tenant say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import UpstreamIncident
from accounts.services.incidents import watch_upstream
from snapshots.analytics.history import history
from tests.cast import Cast
from tests.factories import make_account, make_snapshots
from tests.snapshots.conftest import NOON, browser_of
from tests.snapshots.test_pages import text_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.redis import server
from tikdash.tiklive.breaker import NOT_CLOSED, UPSTREAM


@pytest.fixture(autouse=True)
def _breaker_closed() -> None:
    with server().reached() as redis:
        redis.delete(NOT_CLOSED)


@pytest.fixture
def ana(cast: Cast) -> Iterator[Client]:
    with clock.at(NOON):
        yield browser_of(cast.ana, "acme.localhost")


def open_breaker() -> None:
    with server().reached() as redis:
        seconds, _ = redis.time()
        redis.zadd(NOT_CLOSED, {UPSTREAM: (seconds + 60) * 1000})


def close_breaker() -> None:
    with server().reached() as redis:
        redis.zrem(NOT_CLOSED, UPSTREAM)


def test_an_outage_is_one_incident_from_the_breakers_opening_to_its_closing(cast: Cast) -> None:
    with clock.at(NOON):
        watch_upstream()
        assert not UpstreamIncident.objects.exists()
        open_breaker()
        watch_upstream()
    with clock.at(NOON + timedelta(minutes=5)):
        watch_upstream()
        incident = UpstreamIncident.objects.get()
        assert (incident.began_at, incident.ended_at, incident.by_hand) == (NOON, None, False)
    close_breaker()
    with clock.at(NOON + timedelta(minutes=9)):
        watch_upstream()
        watch_upstream()
    assert UpstreamIncident.objects.get().ended_at == NOON + timedelta(minutes=9)


def test_charts_of_every_tenant_say_when_data_did_not_come_in(cast: Cast, ana: Client) -> None:
    began = NOON - timedelta(days=3)
    UpstreamIncident.objects.create(began_at=began, ended_at=began + timedelta(minutes=77))
    UpstreamIncident.objects.create(began_at=began - timedelta(days=1), by_hand=True, note="TikTok was being moved.")
    UpstreamIncident.objects.create(began_at=began - timedelta(days=60), ended_at=began - timedelta(days=59))
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            account = make_account("lena", tracked_since=NOON - timedelta(days=30))
            make_snapshots(account, [10, 11, 12])
            found = [(each.day, each.text) for each in history(account.pk) if each.kind == "upstream"]
        assert found == [
            (began.date() - timedelta(days=1), "TikTok was being moved."),
            (began.date(), "TikTok’s data did not come in from 12:00 to 13:17; numbers of that time may be missing."),
        ]
        if tenant == cast.acme:
            page = text_of(ana.get(f"/accounts/{account.pk}/"))
            assert "did not come in from 12:00 to 13:17" in page and 'chip-upstream">outage' in page
            assert "&quot;kind&quot;:&quot;outage&quot;" in page


def test_an_end_before_the_beginning_is_refused(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        UpstreamIncident.objects.create(began_at=NOON, ended_at=NOON - timedelta(minutes=1))
