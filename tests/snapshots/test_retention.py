"""Raw readings and single requests are kept for a while, daily rows for good; rows without an owner are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from billing.models import Plan, UsageEvent
from billing.tasks import drop_old_partitions
from snapshots.ingest.upsert import store_posts, store_profile
from snapshots.models import AccountReading, AccountSnapshot, Post, PostReading, PostSnapshot, TrackedAccount
from snapshots.services.orphans import count_orphans
from snapshots.services.partitions import KEPT_FOR_A_WHILE, PARTITIONED, days_kept
from snapshots.tasks import drop_old_readings, look_for_orphans
from tests.cast import Cast
from tests.factories import make_account
from tests.snapshots.test_upsert import post, profile
from tests.tikdash.test_metrics import ask, values
from tikdash import clock
from tikdash.celery import app
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner, tenant_scope

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


def read(cast: Cast, *days_ago: int) -> None:
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account()
            for days in days_ago:
                at = NOON - timedelta(days=days)
                store_profile(account.pk, profile(), measured_at=at, intraday=True)
                store_posts(account.pk, [post(1, NOON)], measured_at=at, intraday=True)


def ages(cast: Cast, model: type[AccountReading] | type[PostReading] | type[AccountSnapshot]) -> list[list[int]]:
    """How old the rows of each tenant are, days."""
    found = []
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            moments = [getattr(row, "measured_at", None) or row.captured_at for row in model.objects.all()]
            found.append(sorted((NOON - moment).days for moment in moments))
    return found


def test_readings_go_by_whole_months_in_every_shard_and_days_stay(cast: Cast) -> None:
    read(cast, 0, 89, 92, 107, 120)
    with clock.at(NOON):
        drop_old_readings()
        # 90 days ago it was 17 August: July is over, the first half of August is not.
        for model in (AccountReading, PostReading):
            assert ages(cast, model) == [[0, 89, 92]] * 3
        assert ages(cast, AccountSnapshot) == [[0, 89, 92, 107, 120]] * 3
        drop_old_readings()
        assert ages(cast, AccountReading) == [[0, 89, 92]] * 3


def test_a_plan_in_use_may_keep_them_longer_for_all(cast: Cast) -> None:
    assert days_kept() == settings.READINGS_KEPT_DAYS == 90
    Plan.objects.filter(code="pro").update(readings_kept_days=30)
    assert days_kept() == 90, "no plan shortens what the installation says"
    Plan.objects.filter(code="enterprise").update(readings_kept_days=365)
    Plan.objects.create(code="nobody", name="Nobody's", tracked_accounts=1, readings_kept_days=3650)
    assert days_kept() == 365
    read(cast, 120)
    with clock.at(NOON):
        drop_old_readings()
    assert ages(cast, AccountReading) == [[120]] * 3


def test_only_tables_of_readings_are_emptied() -> None:
    assert set(KEPT_FOR_A_WHILE) == {name for name in PARTITIONED if name.endswith("_readings")}


def test_requests_are_kept_for_24_months(cast: Cast) -> None:
    moments = [datetime(2024, 10, 31, 23, tzinfo=UTC), datetime(2024, 11, 1, tzinfo=UTC), NOON]
    with owner():
        ensure_months("usage_events", [moment.date() for moment in moments])
    with tenant_scope(cast.acme), connection.cursor() as cursor:
        for moment in moments:
            cursor.execute(
                "INSERT INTO usage_events (id, occurred_at, key_id, endpoint, feature, priority, outcome, credits,"
                " attempts, latency_ms) VALUES (gen_random_uuid(), %s, 'k', 'userid', 'x', 'x', 'ok', 1, 1, 1)",
                [moment],
            )
    with clock.at(NOON):
        drop_old_partitions()
    with tenant_scope(cast.acme):
        assert sorted(UsageEvent.objects.values_list("occurred_at", flat=True)) == moments[1:]


def test_beat_sends_every_task_of_its_schedule_to_a_task_that_there_is() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert scheduled <= set(app.tasks)
    assert {
        "snapshots.drop_old_readings",
        "snapshots.look_for_orphans",
        "billing.drop_old_partitions",
    } <= scheduled


@pytest.mark.usefixtures("cast")
def test_without_orphans_the_check_says_so() -> None:
    tables = ("account_snapshots", "account_readings", "post_snapshots", "post_readings")
    assert count_orphans() == dict.fromkeys(tables, 0)


def test_rows_of_the_last_days_whose_account_or_post_is_gone_are_counted(cast: Cast) -> None:
    read(cast, 0, 2, 3)
    with tenant_scope(cast.acme):
        TrackedAccount.objects.filter(pk__gt=0)._raw_delete(using="default")
    with tenant_scope(cast.globex):
        Post.objects.all()._raw_delete(using="default")
        assert PostSnapshot.objects.exists()
    with clock.at(NOON):
        look_for_orphans()
        found = count_orphans()
    # Of three days, two are looked at. Posts of Acme went with their account: the database itself holds that link.
    assert (found["account_snapshots"], found["account_readings"]) == (2, 2)
    assert (found["post_snapshots"], found["post_readings"]) == (4, 4)
    assert values(ask().content)["tikdash_orphans{table=account_readings}"] == 2


def test_a_row_that_points_at_another_tenants_account_has_no_owner(cast: Cast) -> None:
    with tenant_scope(cast.rival):
        theirs = make_account()
    with tenant_scope(cast.acme), clock.at(NOON):
        AccountReading.objects.create(account_id=theirs.pk, measured_at=NOON)
        assert count_orphans()["account_readings"] == 1
