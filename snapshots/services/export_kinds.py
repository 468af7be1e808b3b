"""Lists of a workspace as whole files, however long they are: accounts, posts and their days.

PostgreSQL writes the rows and they are passed on as they come. Columns are the fields of the API; texts in CSV are made
harmless for spreadsheets by PostgreSQL, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from psycopg import sql

from accounts.services.export_kinds import ExportKind, Making
from snapshots.models.fields import DataState
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.plans import limits_of
from tikdash.ui.cells import RISKY

FORMATS = ("csv", "json", "ndjson")
#: More days than there are of anything.
EVER = 36_500
_STATE = f"CASE s.state {' '.join(f'WHEN {one.value} THEN {one.label!r}' for one in DataState)} END AS data_state"
_ACCOUNT = ("a.id AS account_id", "a.username")


@dataclass(frozen=True)
class Listing:
    """A statement: its columns, those of them that hold what people wrote, and where they come from. `a` are the
    accounts, by whose tags a list may be limited."""

    columns: tuple[str, ...]
    source: str
    texts: tuple[str, ...] = ()

    def statement(self, *, tags: list[str], since: date, harmless: bool) -> str:
        """SELECT, with its values in it, because COPY takes none: only accounts with one of the tags, if there are any,
        and only days from `since` on."""
        columns = ", ".join(_harmless(one) if harmless and _name(one) in self.texts else one for one in self.columns)
        wanted = f"a.tags::text[] && {_literal(tags)}::text[]" if tags else "true"
        source = self.source.replace("TAGS", wanted).replace("{since}", f"{_literal(since)}::date")
        return f"SELECT {columns} FROM {source}"


ACCOUNTS = Listing(
    (
        *_ACCOUNT, "a.tiktok_user_id", "a.sec_uid", "a.nickname", "a.bio", "a.verified", "a.tracked_reason",
        "array_to_string(a.tags, ', ') AS tags", "a.state", "a.follower_count", "a.following_count", "a.heart_count",
        "a.video_count", "a.digg_count", "a.measured_at", "a.tracked_since",
    ),
    "accounts a WHERE TAGS ORDER BY a.id",
    ("nickname", "bio", "tags"),
)  # fmt: skip
POSTS = Listing(
    (
        "p.id AS post_id", *_ACCOUNT, "p.aweme_id", "p.title", "p.kind", "p.duration_s", "p.pinned", "p.sound_id",
        "p.posted_at", "p.first_seen_at", "p.deleted_at", "p.play_count", "p.digg_count", "p.comment_count",
        "p.share_count", "p.collect_count", "p.measured_at",
    ),
    "posts p JOIN accounts a ON a.id = p.account_id WHERE TAGS",
    ("title",),
)  # fmt: skip
ACCOUNT_DAYS = Listing(
    (
        *_ACCOUNT, "s.captured_on", "s.follower_count", "s.following_count", "s.heart_count", "s.video_count",
        "s.digg_count", _STATE,
    ),
    "account_snapshots s JOIN accounts a ON a.id = s.account_id WHERE TAGS AND s.captured_on >= {since}",
)  # fmt: skip
POST_DAYS = Listing(
    (
        "p.id AS post_id", "p.aweme_id", *_ACCOUNT, "s.captured_on", "s.play_count", "s.digg_count", "s.comment_count",
        "s.share_count", "s.collect_count", _STATE,
    ),
    "post_snapshots s JOIN posts p ON p.id = s.post_id JOIN accounts a ON a.id = p.account_id"
    " WHERE TAGS AND s.captured_on >= {since}",
)  # fmt: skip


def write_listings(making: Making, listings: dict[str, Listing]) -> None:
    """One file a listing, in the format that was chosen; days as far back as the plan shows them."""
    chosen = making.parameters.get("format", FORMATS[0])
    tags = list(making.parameters.get("tags", []))
    making.total = len(listings)
    with tenant_scope(making.tenant):
        since = clock.today() - timedelta(days=limits_of(making.tenant).days_shown(EVER))
        for name, listing in listings.items():
            statement = listing.statement(tags=tags, since=since, harmless=chosen == "csv")
            with making.file(f"{name}.{chosen}") as write:
                if chosen == "csv":
                    _write_csv(statement, write)
                else:
                    _write_json(statement, write, is_array=chosen == "json")


def _write_csv(statement: str, write: Callable[[bytes], None]) -> None:
    copy = f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, cursor.copy(copy) as blocks:
        for block in blocks:
            write(bytes(block))


def _write_json(statement: str, write: Callable[[bytes], None], *, is_array: bool) -> None:
    before, between = (b"[", b",\n") if is_array else (b"", b"\n")
    copy = f"COPY (SELECT to_json(t)::text FROM ({statement}) t) TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(copy) as copied:
        for (row,) in copied.rows():
            write(before + str(row).encode())
            before = between
    if is_array:
        write(b"]\n" if before == between else b"[]\n")
    elif before == between:
        write(b"\n")


def _literal(value: object) -> str:
    return sql.Literal(value).as_string(None)


def _name(column: str) -> str:
    return column.rpartition(" AS ")[2].rpartition(".")[2]


def _harmless(column: str) -> str:
    """As `tikdash.ui.cells.harmless`."""
    value, _as, name = column.partition(" AS ")
    is_risky = f"{value} <> '' AND strpos({_literal(RISKY)}, left({value}, 1)) > 0"
    return f"CASE WHEN {is_risky} THEN '''' || {value} ELSE {value} END AS {name or _name(column)}"


def _kind(
    name: str, label: str | Promise, about: str | Promise, listings: dict[str, Listing], resources: tuple[str, ...]
) -> ExportKind:
    return ExportKind(
        name=name, label=label, help=about, write=partial(write_listings, listings=listings), feature="exports",
        formats=FORMATS, resources=resources,
    )  # fmt: skip


EXPORTS = (
    _kind(
        "accounts", _("Accounts"), _("All tracked accounts with their newest numbers."), {"accounts": ACCOUNTS},
        ("accounts",),
    ),
    _kind(
        "posts", _("Posts"), _("All posts of all accounts with their newest numbers."), {"posts": POSTS}, ("posts",)
    ),
    _kind(
        "snapshots", _("Numbers of each day"), _("The numbers of accounts and posts on each day."),
        {"account_snapshots": ACCOUNT_DAYS, "post_snapshots": POST_DAYS}, ("accounts", "posts"),
    ),
)  # fmt: skip
