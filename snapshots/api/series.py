"""An account's numbers over time: a counter day by day, all daily rows, metrics made of its posts; rows in bulk."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from snapshots.analytics.daily_rows import days_of_account, lines_of_days
from snapshots.analytics.deltas import Deltas, deltas
from snapshots.analytics.engagement import summary
from snapshots.analytics.following import marker_now
from snapshots.analytics.metrics import ACCOUNT_COLUMNS, METRICS
from snapshots.analytics.states import trust
from snapshots.api import shapes
from snapshots.api.following import SINCE, marker_of, write_marker
from snapshots.api.numbers import number
from snapshots.api.reach import require_account, require_if_limited
from snapshots.api.rows import ACCOUNT_METRICS
from tikdash import clock
from tikdash.api.parameters import Param
from tikdash.api.rendering import Ndjson
from tikdash.api.shapes import page_of
from tikdash.api.views import CURSOR, LIMIT, Listing, Resource, answers
from tikdash.errors import BadInput, NotFound
from tikdash.plans import limits_of

LONGEST = 3_660
DAYS = Param("days", "The last so many days, today included; the plan may make it fewer.", "number", default=90,
             least=1, most=LONGEST)  # fmt: skip
FORM = Param(
    "form",
    "`rows`: an object a day; `columns`: arrays of one length, a quarter of the bytes.",
    "choice",
    default="rows",
    choices=["rows", "columns"],
)
FROM = Param("from", "First UTC day of capture, included.", "day", example="2026-11-01")
TO = Param("to", "Last UTC day of capture, included.", "day", example="2026-11-27")
TAG = "Numbers over time"


def days_between(view: Resource, default: int) -> tuple[date, date]:
    """The days that are asked for, as far back as the plan shows. Raises BadInput for a range the wrong way round."""
    last = view.query["to"] or clock.today()
    longest = limits_of(view.tenant).days_shown(LONGEST)
    first = view.query["from"] or last - timedelta(days=default - 1)
    if first > last:
        raise BadInput("The first day is after the last one.", field="from")
    return max(first, clock.today() - timedelta(days=longest - 1)), last


class Growth(Resource):
    """A counter of an account day by day."""

    resource = "accounts"

    @answers(
        "Get a counter day by day",
        shapes.Growth,
        params=[
            Param("metric", "Which counter.", "choice", default="followers", choices=list(ACCOUNT_COLUMNS)),
            DAYS,
            FORM,
        ],
        example={
            "account_id": 12,
            "metric": "followers",
            "version": 1,
            "unit": "count",
            "days": 3,
            "as_of": "2026-11-27T02:14:07Z",
            "n": 2,
            "total": 410,
            "dates": ["2026-11-25", "2026-11-26", "2026-11-27"],
            "values": [47800, None, 48210],
            "changes": [120, None, 410],
            "states": {"2026-11-26": "zeroed"},
        },
        name="accounts_growth",
        tag=TAG,
    )
    def get(self, request: Request, account_id: int) -> Response:
        require_if_limited(self.identity, account_id)
        metric = METRICS[self.query["metric"]]
        days = limits_of(self.tenant).days_shown(self.query["days"])
        found = deltas(account_id=account_id, metric=ACCOUNT_COLUMNS[metric.id], days=days)
        head = {
            "account_id": account_id,
            "metric": metric.id,
            "version": metric.version,
            "unit": metric.unit,
            "days": days,
            "as_of": found.as_of,
            "n": found.n,
            "total": found.total,
        }
        return Response(head | (_columns(found) if self.query["form"] == "columns" else _rows(found)))


def _columns(found: Deltas) -> dict[str, Any]:
    return {
        "dates": [each.day for each in found.days],
        "values": [each.value for each in found.days],
        "changes": [each.change for each in found.days],
        "states": {each.day.isoformat(): each.state for each in found.days if each.state != "ok"},
    }


def _rows(found: Deltas) -> dict[str, Any]:
    return {
        "rows": [
            {"date": each.day, "value": each.value, "change": each.change, "state": each.state} for each in found.days
        ]
    }


class Snapshots(Listing):
    """All counters of an account day by day, as they were read."""

    resource = "accounts"

    @answers(
        "List an account's daily rows",
        page_of(shapes.Snapshot),
        params=[FROM, TO, CURSOR, LIMIT],
        about="The newest first; what TikTok gave, sound or not. For all accounts at once: `/api/v1/snapshots`.",
        name="accounts_snapshots",
        tag=TAG,
    )
    def get(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        first, last = days_between(self, LONGEST)
        most = self.query["limit"]
        before = date.fromisoformat(self.place) if self.place else last + timedelta(days=1)
        found = days_of_account(account_id, first=first, last=last, before=before, most=most + 1)
        rows = [_snapshot(account_id, *row) for row in found[:most]]
        next_key = rows[-1]["date"] if len(found) > most else None
        return self.page(
            rows, next_key, metrics=ACCOUNT_METRICS, as_of=max((row["as_of"] for row in rows), default=None)
        )


def _snapshot(account_id: int, day: date, at: Any, state: int, suspect: str | None, *counters: Any) -> dict[str, Any]:
    known = trust("account", state, suspect)
    return {
        "account_id": account_id,
        "date": day,
        **dict(zip(ACCOUNT_COLUMNS, counters, strict=True)),
        "as_of": at,
        "state": known.state,
        "suspect": known.suspect,
    }


class AllSnapshots(Resource):
    """The daily rows of all accounts in bulk."""

    resource = "accounts"
    renderer_classes = (Ndjson,)

    @answers(
        "Stream the daily rows of all accounts",
        {"type": "string", "description": "A line a row, each the JSON of a Snapshot."},
        params=[FROM, TO, SINCE],
        about="NDJSON: a JSON object a line, in no order, the last 30 days unless `from` says more. With"
        " `updated_since` only what changed since; the header `Updated-Since` has the marker for the next time.",
        media_type="application/x-ndjson",
        errors=[410],
        name="snapshots_stream",
        tag=TAG,
    )
    def get(self, request: Request) -> HttpResponseBase:
        first, last = days_between(self, 30)
        since = marker_of(self, self.query["updated_since"]) if self.query["updated_since"] else None
        # Before the rows are read: what commits meanwhile comes the next time, too.
        marker = write_marker(self, marker_now())
        lines = lines_of_days(tenant=self.tenant, tags=self.identity.tags, first=first, last=last, since=since)
        response = StreamingHttpResponse(lines, content_type="application/x-ndjson")
        response["Updated-Since"] = marker
        response["X-Accel-Buffering"] = "no"
        return response


class Numbers(Resource):
    """The metrics of an account."""

    resource = "accounts"

    @answers("Get an account's metrics", shapes.AccountNumbers, name="accounts_metrics", tag=TAG)
    def get(self, request: Request, account_id: int) -> Response:
        require_if_limited(self.identity, account_id)
        found = summary(tenant_id=self.tenant.id, account_ids=[account_id]).get(account_id)
        if found is None:
            raise NotFound("There is no such account in this workspace.")
        return Response(
            {
                "account_id": account_id,
                "posts": found.posts,
                "days": found.days,
                "numbers": {key: number(value) for key, value in found.values.items()},
                "growth": {str(days): number(each.value) for days, each in found.growth.items()},
            }
        )
