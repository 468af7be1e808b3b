"""Writing through the API: tracking, changing, stopping, refreshing, notes; and what is sent twice is done once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEntry, KeptAnswer
from accounts.services.repeating import answered_once, forget_answers
from snapshots.models import FetchJob, ImportBatch
from tests.api.asking import Partner, partner
from tests.api.test_door import refused
from tests.cast import Cast
from tests.factories import make_account, make_job
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope


@pytest.fixture
def ours(cast: Cast) -> Partner:
    return partner(cast.acme)


def checks(cast: Cast) -> list[str]:
    with tenant_scope(cast.acme):
        return sorted(FetchJob.objects.filter(kind="probe").values_list("params__handle", flat=True))


def test_a_handle_is_checked_and_the_token_stands_in_the_log(cast: Cast, ours: Partner) -> None:
    answer = ours.post("accounts", {"handle": "@Lena.Bakes", "reason": "own", "tags": ["bakery"]})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["handle"], body["state"], body["account_id"]) == ("lena.bakes", "pending", None)
    assert answer["Location"] == body["url"] == f"/api/v1/accounts/checks/{body['id']}"
    assert ours.get(f"accounts/checks/{body['id']}").json() == body
    with tenant_scope(cast.acme):
        entry = AuditEntry.objects.get(event="account.requested")
    assert entry.actor_kind == "token" and entry.actor_label.startswith("Reporting (tkd_")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "handle"), ({"handle": ""}, "handle"), ({"handle": "a\x00b"}, "handle"),
        ({"handle": "x" * 300}, "handle"), ({"handle": "lena", "reason": "fun"}, "reason"),
        ({"handle": "lena", "tags": "bakery"}, "tags"), ({"handle": "lena", "tags": [1, {}]}, "tags.1"),
        ({"handle": "lena", "tags": ["x" * 41]}, "tags.0"), ({"handle": ["lena"]}, "handle"),
    ],
)  # fmt: skip
def test_what_cannot_be_tracked_is_said_at_its_field(
    cast: Cast, ours: Partner, body: dict[str, Any], field: str
) -> None:
    assert field in refused(ours.post("accounts", body), 400, "bad_input")["errors"]
    assert checks(cast) == []


def test_an_account_that_is_tracked_already_is_409(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        make_account("lena")
    refused(ours.post("accounts", {"handle": "lena"}), 409, "limit_reached")


def test_many_are_planned_first_and_then_checked(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        make_account("lena")
    rows = [{"handle": "one"}, {"handle": "lena"}, {"handle": "ONE"}, {"handle": "no handle"}, {"handle": "two"}]
    plan = ours.post("accounts/bulk", {"accounts": rows, "dry_run": True})
    assert plan.status_code == 200 and checks(cast) == []
    body = plan.json()
    assert (body["new"], [row["state"] for row in body["rows"]]) == (2, ["new", "tracked", "twice", "bad", "new"])
    begun = ours.post("accounts/bulk", {"accounts": rows, "reason": "partner", "tags": ["list"]})
    assert begun.status_code == 202 and checks(cast) == ["one", "two"]
    batch = begun.json()
    assert (batch["total"], batch["waiting"], batch["failed"]) == (5, 2, 3)
    assert ours.get(f"accounts/bulk/{batch['id']}").json() == batch
    called_off = ours.send("DELETE", f"accounts/bulk/{batch['id']}").json()
    assert called_off["cancelled"] == 2 and called_off["waiting"] == 0
    refused(ours.post("accounts/bulk", {"accounts": []}), 400, "bad_input")
    refused(ours.post("accounts/bulk", {"accounts": [{"handle": "x"}] * 501}), 400, "bad_input")


def test_reason_tags_and_pause_are_changed_one_by_one(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena", tags=["a"])
        make_job(account)
    path = f"accounts/{account.pk}"
    assert ours.send("PATCH", path, {"reason": "own"}).json()["reason"] == "own"
    assert ours.send("PATCH", path, {"tags": ["b", "b", " c "]}).json()["tags"] == ["b", "c"]
    assert ours.send("PATCH", path, {"paused": True}).json()["status"] == "paused"
    body = ours.send("PATCH", path, {"paused": False}).json()
    assert (body["status"], body["reason"], body["tags"]) == ("active", "own", ["b", "c"])
    with tenant_scope(cast.acme):
        assert AuditEntry.objects.filter(event="account.changed").count() == 2
    refused(ours.send("PATCH", path, {"reason": "fun"}), 400, "bad_input")
    refused(ours.send("PATCH", "accounts/999999", {"reason": "own"}), 404, "not_found")


def test_a_stopped_account_is_gone_and_can_be_had_back(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
    stopped = ours.send("DELETE", f"accounts/{account.pk}").json()
    refused(ours.get(f"accounts/{account.pk}"), 404, "not_found")
    refused(ours.send("DELETE", f"accounts/{account.pk}"), 404, "not_found")
    assert ours.post(f"removals/{stopped['removal_id']}/undo").json() == {"accounts": 1}
    assert ours.get(f"accounts/{account.pk}").status_code == 200


def test_new_numbers_are_asked_for_and_awaited(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
        for kind in ("profile", "posts"):
            make_job(account, kind, next_due_at=clock.now() + timedelta(hours=1))
    path = f"accounts/{account.pk}/refresh"
    assert ours.get(path).json()["allowed"] is True
    answer = ours.post(path)
    assert answer.status_code == 202 and answer.json()["pending"] is True
    again = ours.post(path)
    refused(again, 409, "limit_reached")
    assert int(again["Retry-After"]) > 0


def test_notes_are_written_changed_and_removed(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
    path = f"accounts/{account.pk}/notes"
    today = clock.today().isoformat()
    written = ours.post(path, {"date": today, "text": "Campaign began"})
    assert written.status_code == 201
    note = written.json()
    assert ours.get(path).json()["data"] == [note]
    changed = ours.send("PUT", f"{path}/{note['id']}", {"date": today, "text": "Campaign ended"})
    assert changed.json()["text"] == "Campaign ended"
    assert ours.send("DELETE", f"{path}/{note['id']}").status_code == 204
    assert ours.get(path).json()["data"] == []
    refused(ours.post(path, {"date": "2199-01-01", "text": "x"}), 400, "bad_input")
    refused(ours.send("PUT", f"{path}/{note['id']}", {"date": today, "text": "x"}), 404, "not_found")


def test_the_same_request_with_a_key_is_done_once(cast: Cast, ours: Partner) -> None:
    key = {"idempotency-key": "order-1"}
    first = ours.post("accounts", {"handle": "lena"}, **key)
    again = ours.post("accounts", {"handle": "lena"}, **key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first
    assert checks(cast) == ["lena"]
    refused(ours.post("accounts", {"handle": "max"}, **key), 422, "key_reused")
    refused(ours.post("accounts/bulk", {"handle": "lena"}, **key), 422, "key_reused")
    assert checks(cast) == ["lena"]
    # Another token's key is another key.
    other = partner(cast.acme).post("accounts", {"handle": "other"}, **key)
    assert other.status_code == 202 and "Idempotent-Replayed" not in other
    assert checks(cast) == ["lena", "other"]


def test_a_key_is_good_for_a_day_and_holds_nothing_that_can_be_read(cast: Cast, ours: Partner) -> None:
    key = {"idempotency-key": "order-1"}
    ours.post("accounts", {"handle": "lena"}, **key)
    with tenant_scope(cast.acme):
        kept = KeptAnswer.objects.get()
        assert "lena" not in kept.answer and "order-1" not in str(vars(kept))
        KeptAnswer.objects.update(created_at=clock.now() - timedelta(hours=25))
    answer = ours.post("accounts", {"handle": "max"}, **key)
    assert answer.status_code == 202 and "Idempotent-Replayed" not in answer
    with tenant_scope(cast.acme):
        KeptAnswer.objects.update(created_at=clock.now() - timedelta(hours=25))
    assert forget_answers() == 1


def test_what_was_refused_can_be_sent_again(cast: Cast, ours: Partner) -> None:
    key = {"idempotency-key": "order-1"}
    refused(ours.post("accounts", {"handle": ""}, **key), 400, "bad_input")
    assert ours.post("accounts", {"handle": "lena"}, **key).status_code == 202
    for bad in ("x" * 256, "ä"):
        refused(ours.post("accounts", {"handle": "max"}, **{"idempotency-key": bad}), 400, "bad_input")


def test_of_two_at_once_the_second_is_told_so(committed_db: Cast) -> None:
    """The first has begun and not committed: the second neither waits nor does it again."""
    cast = committed_db
    ours, key = partner(cast.acme), {"idempotency-key": "order-1"}
    inside, go_on, answers = threading.Event(), threading.Event(), []

    def slow() -> Any:
        inside.set()
        assert go_on.wait(20)
        return ours.client.get("/api/v1/nothing")

    def first() -> None:
        with all_tenants():
            token = _token_id(ours)
        with tenant_scope(cast.acme):
            from hashlib import sha256

            path = b"/api/v1/accounts\n" + b'{"handle":"lena"}'
            answers.append(
                answered_once(token_id=token, key="order-1", fingerprint=sha256(path).hexdigest(), work=slow)
            )
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    second = ours.post("accounts", {"handle": "lena"}, **key)
    go_on.set()
    thread.join()
    refused(second, 409, "conflict")
    assert ours.post("accounts", {"handle": "lena"}, **key).status_code == 202


def _token_id(ours: Partner) -> int:
    from accounts.models import ApiToken

    return int(ApiToken.objects.get(key=ours.raw.split("_")[1]).pk)


def test_a_write_that_fails_keeps_no_answer(cast: Cast, ours: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had done by then is undone with it."""

    def breaks(_batch_id: int) -> None:
        raise RuntimeError("after the rows were made")

    monkeypatch.setattr("snapshots.api.writing.import_progress", breaks)
    sent = {"accounts": [{"handle": "lena"}]}
    refused(ours.post("accounts/bulk", sent, **{"idempotency-key": "k"}), 500, "error")
    with tenant_scope(cast.acme):
        assert not KeptAnswer.objects.exists() and not ImportBatch.objects.exists()
    assert checks(cast) == []
