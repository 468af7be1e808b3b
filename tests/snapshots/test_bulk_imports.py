"""Adding many handles: what would happen, what happens, and what that leaves to others."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.selectors import TenantRef
from accounts.services.pausing import pause_tenant
from billing.models import Plan
from snapshots.handle_lists import read_list
from snapshots.models import FetchJob, ImportBatch, TrackedAccount
from snapshots.scheduling.dispatch import claim_these
from snapshots.services.accounts import clean_wish, request_tracking
from snapshots.services.imports import cancel_import, import_progress, plan_import, start_import
from snapshots.services.jobs import run_jobs
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.queries import assert_at_most, statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.scope import owner, tenant_scope
from tikdash.errors import BadInput

PAGE = "/accounts/bulk/"
CHOICE = {"reason": "competitor", "tags": ""}


def start(tenant: TenantRef, text: str, **changes: Any) -> int:
    return start_import(**{"tenant": tenant, "token": uuid4(), "rows": read_list(text)} | CHOICE | changes)


def run(tenant: TenantRef, batch_id: int) -> None:
    ids = [row["job"] for row in ImportBatch.objects.get(pk=batch_id).rows if "job" in row]
    run_jobs(tenant, [job.id for job in claim_these(tenant, ids)])


def checks() -> Any:
    return FetchJob.objects.filter(kind="probe")


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def set_places(plan: str, places: int) -> None:
    with owner():
        Plan.objects.filter(code=plan).update(tracked_accounts=places)


def test_a_dry_run_says_what_becomes_of_each_row_and_stores_nothing(acme: TenantRef, ana: Client) -> None:
    make_account("lena.bakes")
    make_job(None, "probe", params={"handle": "pending.one", "reason": "own", "tags": []}, cadence_s=None)
    handles = "@new.one, own, bread\nlena.bakes\nNEW.ONE\n=1+1\nvic,friend\npending.one\nhttps://vm.tiktok.com/x"
    page = text_of(ana.post(PAGE, {"handles": handles, "reason": "partner"}))
    for part in (
        "@new.one", "own · bread", "It is tracked already.", "It stands in the list already.",
        "“=1+1” is not a TikTok handle", "Choose a reason: own, competitor or partner.", "It is being checked already.",
        "Short links do not say whose they are", "Track 1 account</button>", "of 7 rows",
    ):  # fmt: skip
        assert part in page, part
    assert checks().count() == 1 and not ImportBatch.objects.exists()


def test_the_cost_and_the_time_are_said_first(acme: TenantRef) -> None:
    plan = plan_import(tenant=acme, rows=read_list("\n".join(f"user.{n}" for n in range(50))), **CHOICE)
    with owner():
        of_plan = Plan.objects.get(code="pro")
    pages = -(-of_plan.posts_kept_fresh // 30)
    assert (plan.new, plan.places) == (50, of_plan.tracked_accounts)
    assert plan.credits == 50 * (2 + pages)
    assert plan.minutes == -(-plan.credits // of_plan.requests_per_minute) and plan.waits == ""


def test_handles_that_the_plan_has_no_room_for_are_refused_and_the_others_are_not(acme: TenantRef) -> None:
    set_places("pro", 3)
    make_account()
    batch = start(acme, "one.one\ntwo.two\nthree.three\nfour.four")
    rows = import_progress(batch).rows
    assert [row.state for row in rows] == ["waiting", "waiting", "failed", "failed"]
    assert rows[2].text == "All 3 accounts of the Pro plan would be in use."
    assert checks().count() == 2
    # What is still being checked takes places, too.
    assert plan_import(tenant=acme, rows=read_list("five.five"), **CHOICE).places == 0


def test_checks_are_done_in_the_queue_of_the_plan_and_so_are_the_first_posts(
    real_acme: TenantRef, upstream: Caller
) -> None:
    batch = start(real_acme, "lena.bakes,own,bread\nnobody.here\nnorthbay.coffee")
    assert set(checks().values_list("queue", "priority")) == {("pro", 0)}
    run(real_acme, batch)
    found = import_progress(batch)
    assert [(row.handle, row.state) for row in found.rows] == [
        ("lena.bakes", "done"), ("nobody.here", "failed"), ("northbay.coffee", "done"),
    ]  # fmt: skip
    assert "TikTok knows no @nobody.here" in found.rows[1].text
    account = TrackedAccount.objects.get(username="lena.bakes")
    assert (account.pk, account.tracked_reason, account.tags) == (found.rows[0].account_id, "own", ["bread"])
    jobs = FetchJob.objects.filter(account__isnull=False)
    assert not jobs.filter(queue="interactive").exists()
    assert jobs.filter(kind="posts", next_due_at__lte=clock.now(), lease_until=None).count() == 2


def test_the_same_form_sent_twice_is_one_list(acme: TenantRef) -> None:
    token = uuid4()
    first, second = (start(acme, "one.one\ntwo.two", token=token) for _ in range(2))
    assert first == second
    assert checks().count() == 2 and ImportBatch.objects.count() == 1


def test_a_list_without_anything_new_makes_nothing(acme: TenantRef) -> None:
    make_account("lena.bakes")
    with pytest.raises(BadInput, match="nothing to track"):
        start(acme, "lena.bakes\n=1")
    assert not checks().exists() and not ImportBatch.objects.exists()


def test_what_has_not_begun_can_be_called_off(acme: TenantRef) -> None:
    batch = start(acme, "one.one\ntwo.two\nthree.three")
    running = checks().order_by("id").first()
    checks().filter(pk=running.pk).update(lease_until=clock.now() + timedelta(minutes=5), started_at=clock.now())
    assert cancel_import(batch) == 2
    assert cancel_import(batch) == 0
    found = import_progress(batch)
    assert Counter(row.state for row in found.rows) == {"waiting": 1, "cancelled": 2}
    assert claim_these(acme, checks().values_list("pk", flat=True)) == []


def test_a_person_who_adds_one_handle_is_served_before_a_list(acme: TenantRef) -> None:
    start(acme, "\n".join(f"user.{n}" for n in range(100)))
    check = request_tracking(tenant=acme, wish=clean_wish(handle="lena.bakes", reason="own", tags=""))
    assert list(checks().filter(queue="interactive").values_list("pk", flat=True)) == [check]


def test_the_page_of_a_list_outlives_the_day_and_is_forgotten_after_a_month(acme: TenantRef, noon: datetime) -> None:
    batch = start(acme, "one.one")
    checks().update(state="refused", error="no")
    for days, kept in ((2, True), (31, False)):
        with clock.at(noon + timedelta(days=days)):
            start(acme, f"after.{days}")
            request_tracking(tenant=acme, wish=clean_wish(handle=f"one.{days}", reason="own", tags=""))
            assert ImportBatch.objects.filter(pk=batch).exists() is kept
            assert checks().filter(state="refused").exists() is kept


def test_pages_follow_a_list_to_its_end(acme: TenantRef, ana: Client) -> None:
    form = {"handles": "one.one\n=bad\ntwo.two", "reason": "own", "tags": "bread", "confirmed": "1"}
    answer = ana.post(PAGE, form | {"token": str(uuid4())})
    address = answer["Location"]
    assert re.fullmatch(r"/accounts/bulk/\d+/", address)
    page = text_of(ana.get(address))
    assert "1 of 3</b> done" in page and 'hx-trigger="every 2s"' in page and "Call off the rest" in page
    piece = text_of(ana.get(address, headers={"hx-request": "true"}))
    assert piece.startswith("<section") and "<html" not in piece
    assert ana.post(f"{address}cancel/").status_code == 302
    page = text_of(ana.get(address))
    assert "3 of 3</b> done" in page and "every 2s" not in page and "called off" in page
    lines = ana.get(f"{address}not-added.csv").content.decode().splitlines()
    assert lines[0] == "handle,line,why" and lines[2].startswith("'=bad,2,\"“=bad” is not a TikTok handle")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"handles": ""}, "The list is empty."),
        ({"handles": "\n".join(f"u{n}" for n in range(501))}, "more than 500 handles"),
        ({"handles": "lena.bakes", "reason": "friend"}, "Choose a reason"),
        ({"handles": "lena.bakes", "tags": ",".join(f"t{n}" for n in range(11))}, "at most 10 tags"),
        ({"handles": "lena.bakes", "confirmed": "1", "token": "nonsense"}, "This form is too old."),
        ({"file": b"PK\x03\x04"}, "a spreadsheet, not CSV"),
        ({"file": "lena,é".encode("latin-1")}, "not in UTF-8"),
        ({"file": b"lena.bakes\n" * 50_000}, "more than 500 handles"),
        ({"file": b"lena.bakes\n" * 200_000}, "larger than 1 MB"),
    ],
)
def test_what_cannot_be_used_gets_its_sentence_beside_the_field(
    acme: TenantRef, ana: Client, form: dict[str, Any], sentence: str
) -> None:
    if "file" in form:
        form = form | {"file": SimpleUploadedFile("list.csv", form["file"])}
    answer = ana.post(PAGE, form)
    assert answer.status_code == 422 and sentence in text_of(answer)
    assert not checks().exists()


def test_a_file_takes_the_place_of_the_list(acme: TenantRef, ana: Client) -> None:
    file = SimpleUploadedFile("list.csv", "handle\nfrom.file".encode("utf-16"))
    page = text_of(ana.post(PAGE, {"handles": "from.field", "file": file}))
    assert "@from.file" in page and "@from.field" not in page


def test_markup_in_a_list_is_text(acme: TenantRef, ana: Client) -> None:
    page = text_of(ana.post(PAGE, {"handles": "</textarea><script>alert(1)</script>", "tags": "<i>"}))
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_while_fetching_is_paused_a_list_is_looked_at_and_not_begun(cast: Cast, noon: datetime) -> None:
    pause_tenant(slug="acme", reason="Maintenance.")
    ana = browser_of(cast.ana, "acme.localhost")
    assert "Maintenance." in text_of(ana.post(PAGE, {"handles": "lena.bakes"}))
    answer = ana.post(PAGE, {"handles": "lena.bakes", "confirmed": "1", "token": str(uuid4())})
    assert answer.status_code == 422 and "Maintenance." in text_of(answer)
    with tenant_scope(cast.acme):
        assert not checks().exists()


def test_500_handles_cost_the_same_few_questions_as_five(acme: TenantRef) -> None:
    def statements(rows: int) -> list[str]:
        text = "\n".join(f"of.{rows}.{n}" for n in range(rows))
        return statements_of(lambda: import_progress(start(acme, text)))

    set_places("pro", 1_000)
    statements(3)  # what is looked up once a process, or once a while, is known from here on
    few, many = statements(5), statements(490)
    assert len(many) == len(few)
    assert_at_most(14, few)
