"""An account's posts, sorted by any metric and paged by key: a page costs the same however many posts there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from snapshots.picture_names import address_of
from tikdash import clock
from tikdash.db.scope import prepared_cursor
from tikdash.errors import BadInput
from tikdash.ui import numbers
from tikdash.words import N_, gettext

ROWS_A_PAGE = 25


def ranked(counter: str) -> str:
    """A counter of the post `p` as its index has it: never given is below nothing.

    By CASE: row-level security takes COALESCE for leaky and would keep the condition of a page from the index.
    """
    return f"CASE WHEN p.{counter} IS NULL THEN -1 ELSE p.{counter} END"


@dataclass(frozen=True)
class Column:
    """A column of the table: its name in the address, its heading, and what its index has of the post `p`."""

    key: str
    label: str
    expression: str
    numeric: bool = True


COLUMNS = {
    column.key: column
    for column in (
        Column("plays", N_("Views"), ranked("play_count")),
        Column("diggs", N_("Likes"), ranked("digg_count")),
        Column("comments", N_("Comments"), ranked("comment_count")),
        Column("shares", N_("Shares"), ranked("share_count")),
        Column("collects", N_("Saves"), ranked("collect_count")),
        Column("posted_at", N_("Age"), "p.posted_at", numeric=False),
    )
}
DEFAULT_SORT = "-posted_at"

#: Attribute of a row ← column of the table.
POST_COLUMNS = {
    "id": "id",
    "aweme_id": "aweme_id",
    "title": "title",
    "kind": "kind",
    "pinned": "pinned",
    "posted_at": "posted_at",
    "deleted_at": "deleted_at",
    "duration": "duration_s",
    "plays": "play_count",
    "diggs": "digg_count",
    "comments": "comment_count",
    "shares": "share_count",
    "collects": "collect_count",
    "as_of": "measured_at",
    "cover_file": "cover_file",
}
PAGE = f"""
    SELECT {", ".join(POST_COLUMNS.values())}, {{expression}},
           (SELECT count(*) FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s)
      FROM posts p
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s {{after}}
     ORDER BY {{expression}} {{way}}, id {{way}}
     LIMIT %(limit)s
"""


TOTAL = "SELECT count(*) FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s"
ONE = f"""
    SELECT {", ".join(POST_COLUMNS.values())} FROM posts
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND id = %(post)s
"""


class PostRow(NamedTuple):
    """One post with its newest counters."""

    id: int
    aweme_id: str
    title: str
    kind: str
    pinned: bool
    posted_at: datetime
    deleted_at: datetime | None
    duration: int | None
    plays: int | None
    diggs: int | None
    comments: int | None
    shares: int | None
    collects: int | None
    as_of: datetime
    tiktok_url: str
    cover_file: str

    @property
    def age_text(self) -> str:
        """How long ago it was posted, as text."""
        return numbers.age(self.posted_at, clock.now())

    @property
    def cover_url(self) -> str:
        """Where our copy of the cover is; empty without one."""
        return address_of(self.cover_file)


@dataclass(frozen=True)
class PostsPage:
    """`next_key` and `previous_key` are what `after=` and `before=` take to go on; None at an end."""

    rows: list[PostRow]
    total: int
    sort: str
    next_key: str | None
    previous_key: str | None


def posts_page(
    *, tenant_id: int, account_id: int, handle: str, sort: str = DEFAULT_SORT, after: str = "", before: str = ""
) -> PostsPage:
    """One page of an account's posts behind the row `after`, or in front of the row `before`.

    The tenant is named although row-level security adds it, so that the planner takes the index that leads with it.
    Raises BadInput for a sort or a key that does not exist.
    """
    column = COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        raise BadInput(
            gettext("Posts cannot be sorted by “{sort}”. Choose one of: {choices}.").format(
                sort=sort[:40], choices=", ".join(COLUMNS)
            )
        )
    descending, backwards = sort.startswith("-"), bool(before)
    key = _read_key(column, before or after)
    falling = descending != backwards
    statement = PAGE.format(
        expression=column.expression,
        way="DESC" if falling else "ASC",
        after=f"AND ({column.expression}, id) {'<' if falling else '>'} (%(value)s, %(id)s)" if key else "",
    )
    parameters: dict[str, Any] = {"tenant": tenant_id, "account": account_id, "limit": ROWS_A_PAGE + 1}
    if key:
        parameters |= {"value": key[0], "id": key[1]}
    with prepared_cursor(binary=True) as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchall()
        if found or not key:
            total = found[0][-1] if found else 0
        else:
            cursor.execute(TOTAL, parameters)
            total = cursor.fetchone()[0]
    more, found = len(found) > ROWS_A_PAGE, found[:ROWS_A_PAGE]
    if backwards:
        found.reverse()
    rows = [_row(row, handle) for row in found]
    has_next, has_previous = (True, more) if backwards else (more, bool(after))
    return PostsPage(
        rows,
        total,
        sort,
        _write_key(found[-1]) if rows and has_next else None,
        _write_key(found[0]) if rows and has_previous else None,
    )


def one_post(*, tenant_id: int, account_id: int, handle: str, post_id: int) -> PostRow | None:
    """One post of an account; None where the account has no such post."""
    with connection.cursor() as cursor:
        cursor.execute(ONE, {"tenant": tenant_id, "account": account_id, "post": post_id})
        row = cursor.fetchone()
    return None if row is None else _row(row, handle)


def _row(row: tuple[Any, ...], handle: str) -> PostRow:
    aweme_id, kind = row[1], row[3]
    values = dict(zip(POST_COLUMNS, row, strict=False))
    return PostRow(
        **values,
        tiktok_url=f"https://www.tiktok.com/@{handle}/{kind}/{aweme_id}",
    )


def _write_key(row: tuple[Any, ...]) -> str:
    value = row[len(POST_COLUMNS)]
    if isinstance(value, datetime):
        # Microseconds, exactly: a float would lose the last ones and show a row twice.
        since = value - datetime(1970, 1, 1, tzinfo=UTC)
        value = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return f"{value}.{row[0]}"


def _read_key(column: Column, text: str) -> tuple[Any, int] | None:
    if not text:
        return None
    try:
        value, row_id = (int(part) for part in text.split("."))
        if not (-(2**63) <= value < 2**63 and 0 <= row_id < 2**63):
            raise ValueError
        if column.key == "posted_at":
            return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000), row_id
    except (ValueError, OverflowError, OSError):
        raise BadInput(gettext("This page of the list does not exist. Start again from the first page.")) from None
    return value, row_id
