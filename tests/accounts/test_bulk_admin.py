"""Actions on many rows of the administration: asked once more with counts and cost, one by one, by a worker if many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client, RequestFactory, override_settings

from accounts.bulk_page import bulk_actions
from accounts.models import AuditEntry, Tenant
from accounts.services import batches
from accounts.services.auditing import Actor, acting
from accounts.services.batches import begin_batch, go_on_with_batch, progress_of_batch
from tests.accounts.test_staff_roles import of_role
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.snapshots.conftest import browser_of
from tests.staff import staff_with, words_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import Unavailable

LIST = "/admin/accounts/tenant/"
WHY = "Agreed on the phone."
NO_REDIS = "redis://127.0.0.1:9/0"


@pytest.fixture
def olga(cast: Cast) -> Client:
    return browser_of(cast.olga, "localhost")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are many, and a worker notes after each how far it is."""
    monkeypatch.setattr(batches, "AT_ONCE", 1)
    monkeypatch.setattr("accounts.bulk_admin.AT_ONCE", 1)
    monkeypatch.setattr(batches, "PIECE", 1)


def ask(client: Client, action: str, *tenants: Any, path: str = LIST, **data: Any) -> Any:
    return client.post(path, {"action": action, "_selected_action": [one.id for one in tenants]} | data)


def do(client: Client, action: str, *tenants: Any, **data: Any) -> Any:
    return ask(client, action, *tenants, confirmed="1", counted=len(tenants), **data)


def paused() -> set[str]:
    return set(Tenant.objects.filter(fetching_paused_at__isnull=False).values_list("slug", flat=True))


def events(name: str) -> list[AuditEntry]:
    with all_tenants():
        return list(AuditEntry.objects.filter(event=name).order_by("occurred_at", "id"))


def test_every_action_of_every_list_asks_once_more(cast: Cast) -> None:
    """Django's own deletion does; what is ours is a BulkAction, or leads to the page that retries jobs."""
    request = RequestFactory().get("/")
    request.user = cast.olga
    named = set()
    for model_admin in admin.site._registry.values():
        for name, (function, *_rest) in model_admin.get_actions(request).items():
            if function.__module__ == "accounts.bulk_admin":
                named.add(name)
            else:
                assert name in ("delete_selected", "retry"), (model_admin, name)
    assert named == set(bulk_actions())


@pytest.mark.parametrize("action", ["pause_fetching", "resume_fetching", "suspend", "take_suspension_back"])
def test_nothing_is_done_before_it_is_confirmed(cast: Cast, olga: Client, action: str) -> None:
    before = list(Tenant.objects.order_by("pk").values())
    page = ask(olga, action, cast.acme, cast.rival)
    said = words_of(page)
    assert page.status_code == 200 and "2 tenants Acme Talent, Rival Brand" in said and "Back to the list" in said
    assert list(Tenant.objects.order_by("pk").values()) == before and not events("fetching.paused")


def test_it_says_what_it_costs(cast: Cast, olga: Client) -> None:
    with tenant_scope(cast.acme):
        for number in range(3):
            make_job(make_account(), next_due_at=clock.now() - timedelta(minutes=number + 1))
        make_job(make_account(), next_due_at=clock.now() + timedelta(hours=1))
    with tenant_scope(cast.globex):
        make_job(make_account(), next_due_at=clock.now() - timedelta(minutes=1))
    assert "Due now: 4 jobs of at least 4 credits." in words_of(ask(olga, "pause_fetching", cast.acme, cast.globex))
    assert "Due now: 3 jobs of at least 3 credits." in words_of(ask(olga, "suspend", cast.acme, cast.rival))
    do(olga, "pause_fetching", cast.globex, reason=WHY)
    assert "Paused already: 1." in words_of(ask(olga, "pause_fetching", cast.acme, cast.globex))
    resumed = words_of(ask(olga, "resume_fetching", cast.acme, cast.globex))
    assert "Paused: 1." in resumed and "1 job. Their runs cost at least 1 credits." in resumed


def test_taking_suspensions_back_counts_those_that_are_suspended(cast: Cast, olga: Client) -> None:
    for tenant in (cast.acme, cast.globex):
        with tenant_scope(tenant):
            make_job(make_account(), next_due_at=clock.now() - timedelta(minutes=1))
    do(olga, "suspend", cast.globex, reason=WHY)
    asked = words_of(ask(olga, "take_suspension_back", cast.acme, cast.globex))
    assert "Suspended: 1." in asked and "Due now: 1 job. Their runs cost at least 1 credits." in asked


def test_more_rows_than_there_may_be_are_refused_also_when_confirmed(
    cast: Cast, olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.bulk_admin.MOST_ROWS", 1)
    assert "At most 1 rows at once." in words_of(ask(olga, "pause_fetching", cast.acme, cast.rival))
    assert do(olga, "pause_fetching", cast.acme, cast.rival, reason=WHY).status_code == 422
    assert paused() == set()
    assert do(olga, "pause_fetching", cast.acme, reason=WHY).status_code == 302 and paused() == {"acme"}


def test_without_a_reason_nothing_is_done_and_the_form_says_so(cast: Cast, olga: Client) -> None:
    answer = do(olga, "suspend", cast.acme, cast.rival)
    assert answer.status_code == 422 and "Say why: the customer reads the reason." in words_of(answer)
    assert not Tenant.objects.filter(state="suspended").exists()


def test_what_refuses_one_row_is_named_and_the_others_are_done(cast: Cast, olga: Client) -> None:
    do(olga, "suspend", cast.acme, reason=WHY)
    do(olga, "pause_fetching", cast.rival, reason=WHY)
    assert paused() == {"acme", "rival"}
    said = words_of(olga.get(do(olga, "resume_fetching", cast.acme, cast.rival, cast.globex)["Location"]))
    assert "Acme Talent: This workspace is suspended. Take the suspension back first." in said
    assert "Resume fetching: done for 1 tenant, 1 were so already, 1 refused." in said
    assert paused() == {"acme"}


def test_each_row_has_its_entry_and_its_history_and_it_is_staffs(cast: Cast, olga: Client) -> None:
    do(olga, "suspend", cast.acme, cast.rival, reason=WHY)
    noted = events("workspace.suspended")
    assert [one.tenant_id for one in noted] == [cast.acme.id, cast.rival.id]
    assert {(one.actor_kind, one.actor_id, one.reason) for one in noted} == {("staff", cast.olga.pk, WHY)}
    history = LogEntry.objects.filter(object_id=str(cast.rival.id))
    assert [(one.user_id, one.change_message) for one in history] == [(cast.olga.pk, f"Suspend: {WHY}")]


def test_all_rows_of_a_filtered_list_are_those_that_were_counted(cast: Cast, olga: Client) -> None:
    across = {"path": f"{LIST}?plan=pro", "select_across": "1", "index": "0", "reason": WHY}
    asked = words_of(ask(olga, "pause_fetching", cast.acme, **across))
    assert "1 tenant Acme Talent" in asked
    # Somebody else changes the plan of another one meanwhile.
    Tenant.objects.filter(pk=cast.rival.id).update(plan="pro")
    answer = ask(olga, "pause_fetching", cast.acme, **across, confirmed="1", counted=1)
    assert answer.status_code == 422 and "The list has changed meanwhile: it is 2 tenants now." in words_of(answer)
    assert paused() == set()
    assert ask(olga, "pause_fetching", cast.acme, **across, confirmed="1", counted=2)["Location"] == across["path"]
    assert paused() == {"acme", "rival"}


@pytest.mark.usefixtures("many")
def test_of_many_a_worker_does_it_and_the_page_shows_how_far_it_is(cast: Cast, olga: Client) -> None:
    assert "a worker does it" in words_of(ask(olga, "pause_fetching", cast.acme, cast.rival, cast.globex))
    do(olga, "pause_fetching", cast.globex, reason="Before.")
    there = do(olga, "pause_fetching", cast.acme, cast.rival, cast.globex, reason=WHY)["Location"]
    assert paused() == {"globex"}, "the worker has not begun"
    begun = olga.get(there)
    assert "0 of 3" in words_of(begun) and b'hx-trigger="every 2s' in begun.content
    run = there.rstrip("/").rpartition("/")[2]
    with acting(Actor("task", label="accounts.go_on_with_batch")):
        go_on_with_batch(run)
    assert paused() == {"acme", "rival", "globex"}
    piece = olga.get(there, headers={"HX-Request": "true"})
    assert "3 of 3" in words_of(piece) and "done for 2 tenants, 1 were so already" in words_of(piece)
    assert b"<html" not in piece.content and b"hx-trigger" not in piece.content
    by = {(one.actor_kind, one.actor_id) for one in events("fetching.paused")}
    assert by == {("staff", cast.olga.pk)}, "whoever pressed the button has done it"


@pytest.mark.usefixtures("many")
def test_a_run_that_is_killed_goes_on_where_it_was(cast: Cast, olga: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    action = bulk_actions()["pause_fetching"]
    with acting(Actor("staff", cast.olga.pk, cast.olga.email)):
        run = begin_batch(action, [cast.acme.id, cast.rival.id], {"reason": WHY})
    noted = cache.set

    def dies(name: str, *rest: Any) -> None:
        noted(name, *rest)
        raise SystemExit

    with monkeypatch.context() as here:
        here.setattr(cache, "set", dies)
        with pytest.raises(SystemExit):
            go_on_with_batch(run)
    progress = progress_of_batch(run)
    assert progress is not None and (progress.done.rows, progress.is_over) == (1, False) and paused() == {"acme"}
    go_on_with_batch(run)
    go_on_with_batch(run)
    assert [one.tenant_id for one in events("fetching.paused")] == [cast.acme.id, cast.rival.id]


@pytest.mark.usefixtures("many")
def test_a_run_that_meets_an_error_of_ours_says_so(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin_batch(bulk_actions()["pause_fetching"], [cast.acme.id], {})
    with pytest.raises(KeyError):
        go_on_with_batch(run)
    progress = progress_of_batch(run)
    assert progress is not None and progress.is_over and "It stopped at an error (KeyError)" in progress.stopped


@pytest.mark.usefixtures("many")
def test_without_redis_no_worker_is_told_and_the_page_says_so(cast: Cast, olga: Client) -> None:
    caches = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": NO_REDIS}}
    with override_settings(CACHES=caches):
        answer = do(olga, "pause_fetching", cast.acme, cast.rival, reason=WHY)
        assert answer.status_code == 422 and "Redis does not answer" in words_of(answer)
        with pytest.raises(Unavailable):
            progress_of_batch("x")
    assert paused() == set()


@pytest.mark.usefixtures("many")
def test_a_run_is_for_who_may_do_what_it_does(cast: Cast, olga: Client) -> None:
    there = do(olga, "suspend", cast.acme, cast.rival, reason=WHY)["Location"]
    assert olga.get(there).status_code == 200
    assert of_role(cast, "support").get(there).status_code == 403
    assert staff_with("accounts.pause_fetching").get(there).status_code == 403
    assert olga.get("/admin/batches/0123/").status_code == 404
    for person in (cast.ana, cast.nora):
        assert browser_of(person, "localhost").get(there, follow=True).status_code == 404


@pytest.mark.parametrize(
    ("permissions", "possible"),
    [
        (["accounts.view_tenant"], set()),
        (["accounts.view_tenant", "accounts.pause_fetching"], {"pause_fetching", "resume_fetching"}),
        (["accounts.view_tenant", "accounts.change_tenant"], {"suspend", "take_suspension_back"}),
    ],
)
def test_who_may_not_is_neither_offered_nor_obeyed(cast: Cast, permissions: list[str], possible: set[str]) -> None:
    client = staff_with(*permissions)
    page = client.get(LIST).content.decode()
    ours = {"pause_fetching", "resume_fetching", "suspend", "take_suspension_back"}
    assert {name for name in ours if f'value="{name}"' in page} == possible
    for name in ours - possible:
        do(client, name, cast.acme, reason=WHY)
    assert paused() == set() and not Tenant.objects.filter(state="suspended").exists()


def test_of_an_erased_workspace_nothing_can_be_done(cast: Cast, olga: Client) -> None:
    Tenant.objects.filter(pk=cast.rival.id).update(state="erased")
    said = words_of(olga.get(do(olga, "pause_fetching", cast.rival, reason=WHY)["Location"]))
    assert "Nothing of this workspace is left." in said
    assert paused() == set()
