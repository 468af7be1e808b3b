"""The posts of an account's page: the table, what broke out, and one post's curve in a drawer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from snapshots.analytics import posts as post_analytics
from snapshots.analytics.breakout import (
    Breakout,
    Curve,
    Known,
    age_text,
    breakouts_of,
    curve_of,
    known_of,
)
from snapshots.selectors import awaits_first_posts
from snapshots.web import metric_words
from snapshots.web.export_links import export_links
from snapshots.web.post_card import card, usual
from tikdash import clock
from tikdash.errors import BadInput, NotFound
from tikdash.ui import numbers
from tikdash.ui.htmx import with_query
from tikdash.words import gettext

#: Posts that the overview shows.
FEW = 5
#: The usual curve is that of a post of this age: what is usual at later ages than its own is not read for a post.
SETTLED = timedelta(days=8)
BREAKOUT_DAYS = 90


def table(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    """The context of `_posts_table.html`, sorted and paged as the address says. Raises BadInput."""
    sort = request.GET.get("sort") or post_analytics.DEFAULT_SORT
    page = post_analytics.posts_page(
        tenant_id=request.tenant.id,
        account_id=account_id,
        handle=handle,
        sort=sort,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    ran_ahead = breakouts_of(known_of(request.tenant.id, account_id, BREAKOUT_DAYS)) if page.rows else []
    return _table(request, account_id, page, sort) | {
        "rows": _rows(request, page, {each.post_id: each for each in ran_ahead}),
        "next_url": with_query(request, after=page.next_key, before=None, post=None) if page.next_key else None,
        "previous_url": with_query(request, before=page.previous_key, after=None, post=None)
        if page.previous_key
        else None,
        "shown_text": gettext("{part} of {all}").format(part=len(page.rows), all=numbers.exact(page.total)),
        "breakouts": len(ran_ahead),
        "export": export_links("account_posts_export", {"sort": sort}, account_id=account_id),
    }


def newest(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    """The newest few, for the overview; links lead to the tab of posts."""
    page = post_analytics.posts_page(tenant_id=request.tenant.id, account_id=account_id, handle=handle)
    shown, rows = page.rows[:FEW], _rows(request, page, {})
    return _table(request, account_id, page, post_analytics.DEFAULT_SORT) | {
        "rows": rows[:FEW],
        "page": rows,
        "few": True,
        "all_url": with_query(request, tab="posts"),
        "shown_text": gettext("newest {part} of {all}").format(part=len(shown), all=numbers.exact(page.total)),
    }


def drawer(request: Any, account_id: int) -> dict[str, Any] | None:
    """The card of the post that the address opens; None where it opens none. Raises BadInput and NotFound."""
    text = request.GET.get("post", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadInput(gettext("There is no such post. Open one from the list."))
    shown = card(request.tenant.id, int(text))
    if shown["row"].account_id != account_id:
        raise NotFound(gettext("There is no such post of this account."))
    place = {name: request.GET.get(name) for name in ("after", "before")}
    return shown | {"close_url": with_query(request, post=None, **place)}


def usual_of_account(rows: list[dict[str, Any]], known: Known) -> dict[str, Any] | None:
    """What is usual for the account: what its newest post that is a week old is measured by. None without posts."""
    if not rows:
        return None
    old = (row["post"] for row in rows if clock.now() - row["post"].posted_at >= SETTLED)
    found = curve_of(known, next(old, rows[-1]["post"]).id)
    return usual(
        Curve(found.post_id, [], found.usual, found.n, found.as_of, found.reason), gettext("Usual views by age")
    )


def _table(request: Any, account_id: int, page: post_analytics.PostsPage, sort: str) -> dict[str, Any]:
    return {
        "total": page.total,
        "awaited": not page.total and awaits_first_posts(account_id),
        "columns": [_column(request, column, sort) for column in post_analytics.COLUMNS.values()],
        "as_of": max((row.as_of for row in page.rows), default=None),
    }


def _rows(request: Any, page: post_analytics.PostsPage, ran_ahead: dict[int, Breakout]) -> list[dict[str, Any]]:
    place = {name: request.GET.get(name) for name in ("after", "before")}
    return [
        {
            "post": row,
            "url": with_query(request, tab="posts", post=row.id, **place),
            "badge": _badge(ran_ahead.get(row.id)),
        }
        for row in page.rows
    ]


def _badge(found: Breakout | None) -> dict[str, str] | None:
    if found is None:
        return None
    if found.multiple is None or found.age is None:
        return {"words": gettext("late breakout"), "text": found.text}
    at = age_text(found.age / timedelta(seconds=1))
    return {
        "words": gettext("{times} at {age}").format(times=metric_words.times(found.multiple), age=at),
        "text": found.text,
    }


def _column(request: Any, column: post_analytics.Column, sort: str) -> dict[str, Any]:
    active, descending = sort.removeprefix("-") == column.key, sort.startswith("-")
    key = column.key if active and descending else f"-{column.key}"
    return {
        "key": column.key,
        "label": gettext(column.label),
        "numeric": column.numeric,
        "url": with_query(request, tab="posts", sort=key, post=None),
        "active": active,
        "direction": "descending" if descending else "ascending",
    }
