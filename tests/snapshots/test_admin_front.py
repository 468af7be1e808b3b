"""The front page of operations: the fleet in one look, for each role its part, and open when things are broken."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from accounts.models import Tenant, UpstreamIncident
from billing.models import (
    BudgetRefusal,
    PlatformBudget,
    QueueSample,
    TableSample,
    UsageAlert,
    UsageEvent,
    UsageHourly,
    WatchState,
)
from snapshots.scheduling.dispatch import LAST_TICK
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_dead_letters import make_dead
from tests.staff import staff_with, words_of
from tikdash import ops_front
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.redis import server

TILES = ["alarms", "jobs", "fleet", "upstream", "queues", "credits", "outages", "tables", "risks"]
#: Of the whole page: log-in, sidebar and tiles. Two shards; each more adds four.
MOST_STATEMENTS = 62


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    cache.clear()
    ops_front._known.clear()
    yield
    cache.clear()


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


def usage(tenant: Any, at: datetime, outcome: str = "ok", latency_ms: int = 100) -> None:
    with tenant_scope(tenant):
        UsageEvent.objects.create(
            id=uuid.uuid4(), occurred_at=at, key_id="shared", endpoint="userinfo", feature="profile", priority="pro",
            outcome=outcome, credits=1, attempts=1, latency_ms=latency_ms,
        )  # fmt: skip


def tile(page: str, code: str) -> str:
    found = re.search(rf'<section[^>]*id="tile-{code}".*?</section>', page, re.DOTALL)
    assert found, f"there is no tile {code}"
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(0)))


def front(client: Client) -> str:
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_fleet_in_one_look(cast: Cast, olga: Client, noon: datetime) -> None:
    make_dead(cast.acme, 3, noon)
    make_dead(cast.globex, 1, noon, kind="posts", error_code="bad_payload")
    with tenant_scope(cast.rival):
        account = make_account("late")
        make_job(account, next_due_at=noon - timedelta(hours=2))
        make_job(account, "posts", next_due_at=noon - timedelta(minutes=1))
        make_job(account, "comments", lease_until=noon + timedelta(minutes=1), started_at=noon)
        BudgetRefusal.objects.create(
            day=noon.date(), feature="posts", priority="free", cap="tenant_day", calls=7, first_at=noon, last_at=noon,
            sentence="No more today.",
        )  # fmt: skip
    Tenant.objects.filter(pk=cast.globex.id).update(
        fetching_paused_at=noon, fetching_paused_reason="No key.", fetching_paused_cause="key"
    )
    for n in range(18):
        usage(cast.acme, noon - timedelta(minutes=5), latency_ms=100 + n)
    usage(cast.acme, noon - timedelta(minutes=5), "rate_limited", 900)
    usage(cast.acme, noon - timedelta(minutes=5), "rate_limited", 950)
    usage(cast.acme, noon - timedelta(minutes=50), "rate_limited", 950)
    with all_tenants():
        for minutes, waiting in ((1, 40), (2, 90)):
            QueueSample.objects.create(
                sampled_at=noon - timedelta(minutes=minutes), queue="pro", waiting=waiting, oldest_s=30, in_flight=2,
                ended_per_s=2, threads=20,
            )  # fmt: skip
        UsageHourly.objects.create(hour=noon - timedelta(hours=2), endpoint="userinfo", requests=70, credits=70)
        UsageHourly.objects.create(hour=noon - timedelta(days=3), endpoint="userinfo", requests=850, credits=850)
        PlatformBudget.objects.create(scope="deployment", monthly_credits=1_000)
        UsageAlert.objects.create(
            tenant=None, rule="overdue", subject="pro", period=noon.date(), level="critical", sentence="Late it is.",
            opened_at=noon, seen_at=noon,
        )  # fmt: skip
        WatchState.objects.create(
            watch="partitions", subject="all", level="critical", sentence="A month is missing.", since=noon,
            seen_at=noon, alarmed_at=noon,
        )  # fmt: skip
        for back, bytes_ in ((0, 9_000_000), (1, 7_000_000)):
            day = noon.date() - timedelta(days=back)
            TableSample.objects.create(day=day, name="posts", rows=500, bytes=bytes_)
    UpstreamIncident.objects.create(began_at=noon - timedelta(minutes=9), note="They told us.")
    cache.set(LAST_TICK, 1.0)
    page = front(olga)
    jobs = tile(page, "jobs")
    assert "Due 2" in jobs and "Overdue 1" in jobs and "Oldest 2.0 h" in jobs and "Running 1" in jobs, jobs
    assert "Dead 4" in jobs and "upstream_down 3" in jobs and "bad_payload 1" in jobs
    assert "10.0% 2" in tile(page, "upstream") and "upstream closed" in tile(page, "upstream")
    assert "p95" in tile(page, "upstream") and "Requests 20" in tile(page, "upstream")
    assert re.search(r"pro 40 30 s 2 120 20 s", tile(page, "queues"))
    credits = tile(page, "credits")
    assert "Today 70" in credits and "92%" in credits and "920 of 1 K" in credits.replace("1.00 K", "1 K"), credits
    assert "Late it is." in tile(page, "alarms") and "Partitions ahead, all" in tile(page, "alarms")
    assert "A month is missing." in tile(page, "tables") and "9 MB 500 2 MB" in tile(page, "tables")
    assert "lasts They told us." in tile(page, "outages")
    assert "Threads 20" in tile(page, "fleet") and "Last tick" in tile(page, "fleet")
    risks = tile(page, "risks")
    assert risks.index("globex") < risks.index("rival"), "no key is worse than being late"
    assert "No key that works" in risks and "100% of 1 accounts are stale" in risks and "7 calls refused" in risks


def test_every_tile_leads_to_a_list_that_opens(cast: Cast, olga: Client, noon: datetime) -> None:
    make_dead(cast.acme, 1, noon)
    usage(cast.acme, noon)
    with all_tenants():
        QueueSample.objects.create(sampled_at=noon, queue="pro", waiting=1, oldest_s=1, in_flight=0, threads=2)
        WatchState.objects.create(
            watch="disk", subject="database", level="ok", sentence="Room.", since=noon, seen_at=noon
        )
    page = front(olga)
    inside = page[page.index('id="ops-tiles"') :]
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/[^"]+)"', inside)}
    assert len(links) > 20
    for link in links:
        answer = olga.get(link)
        assert answer.status_code == 200, link
        assert answer.request["PATH_INFO"] == link.partition("?")[0], link


def test_the_list_behind_a_number_has_as_many_rows(cast: Cast, olga: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        for number in range(3):
            make_job(make_account(), next_due_at=noon - timedelta(hours=number))
        make_job(make_account(), next_due_at=noon + timedelta(hours=1))
    with tenant_scope(cast.rival):
        make_job(make_account(), next_due_at=noon - timedelta(hours=9))
    Tenant.objects.filter(pk=cast.rival.id).update(
        fetching_paused_at=noon, fetching_paused_reason="Us.", fetching_paused_cause="ops"
    )
    page = front(olga)
    for name, rows in (("due", 3), ("overdue", 2)):
        assert f"{name.capitalize()} {rows}" in tile(page, "jobs")
        assert olga.get("/admin/snapshots/fetchjob/", {"stands": name}).context["cl"].result_count == rows


def test_the_lists_of_tenants_at_risk_have_those_that_the_tile_counts(cast: Cast, olga: Client, noon: datetime) -> None:
    make_dead(cast.acme, 3, noon)
    with tenant_scope(cast.rival):
        make_job(make_account("late"), next_due_at=noon - timedelta(hours=2))
    with all_tenants():
        UsageAlert.objects.create(
            tenant_id=cast.acme.id, rule="budget_90", subject="month", period=noon.date(), level="critical",
            sentence="Nearly.", opened_at=noon, seen_at=noon,
        )  # fmt: skip
    Tenant.objects.filter(pk=cast.globex.id).update(
        fetching_paused_at=noon, fetching_paused_reason="No key.", fetching_paused_cause="key"
    )
    risks = tile(front(olga), "risks")
    expected: dict[str, tuple[str, set[str]]] = {
        "any": ("At risk", {"acme", "rival", "globex"}), "key": ("No key", {"globex"}), "quota": ("Quota", {"acme"}),
        "stale": ("Stale", {"rival"}), "failing": ("Failing", {"acme"}), "paused": ("Paused by us", set()),
    }  # fmt: skip
    for name, (label, slugs) in expected.items():
        assert f"{label} {len(slugs)}" in risks, risks
        rows = olga.get("/admin/accounts/tenant/", {"risk": name}).context["cl"].result_list
        assert {row.slug for row in rows} == slugs, name


def test_one_link_of_the_sidebar_is_marked(olga: Client) -> None:
    for path, titles in {
        "billing/platformbudget/spending/": ["Spending"], "billing/platformbudget/": ["Our budgets"],
        "snapshots/fetchjob/dead/": ["Dead jobs by cause"], "snapshots/fetchjob/": ["Jobs"],
        "accounts/tenant/": ["Tenants"], "accounts/tenanterasure/": ["Deletions"], "": [],
    }.items():  # fmt: skip
        groups = olga.get(f"/admin/{path}").context["sidebar_navigation"]
        assert [item["title"] for group in groups for item in group["items"] if item["active"]] == titles, path


def test_what_refreshes_is_the_tiles_alone_and_only_while_somebody_looks(olga: Client) -> None:
    page = front(olga)
    assert 'hx-trigger="every 30s [!document.hidden]' in page
    piece = olga.get("/admin/tiles/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in piece and all(f'id="tile-{code}"' in piece for code in TILES)


def test_several_people_ask_once(olga: Client) -> None:
    front(olga)
    with all_tenants():
        UsageHourly.objects.create(
            hour=datetime.fromisoformat("2026-11-15T10:00Z"), endpoint="x", requests=9, credits=9
        )
    assert "Today 0" in tile(front(olga), "credits")
    cache.clear()
    assert "Today 9" in tile(front(olga), "credits")


def test_the_page_has_its_budget_of_statements(cast: Cast, olga: Client, noon: datetime) -> None:
    front(olga)
    cache.clear()
    assert_at_most(MOST_STATEMENTS, statements_of(lambda: front(olga)))
    # Kept: no tile asks again.
    assert_at_most(14, statements_of(lambda: front(olga)))


def test_without_redis_the_page_opens_and_says_what_nobody_knows(cast: Cast, olga: Client, noon: datetime) -> None:
    make_dead(cast.acme, 2, noon)
    away = "redis://127.0.0.1:9/0"
    caches = {"default": settings.CACHES["default"] | {"LOCATION": away}}
    server()
    with override_settings(CACHES=caches, REDIS_URL=away):
        page = front(olga)
    assert "Dead 2" in tile(page, "jobs"), "what PostgreSQL knows is shown"
    assert "unknown: Redis does not answer" in tile(page, "upstream")
    assert "Last tick unknown" in tile(page, "fleet")


def test_a_tile_that_fails_says_since_when_and_takes_no_other_along(cast: Cast, olga: Client, noon: datetime) -> None:
    front(olga)
    cache.delete("ops:tile:credits")
    with owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.usage_hourly RENAME TO usage_hourly_away")
    page = front(olga)
    credits = tile(page, "credits")
    assert "Unknown since 15 Nov 12:00 UTC" in credits and "database does not answer" in credits
    assert "usage_hourly" not in page, "errors of the database are for the log"
    assert "Due 0" in tile(page, "jobs") and "Unknown" not in tile(page, "queues")
    cache.clear()
    ops_front._known.clear()
    assert "Unknown since this process began" in tile(front(olga), "credits")


def test_a_question_that_takes_too_long_is_called_off(committed_db: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops_front, "PATIENCE_MS", 150)
    olga = browser_of(committed_db.olga, "localhost")
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=connection.settings_dict["NAME"]) as other:
        other.execute("LOCK TABLE public.usage_hourly IN ACCESS EXCLUSIVE MODE")
        page = front(olga)
        other.rollback()
    assert "takes more than" in tile(page, "credits")
    assert "Unknown" not in tile(page, "jobs")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0", "the patience is the tile's alone"


def test_each_role_sees_its_tiles_and_nobody_else_gets_them(cast: Cast, noon: datetime) -> None:
    support = staff_with("snapshots.view_fetchjob")
    page = front(support)
    shown = set(re.findall(r'id="tile-(\w+)"', page))
    assert shown == {"jobs", "fleet"}
    tiles = page[page.index('id="ops-tiles"') :]
    assert "/admin/django_celery_beat/" not in tiles and "/admin/billing/" not in tiles, "no link to what is closed"
    assert set(re.findall(r'id="tile-(\w+)"', support.get("/admin/tiles/").content.decode())) == shown
    nothing = staff_with()
    assert "Your role sees no tiles." in words_of(nothing.get("/admin/"))
    assert nothing.get("/admin/tiles/").status_code == 403
    for person in (cast.ana, cast.nora):
        assert browser_of(person, "localhost").get("/admin/tiles/", follow=True).status_code == 404


def test_a_frame_and_a_label_say_whose_rows_are_shown(cast: Cast, olga: Client) -> None:
    for path in ("/admin/", "/admin/snapshots/trackedaccount/", "/admin/snapshots/fetchjob/dead/"):
        olga.get("/admin/shard/", {"schema": "shared"})
        shared = olga.get(path).content.decode()
        assert "All tenants" in shared and "admin-frame-shared.css" in shared, path
        olga.get("/admin/shard/", {"schema": "tenant_globex"})
        alone = olga.get(path).content.decode()
        assert "Globex Media alone" in alone and "admin-frame-alone.css" in alone, path
        assert "admin-frame-shared.css" not in alone and "All tenants" not in alone, path


def test_secrets_are_nowhere_on_these_pages(cast: Cast, olga: Client, noon: datetime) -> None:
    make_dead(cast.acme, 1, noon)
    for path in ("", "tiles/", "snapshots/fetchjob/dead/", "snapshots/fetchjob/", "django_celery_beat/periodictask/"):
        page = olga.get(f"/admin/{path}").content.decode()
        for secret in (settings.TIKLIVE_KEY, settings.SECRET_KEY, *settings.TENANT_KEY_FERNET, settings.REDIS_URL):
            assert not secret or secret not in page, path
