"""Dead jobs are listed by cause over all shards, and come back alone, by group or all, one behind the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from accounts.selectors import TenantRef
from snapshots.models import FetchJob
from snapshots.services.dead_letters import DeadGroup, dead_groups, retry_dead
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.tikdash.test_commands import data_of, error_of, manage
from tikdash.db.scope import tenant_scope


def make_dead(tenant: TenantRef, count: int, when: datetime, **fields: Any) -> list[int]:
    facts = {"state": "dead", "attempts": 10, "error_code": "upstream_down", "error": "It was down."} | fields
    with tenant_scope(tenant):
        return [
            make_job(make_account(), facts.get("kind", "profile"), failed_at=when + timedelta(minutes=n),
                     **{name: value for name, value in facts.items() if name != "kind"}).pk
            for n in range(count)
        ]  # fmt: skip


@pytest.fixture
def dead(cast: Cast, noon: datetime) -> dict[str, list[int]]:
    return bury(cast, noon)


def bury(cast: Cast, noon: datetime) -> dict[str, list[int]]:
    """Six dead jobs of three tenants with one cause, two of Acme with another."""
    day = timedelta(days=1)
    return {
        "acme": make_dead(cast.acme, 3, noon - 3 * day),
        "acme posts": make_dead(cast.acme, 2, noon - day, kind="posts", error_code="bad_payload", error="Not JSON."),
        "rival": make_dead(cast.rival, 2, noon - 2 * day, error="Still down."),
        "globex": make_dead(cast.globex, 1, noon - day, error="Down in the end."),
    }


def states(tenant: TenantRef) -> list[tuple[str, int]]:
    with tenant_scope(tenant):
        return list(FetchJob.objects.order_by("id").values_list("state", "attempts"))


def test_groups_are_by_cause_and_kind_over_all_shards_with_the_newest_sentence(
    cast: Cast, dead: dict[str, list[int]], noon: datetime
) -> None:
    day = timedelta(days=1)
    assert dead_groups() == [
        DeadGroup("upstream_down", "profile", 6, 3, noon - 3 * day, noon - day, "Down in the end."),
        DeadGroup("bad_payload", "posts", 2, 1, noon - day, noon - day + timedelta(minutes=1), "Not JSON."),
    ]
    assert [group.jobs for group in dead_groups(tenant=cast.rival)] == [2]
    assert [group.kind for group in dead_groups(code="bad_payload")] == ["posts"]
    assert dead_groups(kind="sound") == []


def test_a_group_comes_back_with_no_failures_and_nothing_else_does(
    cast: Cast, dead: dict[str, list[int]], noon: datetime
) -> None:
    assert retry_dead(code="upstream_down", kind="profile") == 6
    assert states(cast.acme) == [("active", 0)] * 3 + [("dead", 10)] * 2
    assert states(cast.rival) == [("active", 0)] * 2
    assert states(cast.globex) == [("active", 0)]
    assert retry_dead(code="upstream_down", kind="profile") == 0


def test_single_jobs_come_back_within_their_tenant(cast: Cast, dead: dict[str, list[int]]) -> None:
    [job_id] = dead["globex"]
    assert retry_dead(ids=[job_id, *dead["acme"]], tenant=cast.globex) == 1
    assert states(cast.acme) == [("dead", 10)] * 5
    with pytest.raises(ValueError, match="one shard"):
        retry_dead(ids=[job_id])
    assert retry_dead(ids=dead["acme"][:1], schema="shared") == 1


def test_all_come_back_one_a_second_and_many_within_minutes(cast: Cast, noon: datetime) -> None:
    make_dead(cast.acme, 40, noon)
    assert retry_dead() == 40
    with tenant_scope(cast.acme):
        dues = list(FetchJob.objects.order_by("failed_at").values_list("next_due_at", flat=True))
        assert dues[0] == noon
        assert {after - before for before, after in pairwise(dues)} == {timedelta(seconds=1)}
        FetchJob.objects.update(state="dead")
    assert retry_dead(spread_s=10) == 40
    with tenant_scope(cast.acme):
        dues = list(FetchJob.objects.order_by("failed_at").values_list("next_due_at", flat=True))
    assert dues == sorted(dues) and len(set(dues)) == 40
    assert timedelta(seconds=9) < dues[-1] - noon < timedelta(seconds=10)


def test_the_command_lists_and_retries(committed_db: Cast, noon: datetime) -> None:
    bury(committed_db, noon)
    listed = manage("dead").stdout
    assert "6  profile: upstream_down, 3 tenants" in listed
    assert "Not JSON." in listed
    done = data_of(manage("dead", "--code", "bad_payload", "--retry", "--json"))
    assert (done["retried"], [group["jobs"] for group in done["groups"]]) == (2, [2])
    assert "Active again: 3 jobs." in manage("dead", "--tenant", "acme", "--retry").stdout
    assert manage("dead", "--tenant", "acme").stdout.strip() == "No dead jobs."
    assert "There is no tenant" in error_of(manage("dead", "--tenant", "nobody"))
