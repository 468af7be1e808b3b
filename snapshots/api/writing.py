"""What a token may have done besides: many handles at once, new numbers now, notes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from snapshots.api import shapes
from snapshots.api.reach import require_account, require_tags
from snapshots.handle_lists import MOST_ROWS, ListedRow
from snapshots.selectors import RefreshState, notes_of, refresh_state
from snapshots.services.imports import (
    ImportPlan,
    ImportProgress,
    cancel_import,
    import_progress,
    plan_import,
    start_import,
)
from snapshots.services.notes import clean_note, edit_note, remove_note, write_note
from snapshots.services.refresh import request_refresh
from tikdash.api.shapes import page_of
from tikdash.api.views import Listing, Resource, answers
from tikdash.errors import BadInput, NotFound

TAG = "Accounts"


class Bulk(Resource):
    """Many handles at once."""

    resource = "accounts"

    @answers(
        "Track many accounts",
        body=shapes.Bulk,
        status={200: shapes.BulkPlan, 202: shapes.Batch},
        about="With `dry_run` 200 and what would become of each row, and nothing is done. Without it 202 and a batch:"
        " a check for every handle that is new; rows that are not say why. Send an `Idempotency-Key`.",
        name="accounts_bulk",
        tag=TAG,
    )
    def post(self, request: Request) -> Response:
        sent = self.sent(shapes.Bulk)
        rows = _listed(sent["accounts"])
        for row in sent["accounts"]:
            require_tags(self.identity, row.get("tags") or sent["tags"])
        wanted: dict[str, Any] = {
            "tenant": self.tenant, "rows": rows, "reason": sent["reason"], "tags": ",".join(sent["tags"]),
        }  # fmt: skip
        if sent["dry_run"]:
            return Response(_plan(plan_import(**wanted)))
        batch_id = start_import(token=uuid4(), **wanted)
        return Response(
            _batch(import_progress(batch_id)), status=202, headers={"Location": _address("api_batch", batch_id)}
        )


def _listed(given: list[dict[str, Any]]) -> list[ListedRow]:
    if not given:
        raise BadInput("Name at least one account.", field="accounts")
    if len(given) > MOST_ROWS:
        raise BadInput(f"Name at most {MOST_ROWS} accounts; send the others in another request.", field="accounts")
    return [
        ListedRow(place, row["handle"], row.get("reason", ""), ",".join(row.get("tags", ())))
        for place, row in enumerate(given)
    ]


def _plan(plan: ImportPlan) -> dict[str, Any]:
    return {
        "dry_run": True,
        "new": plan.new,
        "places": plan.places,
        "credits": plan.credits,
        "minutes": plan.minutes,
        "rows": [
            {"row": row.line, "handle": row.handle or row.typed, "state": row.state, "message": row.text}
            for row in plan.rows
        ],
    }


class Batch(Resource):
    """How far a list is."""

    resource = "accounts"

    @answers("Look how far a list is", shapes.Batch, name="batches_get", tag=TAG)
    def get(self, request: Request, batch_id: int) -> Response:
        return Response(_batch(self._progress(batch_id)))

    @answers(
        "Call a list off",
        shapes.Batch,
        about="Checks that have not begun are not made; what is tracked already stays.",
        name="batches_cancel",
        tag=TAG,
    )
    def delete(self, request: Request, batch_id: int) -> Response:
        self._progress(batch_id)
        cancel_import(batch_id)
        return Response(_batch(import_progress(batch_id)))

    def _progress(self, batch_id: int) -> ImportProgress:
        if self.identity.tags:
            # A list may hold handles of all tags: a token for some of them looks at the accounts.
            raise NotFound("There is no such list. Lists are kept for 30 days.")
        return import_progress(batch_id)


def _batch(found: ImportProgress) -> dict[str, Any]:
    return {
        "id": found.id,
        "created_at": found.created_at,
        "total": found.total,
        "waiting": found.waiting,
        "done": found.done,
        "failed": found.failed,
        "cancelled": found.cancelled,
        "url": _address("api_batch", found.id),
        "rows": [
            {
                "row": row.line, "handle": row.handle or row.typed, "state": row.state, "message": row.text,
                "account_id": row.account_id,
            }
            for row in found.rows
        ],
    }  # fmt: skip


class Refresh(Resource):
    """New numbers of an account now."""

    resource = "accounts"

    @answers("Look whether new numbers are under way", shapes.Refresh, name="accounts_refresh_state", tag=TAG)
    def get(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        return Response(_refresh(account_id, refresh_state(account_id)))

    @answers(
        "Ask for new numbers",
        status={202: shapes.Refresh},
        about="Spends credits of the workspace, and is allowed every few minutes: 409 with `Retry-After` before that.",
        errors=[409, 422],
        name="accounts_refresh",
        tag=TAG,
    )
    def post(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        request_refresh(tenant=self.tenant, account_id=account_id)
        return Response(_refresh(account_id, refresh_state(account_id)), status=202)


def _refresh(account_id: int, state: RefreshState) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "pending": state.pending,
        "allowed": state.allowed,
        "wait_s": state.wait_s,
        "message": state.text,
    }


class Notes(Listing):
    """What was written at days of an account."""

    resource = "accounts"

    @answers("List an account's notes", page_of(shapes.Note), about="The newest day first.", name="notes_list", tag=TAG)
    def get(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        return self.page(_notes(account_id))

    @answers(
        "Write a note", body=shapes.NewNote, status={201: shapes.Note}, name="notes_write", tag=TAG,
        about="It stands at its day in the charts of the account.",
    )  # fmt: skip
    def post(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        sent = self.sent(shapes.NewNote)
        note = clean_note(tenant=self.tenant, day=sent["date"].isoformat(), text=sent["text"])
        author = self.identity.actor.label[:254]
        note_id = write_note(account_id=account_id, author=author, note=note)
        return Response({"id": note_id, "date": note.day, "text": note.text, "author": author}, status=201)


class Note(Resource):
    """One note."""

    resource = "accounts"

    @answers("Change a note", shapes.NewNote, body=shapes.NewNote, name="notes_change", tag=TAG)
    def put(self, request: Request, account_id: int, note_id: int) -> Response:
        require_account(self.identity, account_id)
        sent = self.sent(shapes.NewNote)
        note = clean_note(tenant=self.tenant, day=sent["date"].isoformat(), text=sent["text"])
        edit_note(account_id=account_id, note_id=note_id, note=note)
        return Response({"date": note.day, "text": note.text})

    @answers("Remove a note", status={204: None}, name="notes_remove", tag=TAG)
    def delete(self, request: Request, account_id: int, note_id: int) -> Response:
        require_account(self.identity, account_id)
        remove_note(account_id=account_id, note_id=note_id)
        return Response(status=204)


def _notes(account_id: int) -> list[dict[str, Any]]:
    return [
        {"id": each.id, "date": each.day, "text": each.text, "author": each.author} for each in notes_of(account_id)
    ]


def _address(name: str, *ids: int) -> str:
    return reverse(name, args=ids, urlconf="tikdash.urls_api")
