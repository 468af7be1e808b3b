"""Dead jobs in the admin: by cause over all shards, retried alone, by group or all, with the cost said first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEntry, UpstreamIncident
from snapshots.models import FetchJob
from snapshots.services import retrying
from snapshots.services.retrying import Choice, begin_retry, go_on_with_retry, progress_of_retry
from snapshots.tasks import retry_dead_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_dead_letters import bury, make_dead, states
from tests.staff import staff_with, words_of
from tikdash.db.scope import all_tenants, tenant_scope

JOBS = "/admin/snapshots/fetchjob/"
VIEW, RETRY, MARK = "snapshots.view_fetchjob", "snapshots.retry_fetchjob", "accounts.mark_incident"


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


@pytest.fixture
def dead(cast: Cast, noon: datetime) -> dict[str, list[int]]:
    return bury(cast, noon)


def said(client: Client, answer: Any) -> str:
    """What the page behind a form says."""
    assert answer.status_code == 302, answer.status_code
    return words_of(client.get(answer["Location"]))


def test_causes_are_listed_over_all_shards_with_what_a_retry_costs(olga: Client, dead: dict[str, list[int]]) -> None:
    page = words_of(olga.get(f"{JOBS}dead/"))
    assert "upstream_down profile 6 3" in page and "Down in the end. 6 Retry" in page
    assert "bad_payload posts 2 1" in page and "Retry all of these (8)" in page
    only = words_of(olga.get(f"{JOBS}dead/?code=bad_payload"))
    assert "bad_payload posts" in only and "upstream_down profile" not in only and "Retry all of these (2)" in only


def test_a_group_is_retried_after_its_page_has_said_how_many_and_the_cost(
    cast: Cast, olga: Client, dead: dict[str, list[int]]
) -> None:
    asked = olga.get(f"{JOBS}retry/?code=upstream_down&kind=profile")
    assert "6 dead jobs become active again" in words_of(asked) and "cost at least 6 credits" in words_of(asked)
    assert states(cast.acme) == [("dead", 10)] * 5, "looking changes nothing"
    answer = olga.post(f"{JOBS}retry/", {"code": "upstream_down", "kind": "profile"})
    assert "Active again, one behind the other: 6 jobs." in said(olga, answer)
    assert states(cast.acme) == [("active", 0)] * 3 + [("dead", 10)] * 2 and states(cast.globex) == [("active", 0)]
    with all_tenants():
        noted = {entry.tenant_id: entry for entry in AuditEntry.objects.filter(event="fetching.jobs_retried")}
    assert noted.keys() == {cast.acme.id, cast.rival.id, cast.globex.id}
    assert {(one.actor_kind, one.actor_label) for one in noted.values()} == {("staff", "olga@tikdash.example")}


def test_the_page_says_of_how_many_tenants_whatever_kinds_are_dead_of_each(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    for tenant, kinds in ((cast.acme, ("profile", "posts")), (cast.rival, ("comments",)), (cast.globex, ("posts",))):
        for kind in kinds:
            make_dead(tenant, 1, noon, kind=kind, error_code=f"of_{kind}")
    asked = {"": (4, 3), "?tenant=acme": (2, 1), "?kind=posts": (2, 2), "?code=of_comments": (1, 1)}
    for query, (jobs, tenants) in asked.items():
        page = words_of(olga.get(f"{JOBS}retry/{query}"))
        assert f"{jobs} dead job" in page and f"Tenants concerned: {tenants}." in page, page


def test_ticked_jobs_are_those_of_the_shard_on_the_screen(cast: Cast, olga: Client, dead: dict[str, list[int]]) -> None:
    with tenant_scope(cast.acme):
        lively = make_job(make_account()).pk
    chosen = {"action": "retry", "_selected_action": [*dead["acme posts"], lively]}
    to = olga.post(JOBS, chosen)
    assert "2 dead jobs" in said(olga, to)
    ids = ",".join(map(str, dead["acme posts"]))
    assert "Active again, one behind the other: 2 jobs." in said(olga, olga.post(f"{JOBS}retry/", {"ids": ids}))
    # Globex' only job has a number that a job of the shared shard has, too.
    olga.get("/admin/shard/", {"schema": "tenant_globex"})
    olga.post(f"{JOBS}retry/", {"ids": str(dead["globex"][0])})
    assert states(cast.globex) == [("active", 0)]
    assert ("dead", 10) in states(cast.acme)


@pytest.mark.parametrize("query", ["ids=", "ids=x", "ids=1,x", "tenant=nobody"])
def test_a_choice_that_means_nothing_is_said_in_words(cast: Cast, olga: Client, noon: datetime, query: str) -> None:
    make_dead(cast.acme, 1, noon)
    page = said(olga, olga.get(f"{JOBS}retry/?{query}"))
    assert any(words in page for words in ("None of the jobs", "named by their numbers", "There is no tenant"))
    assert states(cast.acme) == [("dead", 10)]


def test_many_are_a_workers_who_says_how_far_it_is(
    cast: Cast, olga: Client, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dead(cast.acme, 5, noon)
    make_dead(cast.globex, 2, noon)
    monkeypatch.setattr(retrying, "AT_ONCE", 3)
    monkeypatch.setattr("snapshots.admin.jobs.AT_ONCE", 3)
    monkeypatch.setattr(retrying, "PIECE", 2)
    sent: list[str] = []
    monkeypatch.setattr(retry_dead_jobs, "delay", sent.append)
    assert "a worker does it" in words_of(olga.get(f"{JOBS}retry/"))
    to = olga.post(f"{JOBS}retry/")
    assert "0 of 7 jobs are active again. A worker goes on" in said(olga, to)
    assert states(cast.acme) == [("dead", 10)] * 5
    retry_dead_jobs(sent[0])
    piece = olga.get(to["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "7 of 7" in piece.replace("\n", " ") and "It is done." in piece and "hx-get" not in piece
    assert states(cast.acme) == [("active", 0)] * 5 and states(cast.globex) == [("active", 0)] * 2
    with all_tenants():
        noted = AuditEntry.objects.filter(event="fetching.jobs_retried")
        assert {one.actor_label for one in noted} == {"olga@tikdash.example"}, "not the worker"
    retry_dead_jobs(sent[0])
    assert olga.get(f"{JOBS}retry/0123/").status_code == 404


def test_a_run_that_was_killed_goes_on_where_it_was(
    cast: Cast, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dead(cast.acme, 5, noon)
    monkeypatch.setattr(retrying, "PIECE", 2)
    real, calls = retrying.retry_dead, []

    def dies(**chosen: Any) -> int:
        calls.append(chosen)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(**chosen)

    monkeypatch.setattr(retrying, "retry_dead", dies)
    run = begin_retry(Choice())
    with pytest.raises(RuntimeError):
        go_on_with_retry(run)
    progress = progress_of_retry(run)
    assert progress is not None and (progress.done, progress.of, progress.is_over) == (2, 5, True)
    assert "RuntimeError" in progress.said
    assert states(cast.acme).count(("dead", 10)) == 3
    go_on_with_retry(begin_retry(Choice()))
    assert states(cast.acme).count(("active", 0)) == 5


def test_an_outage_is_marked_for_the_charts_of_all_and_noted(cast: Cast, olga: Client, noon: datetime) -> None:
    sent = {"began_at": "2026-11-15T09:00", "ended_at": "2026-11-15T10:30", "note": "TikLiveAPI was down."}
    assert "The outage is marked" in said(olga, olga.post(f"{JOBS}outage/", sent))
    marked = UpstreamIncident.objects.get()
    assert (marked.by_hand, marked.note) == (True, "TikLiveAPI was down.")
    assert marked.ended_at is not None and marked.ended_at - marked.began_at == timedelta(minutes=90)
    with all_tenants():
        assert AuditEntry.objects.get(event="fetching.incident_marked").actor_label == "olga@tikdash.example"
    for wrong, sentence in [
        ({"began_at": ""}, "Say when it began"), ({"began_at": "yesterday"}, "Write times as"),
        ({"began_at": "2027-01-01T00:00"}, "lies in the past"), ({"ended_at": "2026-11-15T08:00"}, "before the begin"),
        ({"note": "x" * 201}, "at most 200"), ({"began_at": "2020-01-01T00:00"}, "within the last"),
    ]:  # fmt: skip
        assert sentence in said(olga, olga.post(f"{JOBS}outage/", sent | wrong)), wrong
    assert UpstreamIncident.objects.count() == 1


def test_each_action_has_its_permission(cast: Cast, noon: datetime) -> None:
    make_dead(cast.acme, 2, noon)
    looks, retries, marks = staff_with(VIEW), staff_with(VIEW, RETRY), staff_with(VIEW, MARK)
    outage = {"began_at": "2026-11-15T09:00"}
    page = looks.get(f"{JOBS}dead/").content.decode()
    assert (
        "Retry" not in words_of(looks.get(f"{JOBS}dead/")).replace("Credits of a retry", "") and "outage/" not in page
    )
    for refused in (
        looks.get(f"{JOBS}retry/"), looks.post(f"{JOBS}retry/"), looks.post(f"{JOBS}outage/", outage),
        looks.get(f"{JOBS}retry/0123/"), retries.post(f"{JOBS}outage/", outage), marks.post(f"{JOBS}retry/"),
        staff_with().get(f"{JOBS}dead/"), staff_with().get(JOBS), staff_with().get(f"{JOBS}export/"),
    ):  # fmt: skip
        assert refused.status_code == 403
    looks.post(JOBS, {"action": "retry", "_selected_action": ["1"]})
    assert states(cast.acme) == [("dead", 10)] * 2 and not UpstreamIncident.objects.exists()
    assert retries.post(f"{JOBS}retry/").status_code == 302 and states(cast.acme) == [("active", 0)] * 2
    assert marks.post(f"{JOBS}outage/", outage).status_code == 302 and UpstreamIncident.objects.exists()


def test_the_pages_have_their_budget_of_statements(cast: Cast, olga: Client, dead: dict[str, list[int]]) -> None:
    cache.clear()
    olga.get(JOBS)
    assert_at_most(14, statements_of(lambda: olga.get(JOBS)))
    assert_at_most(10, statements_of(lambda: olga.get(f"{JOBS}dead/")))
    assert_at_most(10, statements_of(lambda: olga.get(f"{JOBS}retry/")))


def test_jobs_are_filtered_by_cause_kind_tenant_and_state(cast: Cast, olga: Client, dead: dict[str, list[int]]) -> None:
    def count(**query: str) -> int:
        answer = olga.get(JOBS, query)
        assert answer.status_code == 200, query
        return int(answer.context["cl"].result_count)

    assert count() == 7 and count(state__exact="dead") == 7 and count(state__exact="active") == 0
    assert count(cause="bad_payload") == 2 and count(kind__exact="profile") == 5
    assert count(tenant="rival") == 2 and count(tenant="rival", cause="bad_payload") == 0 and count(tenant="no") == 0
    assert count(q="acme") == 5 and count(q="rival upstream_down") == 2 and count(q="bad_payload") == 2
    assert count(q=str(dead["rival"][0])) == 1
    assert FetchJob._meta.permissions
