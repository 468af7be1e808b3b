"""`updated_since`: a list as a copy follows it, with what is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from snapshots.analytics.following import GOOD_FOR, Followed, gone_since, is_good, marker_now
from tikdash import clock
from tikdash.api import paging
from tikdash.api.errors import MarkerTooOld
from tikdash.api.parameters import Param
from tikdash.api.shapes import page_of
from tikdash.api.views import Resource
from tikdash.errors import BadInput

START = "start"
SINCE = Param(
    "updated_since",
    "`start`, or the marker of the last page that you read: what changed since, and what is gone. Only `limit` and"
    " `cursor` go with it.",
    most=500,
)
ALONE = frozenset({"updated_since", "cursor", "limit"})
#: Rows of a page, their shown form, and the key of the last one.
Read = Callable[[Resource, int | None, Any, int], tuple[Followed, list[dict[str, Any]], Any]]


class Tombstone(serializers.Serializer):
    """An account that is gone from your sight, with all its posts: drop both before you take the rows."""

    account_id = serializers.IntegerField()
    deleted_at = serializers.DateTimeField()


def FollowedPage(shape: type[serializers.Serializer]) -> type[serializers.Serializer]:  # noqa: N802  (a shape)
    """The page of a list that can be followed."""
    return page_of(
        shape,
        deleted=Tombstone(many=True, help_text="Only with `updated_since`."),
        updated_since=serializers.CharField(
            allow_null=True, help_text="On the last page of a round: the marker to send the next time. Otherwise null."
        ),
    )


def follow(view: Resource, read: Read, *, metrics: Mapping[str, int]) -> Response:
    """One page of a round. A round has one marker, of its first page, however long it takes.

    First what is gone, then the rows. Raises BadInput for other parameters and for a marker that is none,
    MarkerTooOld.
    """
    given = set(view.request._request.GET)
    if given - ALONE:
        name = sorted(given - ALONE)[0]
        raise BadInput("This does not go with updated_since, which gives all rows whole.", field=name)
    since, most = marker_of(view, view.query["updated_since"]), view.query["limit"]
    phase, after, mark = view.place or ["gone", 0, None]
    deleted: list[dict[str, Any]] = []
    if mark is None:
        # Before anything else is read, so that nothing falls between.
        mark = marker_now()
    if phase == "gone" and since is not None:
        found = gone_since(tenant_id=view.tenant.id, since=since, tags=view.identity.tags, after=after, most=most)
        deleted = [{"account_id": each.account_id, "deleted_at": each.at} for each in found]
        if len(found) == most:
            return _page(view, [], deleted, ["gone", found[-1].account_id, mark], None, metrics)
    page, rows, last = read(view, since, after if phase == "rows" else None, most)
    if page.is_last:
        return _page(view, rows, deleted, None, write_marker(view, mark), metrics)
    return _page(view, rows, deleted, ["rows", last, mark], None, metrics)


def marker_of(view: Resource, text: str) -> int | None:
    """The marker that was sent, None for the beginning. Raises BadInput, MarkerTooOld."""
    if text == START:
        return None
    since, made = paging.read(text, tenant_id=view.tenant.id, of=_of(view), name="updated_since")
    age = clock.now() - paging.moment(made)
    if not timedelta(days=-1) < age < GOOD_FOR or not is_good(since):
        raise MarkerTooOld
    return int(since)


def write_marker(view: Resource, mark: int) -> str:
    """What the partner sends the next time."""
    return paging.write([mark, clock.now()], tenant_id=view.tenant.id, of=_of(view))


def _of(view: Resource) -> str:
    """A marker is good for the same reach: a token for other tags has seen other rows."""
    return "since:" + ",".join(sorted(view.identity.tags))


def _page(
    view: Resource,
    rows: list[dict[str, Any]],
    deleted: list[dict[str, Any]],
    next_key: Any,
    marker: str | None,
    metrics: Mapping[str, int],
) -> Response:
    as_of = max((row["as_of"] for row in rows if row["as_of"]), default=None)
    return view.page(rows, next_key, metrics=metrics, as_of=as_of, deleted=deleted, updated_since=marker)
