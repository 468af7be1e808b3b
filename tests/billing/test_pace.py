"""The slow limiter: without Redis a key's requests are spaced by PostgreSQL's clock, over all processes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from billing.models import KeyPace
from billing.pace import pace
from tests.cast import Cast
from tests.e2e.stack import wait_for
from tests.environment import DATABASE, ROOT
from tests.threads import at_once
from tikdash.db.scope import all_tenants, owner, tenant_scope


@pytest.fixture(autouse=True)
def _no_paces(committed_db: Cast) -> None:
    KeyPace.objects.all().delete()


def pass_seconds(seconds: float) -> None:
    """What waiting would do: the next turn is nearer."""
    KeyPace.objects.update(next_at=F("next_at") - timedelta(seconds=seconds))


def test_the_first_request_goes_at_once_and_the_next_one_a_space_later() -> None:
    assert pace.wait_ms("shared", 6) == 0
    assert 9_900 < pace.wait_ms("shared", 6) <= 10_000
    pass_seconds(4)
    assert 5_900 < pace.wait_ms("shared", 6) <= 6_000
    pass_seconds(6)
    assert pace.wait_ms("shared", 6) == 0


def test_who_has_to_wait_takes_nothing() -> None:
    pace.wait_ms("shared", 6)
    for _ in range(20):
        pace.wait_ms("shared", 6)
    pass_seconds(10)
    assert pace.wait_ms("shared", 6) == 0


def test_a_long_rest_is_no_reason_for_a_burst() -> None:
    pace.wait_ms("shared", 6)
    pass_seconds(3_600)
    assert pace.wait_ms("shared", 6) == 0
    assert pace.wait_ms("shared", 6) > 9_900


def test_each_key_has_its_own_pace() -> None:
    assert pace.wait_ms("shared", 6) == 0
    assert pace.wait_ms("own-7", 6) == 0
    assert pace.wait_ms("own-7", 6) > 0


@pytest.mark.parametrize("known", [True, False], ids=["a key that is known", "a new key"])
def test_of_many_at_once_one_goes_and_all_others_are_told_how_long(committed_db: Cast, known: bool) -> None:
    if known:
        pace.wait_ms("shared", 6)
        pass_seconds(10)
    waits = at_once([lambda: pace.wait_ms("shared", 6)] * 12)
    assert sorted(wait == 0 for wait in waits) == [False] * 11 + [True]
    assert all(wait == 0 or 9_000 < wait <= 10_000 for wait in waits)


def test_who_was_overtaken_while_asking_waits_a_whole_space(committed_db: Cast) -> None:
    pace.wait_ms("shared", 6)
    pass_seconds(15)
    with (
        psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=DATABASE) as other,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=DATABASE, autocommit=True) as watcher,
    ):
        other.execute("UPDATE key_paces SET next_at = clock_timestamp() + interval '10 s'")
        overtaken = pool.submit(lambda: at_once([lambda: pace.wait_ms("shared", 6)]))
        wait_for(
            lambda: watcher.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND query LIKE '%%key_paces%%' AND datname = %s",
                [DATABASE],
            ).fetchone(),
            "the lock",
        )
        other.commit()
        assert overtaken.result(30) == [10_000]


def test_two_processes_share_one_pace(committed_db: Cast) -> None:
    ask = "import django; django.setup(); from billing.pace import pace; print(pace.wait_ms('shared', 6))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ask], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tikdash.settings"},
        )
        for _ in range(2)
    ]  # fmt: skip
    waits = sorted(int(process.communicate(timeout=60)[0]) for process in processes)
    assert waits[0] == 0 < waits[1]


def test_it_works_in_every_scope_and_in_none(committed_db: Cast) -> None:
    scopes = [tenant_scope(committed_db.acme), tenant_scope(committed_db.globex), all_tenants("shared"), owner()]
    for number, scope in enumerate(scopes):
        with scope:
            assert pace.wait_ms(f"key-{number}", 6) == 0


def test_it_refuses_to_be_part_of_a_transaction_because_a_rollback_would_give_the_turn_back(committed_db: Cast) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        pace.wait_ms("shared", 6)
    assert not KeyPace.objects.exists()


def test_the_log_in_role_may_use_the_table_and_owns_it_not() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(current_user, 'public.key_paces', 'INSERT, UPDATE'), tableowner"
            "  FROM pg_tables WHERE tablename = 'key_paces'"
        )
        assert cursor.fetchone() == (True, "tikdash_owner")
