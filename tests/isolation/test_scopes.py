"""What a session sees is what its scope allows, whatever happened to its transaction or its connection before."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from accounts.selectors import TenantRef
from snapshots.models import FetchJob, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post, make_post_snapshot, make_snapshots
from tikdash.db.errors import MissingSchema, ScopeChanged
from tikdash.db.rls import tables_of
from tikdash.db.scope import all_tenants, current_scope, no_scope, owner, tenant_scope


def names() -> set[str]:
    return set(TrackedAccount.objects.values_list("username", flat=True))


def fill(cast: Cast) -> None:
    """One account of each tenant, named after it, with a post and a snapshot."""
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account(tenant.slug)
            make_snapshots(account, [1, 2])
            make_post_snapshot(make_post(account))


@pytest.fixture
def filled(cast: Cast) -> Cast:
    fill(cast)
    return cast


@pytest.fixture
def committed(committed_db: Cast) -> Cast:
    fill(committed_db)
    return committed_db


def test_each_tenant_sees_its_own_rows_and_no_other(filled: Cast) -> None:
    for tenant in filled.tenants:
        with tenant_scope(tenant):
            assert names() == {tenant.slug}


def test_outside_of_any_scope_no_table_with_tenant_id_shows_a_row(filled: Cast) -> None:
    shown = {}
    for schema in ("public", "shared"):
        with all_tenants(schema):
            tables = [t["name"] for t in tables_of(connection, schema) if t["has_tenant"] and not t["is_partition"]]
        with no_scope(), connection.cursor() as cursor:
            for table in tables:
                if table in ("domains", "memberships"):
                    continue
                cursor.execute(f'SELECT count(*) FROM "{schema}"."{table}"')
                shown[f"{schema}.{table}"] = cursor.fetchone()[0]
    assert {"shared.accounts", "shared.posts", "shared.post_snapshots", "public.usage_events"} <= shown.keys()
    assert set(shown.values()) == {0}


def test_ops_sees_all_tenants_of_the_shard_it_looks_at_and_of_no_other(filled: Cast) -> None:
    with all_tenants("shared"):
        assert names() == {"acme", "rival"}
    with all_tenants(filled.globex.schema_name):
        assert names() == {"globex"}


def test_writing_another_tenants_id_is_refused_by_the_database(filled: Cast) -> None:
    with tenant_scope(filled.acme):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            make_account("forged", tenant_id=filled.rival.id)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            TrackedAccount.objects.update(tenant_id=filled.rival.id)


def test_writing_without_a_scope_is_refused(filled: Cast) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO shared.accounts (username) VALUES ('nobody')")


def test_a_row_cannot_point_at_another_tenants_account(filled: Cast) -> None:
    with tenant_scope(filled.rival):
        foreign_id = TrackedAccount.objects.get().pk
    with tenant_scope(filled.acme), pytest.raises(IntegrityError), transaction.atomic():
        FetchJob.objects.create(
            account_id=foreign_id, kind="posts", queue="pro", next_due_at="2026-01-01T00:00Z",
            created_at="2026-01-01T00:00Z",
        )  # fmt: skip


@pytest.mark.parametrize("table", ["account_snapshots", "post_snapshots"])
def test_partitions_cannot_be_reached_directly(filled: Cast, table: str) -> None:
    with all_tenants("shared"):
        partitions = [t["name"] for t in tables_of(connection, "shared") if t["is_partition"] and table in t["name"]]
    assert f"{table}_default" in partitions
    for name in partitions:
        for scope in (tenant_scope(filled.acme), all_tenants("shared")):
            with scope, pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f'SELECT * FROM shared."{name}"')


def test_partitions_of_usage_events_cannot_be_reached_directly(filled: Cast) -> None:
    with tenant_scope(filled.acme), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM public.usage_events_default")


def test_the_log_in_role_cannot_make_or_drop_anything(filled: Cast) -> None:
    statements = (
        "CREATE TABLE shared.mine (id int)",
        "DROP TABLE shared.posts",
        "ALTER TABLE posts DISABLE ROW LEVEL SECURITY",
    )
    for statement in statements:
        with tenant_scope(filled.acme), pytest.raises(ProgrammingError), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)


# --- transactions and connections ------------------------------------------------------------------------------------


def test_the_scope_holds_after_a_rollback(committed: Cast) -> None:
    with tenant_scope(committed.acme):
        with pytest.raises(RuntimeError), transaction.atomic(), tenant_scope(committed.rival):
            assert names() == {"rival"}
            raise RuntimeError
        assert names() == {"acme"}


def test_the_scope_holds_when_the_transaction_that_entered_it_is_rolled_back(committed: Cast) -> None:
    with tenant_scope(committed.rival):
        assert names() == {"rival"}
        with tenant_scope(committed.acme):
            with pytest.raises(RuntimeError), transaction.atomic():
                assert names() == {"acme"}
                raise RuntimeError
            # PostgreSQL has undone the settings that were made inside: the session is Rival's again by itself.
            assert names() == {"acme"}


def test_the_scope_holds_after_a_rollback_to_a_savepoint(committed: Cast) -> None:
    with transaction.atomic(), tenant_scope(committed.acme):
        with pytest.raises(RuntimeError), transaction.atomic(), tenant_scope(committed.rival):
            assert names() == {"rival"}
            raise RuntimeError
        assert names() == {"acme"}


def test_the_scope_holds_when_the_savepoint_that_entered_it_is_rolled_back(committed: Cast) -> None:
    with tenant_scope(committed.acme):
        acme = current_scope()
    with transaction.atomic(), tenant_scope(committed.rival):
        with pytest.raises(RuntimeError), transaction.atomic():
            connection.enter_scope(acme)  # as django-tenants' own code does, without leaving it again
            assert names() == {"acme"}
            raise RuntimeError
        assert current_scope() == acme
        assert names() == {"acme"}


def test_an_error_inside_an_inner_scope_can_be_rolled_back_from_the_outer_one(committed: Cast) -> None:
    with transaction.atomic(), tenant_scope(committed.acme):
        assert names() == {"acme"}
        with pytest.raises(DatabaseError), transaction.atomic(), tenant_scope(committed.rival):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        assert names() == {"acme"}


def test_a_failed_commit_does_not_carry_a_scope_over(committed: Cast) -> None:
    with tenant_scope(committed.rival):
        assert names() == {"rival"}
    with tenant_scope(committed.acme):
        with pytest.raises(DatabaseError), transaction.atomic():
            assert names() == {"acme"}
            with connection.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP")
                cursor.execute("INSERT INTO late VALUES (1), (1)")
        assert names() == {"acme"}


def test_the_scope_holds_after_the_connection_was_closed(committed: Cast) -> None:
    def as_rival() -> None:
        with tenant_scope(committed.rival):
            assert names() == {"rival"}
        connection.close()

    with tenant_scope(committed.acme):
        for turn in range(30):
            assert names() == {"acme"}
            connection.close()
            # The pool, which goes round, may now hand out a session that somebody else left behind.
            for _ in range(turn % 3 + 1):
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(as_rival).result()
            assert names() == {"acme"}


def test_the_scope_holds_after_the_server_ended_the_session(committed: Cast) -> None:
    with tenant_scope(committed.acme):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_end_session, pid).result()
        with pytest.raises(DatabaseError):
            names()
        connection.close_if_unusable_or_obsolete()
        assert names() == {"acme"}


def _end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    connection.close()


def test_a_pooled_connection_brings_no_scope_along(committed: Cast) -> None:
    def in_a_fresh_thread() -> tuple[int, int]:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), (SELECT count(*) FROM shared.accounts)")
                return cursor.fetchone()
        finally:
            connection.close()

    with tenant_scope(committed.acme), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), (SELECT count(*) FROM accounts)")
        pid, count = cursor.fetchone()
        assert count == 1
    connection.close()
    seen = []
    for _ in range(30):
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(in_a_fresh_thread).result())
    assert pid in {row[0] for row in seen}, "the pool never gave the first session to another thread"
    assert {row[1] for row in seen} == {0}


def test_a_cursor_that_was_open_before_follows_the_scope(committed: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with tenant_scope(committed.acme):
            cursor.execute("SELECT username FROM accounts")
            assert cursor.fetchall() == [("acme",)]
        cursor.execute("SELECT count(*) FROM shared.accounts")
        assert cursor.fetchone() == (0,)


def test_a_server_side_cursor_is_read_in_its_own_scope_only(committed: Cast) -> None:
    with tenant_scope(committed.acme):
        for number in range(5):
            make_account(f"acme{number}")
        assert len(list(TrackedAccount.objects.iterator(chunk_size=2))) == 6
        rows = TrackedAccount.objects.iterator(chunk_size=2)
        next(rows)
    with tenant_scope(committed.rival), pytest.raises(ScopeChanged):
        list(rows)


def test_scopes_nest_and_are_left_again(filled: Cast) -> None:
    with tenant_scope(filled.acme):
        with all_tenants("shared"):
            assert names() == {"acme", "rival"}
            with tenant_scope(filled.rival):
                assert names() == {"rival"}
            assert names() == {"acme", "rival"}
        assert names() == {"acme"}
    assert current_scope().tenant_id is None


def test_the_owners_hat_is_put_off_again(filled: Cast) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("tikdash_owner",)
    with tenant_scope(filled.acme), connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user")
        assert cursor.fetchone() == ("tikdash", "tikdash")


# --- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["gone_missing", "public; DROP TABLE users", 'x"y', ""])
def test_a_missing_schema_never_falls_through_to_public(filled: Cast, schema: str) -> None:
    class Lost:
        id = filled.acme.id
        schema_name = schema

    with pytest.raises(MissingSchema), transaction.atomic(), tenant_scope(Lost()):
        names()
    assert TrackedAccount.objects.model._meta.db_table == "accounts"


def test_a_table_made_in_a_missing_schema_does_not_land_in_public(committed_db: Cast) -> None:
    with pytest.raises(MissingSchema), owner("gone_missing"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE stray (id int)")
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.stray')")
        assert cursor.fetchone() == (None,)


# --- threads ---------------------------------------------------------------------------------------------------------


def test_two_tenants_in_one_thread_pool_never_mix_in_10_000_switches(committed: Cast) -> None:
    """Threads share pooled sessions; some switches roll back, fail or give the session back."""
    per_task, tasks = 250, 40

    def switch(seed: int) -> int:
        draw = random.Random(seed)
        mixed = 0
        try:
            for _ in range(per_task):
                tenant: TenantRef = draw.choice([committed.acme, committed.rival])
                with tenant_scope(tenant):
                    mixed += names() != {tenant.slug}
                    mischief = draw.random()
                    if mischief < 0.1:
                        with pytest.raises(RuntimeError), transaction.atomic(), tenant_scope(committed.globex):
                            names()
                            raise RuntimeError
                        mixed += names() != {tenant.slug}
                    elif mischief < 0.15:
                        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                            cursor.execute("SELECT 1 / 0")
                        mixed += names() != {tenant.slug}
                    elif mischief < 0.2:
                        connection.close()
                        mixed += names() != {tenant.slug}
        finally:
            connection.close()
        return mixed

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(switch, range(tasks))) == 0
