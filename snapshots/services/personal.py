"""Kinds of personal data in tenants' tables: what is exported of a person at TikTok, and how it is erased.

Statements run in the ops role over all tenants of a shard. A person's own accounts come last: what belongs to them is
found by them, so that a run that was killed finds the rest again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import connection

from accounts.services.personal import (
    PUBLIC,
    Kind,
    Row,
    blank_texts,
    blanked,
    delete_rows,
    named_in,
    parameters,
    rows_of,
    texts_of,
)
from snapshots.pictures.files import drop_file
from snapshots.scheduling.sharing import forget_shared
from snapshots.services.sights import SAY_OF
from tikdash.tiklive.people import Person

#: A handle may be another person's by now, so it counts only where nothing tells by an id who bore it.
BORE = "(lower(t.{name}) = ANY(%(handles)s) AND (t.{id} = '' OR cardinality(%(ids)s::text[]) = 0))"
BY_HANDLE = BORE.format(name="username", id="tiktok_user_id")
IS_PERSON = f"(t.tiktok_user_id = ANY(%(ids)s) OR t.sec_uid = ANY(%(sec_uids)s) OR {BY_HANDLE})"
ACCOUNTS = f"SELECT t.id FROM accounts t WHERE {IS_PERSON}"
OF_ACCOUNT = f"t.account_id IN ({ACCOUNTS})"
OF_POST = f"t.post_id IN (SELECT p.id FROM posts p WHERE p.account_id IN ({ACCOUNTS}))"
WROTE = f"(t.author_id = ANY(%(ids)s) OR {BORE.format(name='author_username', id='author_id')})"
FOLLOWS = f"(t.tiktok_user_id = ANY(%(ids)s) OR {BY_HANDLE})"
IS_CHECK = "(t.kind = 'probe' AND lower(t.params->>'handle') = ANY(%(handles)s))"
IS_TAG = "t.name = ANY(%(handles)s)"
OF_TAG = f"t.hashtag_id IN (SELECT t.id FROM hashtags t WHERE {IS_TAG})"
FILES = {
    "accounts": ("avatar_file", IS_PERSON),
    "posts": ("cover_file", OF_ACCOUNT),
    "stories": ("cover_file", OF_ACCOUNT),
}
#: Texts of others in which a person may be named. Words in titles follow by a trigger.
TEXTS = {
    "accounts": ("nickname", "bio"),
    "posts": ("title",),
    "stories": ("title",),
    "comments": ("text", "author_nickname"),
    "audience_members": ("nickname",),
    "account_notes": ("text",),
    "value_decisions": ("reason",),
    "sounds": ("title", "author"),
    "fetch_jobs": ("error", "cursor", "why"),
}
BLANK_LISTS = """
    UPDATE import_batches t SET rows = (
        SELECT coalesce(jsonb_agg(
                   CASE WHEN lower(each->>'handle') = ANY(%(handles)s)
                             OR lower(ltrim(each->>'typed', '@ ')) = ANY(%(handles)s)
                        THEN each || '{"handle": "", "typed": ""}' ELSE each END), '[]')
          FROM jsonb_array_elements(t.rows) AS each)
     WHERE EXISTS (SELECT FROM jsonb_array_elements(t.rows) AS each
                    WHERE lower(each->>'handle') = ANY(%(handles)s)
                          OR lower(ltrim(each->>'typed', '@ ')) = ANY(%(handles)s))
"""


def _tables(*tables: tuple[str, str]) -> tuple[Callable[[Person], Iterator[Row]], Callable[[Person], int]]:
    """Exporter and eraser of whole rows: tables in the order in which they are deleted, each with its condition."""

    def export(person: Person) -> Iterator[Row]:
        for table, condition in tables:
            yield from rows_of(table, condition, person)

    def erase(person: Person) -> int:
        return sum(delete_rows(table, condition, person) for table, condition in tables)

    return export, erase


def _pictures(person: Person) -> Iterator[Row]:
    for table, (column, condition) in FILES.items():
        for row in rows_of(table, f"t.{column} <> '' AND {condition}", person):
            yield {"table": "files", "tenant_id": row["tenant_id"], "file": row[column]}


def _erase_pictures(person: Person) -> int:
    """The files themselves, then their names: a run that was killed in between finds the names again."""
    files = [row["file"] for row in _pictures(person)]
    for name in files:
        drop_file(name)
    for table, (column, condition) in FILES.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} t SET {column} = '' WHERE t.{column} <> '' AND {condition}", parameters(person)
            )
    return len(files)


def _comments(person: Person) -> Iterator[Row]:
    """What the person wrote; what others wrote under the person's posts is about them."""
    yield from rows_of("comments", WROTE, person)


def _erase_comments(person: Person) -> int:
    return delete_rows("comments", f"{WROTE} OR {OF_POST} OR {OF_ACCOUNT}", person)


def _audience(person: Person) -> Iterator[Row]:
    yield from rows_of("audience_members", FOLLOWS, person)


def _erase_audience(person: Person) -> int:
    """The rows, and those of samples of the person's own audience; how many rows of a sample bear a flag stays."""
    return delete_rows("audience_members", f"{FOLLOWS} OR {OF_ACCOUNT}", person)


def _mentions(person: Person) -> Iterator[Row]:
    for table, columns in TEXTS.items():
        yield from texts_of(table, columns, "id", person)
    for row in rows_of("accounts", "t.tags && %(handles)s::varchar[]", person):
        yield {"table": "accounts", "row": row["id"], "tenant_id": row["tenant_id"], "column": "tags"}


def _erase_mentions(person: Person) -> int:
    texts = sum(blank_texts(table, columns, person) for table, columns in TEXTS.items())
    with connection.cursor() as cursor:
        cursor.execute(SAY_OF.format(gone="NULL", which="t.tags && %(handles)s::varchar[]"), parameters(person))
        cursor.execute(
            "UPDATE accounts t SET tags = ARRAY(SELECT tag FROM unnest(t.tags) AS tag WHERE tag <> ALL(%(handles)s))"
            " WHERE t.tags && %(handles)s::varchar[]",
            parameters(person),
        )
        return texts + int(cursor.rowcount)


def _lists(person: Person) -> Iterator[Row]:
    for row in rows_of("import_batches", named_in("rows"), person):
        yield {"table": "import_batches", "row": row["id"], "tenant_id": row["tenant_id"], "at": row["created_at"]}


def _erase_lists(person: Person) -> int:
    with connection.cursor() as cursor:
        cursor.execute(BLANK_LISTS, parameters(person))
        changed = int(cursor.rowcount)
        # What is left of it in sentences.
        cursor.execute(
            f"UPDATE import_batches t SET rows = {blanked('rows', json=True)} WHERE {named_in('rows')}",
            parameters(person),
        )
        return changed + int(cursor.rowcount)


def _erase_jobs(person: Person) -> int:
    deleted = delete_rows("fetch_jobs", f"{OF_ACCOUNT} OR {IS_CHECK}", person)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE fetch_jobs t SET params = {blanked('params', json=True)} WHERE {named_in('params')}",
            parameters(person),
        )
        return deleted + int(cursor.rowcount)


def _jobs(person: Person) -> Iterator[Row]:
    yield from rows_of("fetch_jobs", f"{OF_ACCOUNT} OR {IS_CHECK} OR {named_in('params')}", person)


def _shared(person: Person, *, really: bool) -> list[str]:
    return forget_shared(sorted(person.ids), really=really)


def _export_shared(person: Person) -> Iterator[Row]:
    for _id in _shared(person, really=False):
        yield {"table": "Redis", "key": "creators that several workspaces track"}


_accounts = _tables(
    ("account_handles", f"lower(t.username) = ANY(%(handles)s) OR {OF_ACCOUNT}"), ("accounts", IS_PERSON)
)


def _erase_accounts(person: Person) -> int:
    """The rows; copies that partners keep are told that they are gone."""
    with connection.cursor() as cursor:
        cursor.execute(SAY_OF.format(gone="now()", which=IS_PERSON), parameters(person))
        cursor.execute(f"DELETE FROM account_versions t WHERE {OF_ACCOUNT}", parameters(person))
    return _accounts[1](person)


_TRACKING = "showing a customer how accounts that it chose grow"
_UNTIL_STOPPED = "until the workspace stops tracking the account, or is deleted"


def _kind(
    name: str, models: str, *tables: tuple[str, str], purpose: str = _TRACKING, kept: str = _UNTIL_STOPPED
) -> Kind:
    export, erase = _tables(*tables)
    return Kind(name, purpose, kept, export, erase, tuple(f"snapshots.{model}" for model in models.split()))


KINDS = (
    Kind("pictures", _TRACKING, _UNTIL_STOPPED, _pictures, _erase_pictures),
    Kind(
        "comments",
        "showing what is said under posts of tracked accounts",
        _UNTIL_STOPPED,
        _comments,
        _erase_comments,
        ("snapshots.Comment",),
    ),
    Kind(
        "rows of audience samples",
        "estimating how many followers of a tracked account are bots",
        "the newest 12 samples of an account",
        _audience,
        _erase_audience,
        ("snapshots.AudienceMember",),
    ),
    Kind(
        "lists of handles", "tracking many handles at once", "30 days", _lists, _erase_lists, ("snapshots.ImportBatch",)
    ),
    Kind(
        "jobs and checks of handles",
        "fetching what is due",
        "checks 1 day, of lists 30 days; jobs as long as the account is tracked",
        _jobs,
        _erase_jobs,
        ("snapshots.FetchJob",),
    ),
    _kind(
        "numbers of posts",
        "PostSnapshot PostReading PostHashtag",
        ("post_snapshots", OF_POST),
        ("post_readings", OF_POST),
        ("post_hashtags", OF_POST),
        ("post_titles", OF_POST),
        kept="days: as long as the post; readings: READINGS_KEPT_DAYS (90 days), or longer by plan",
    ),
    _kind("decisions on values", "ValueDecision", ("value_decisions", f"{OF_ACCOUNT} OR {OF_POST}")),
    _kind("posts", "Post", ("posts", OF_ACCOUNT)),
    _kind("stories", "Story", ("stories", OF_ACCOUNT)),
    _kind(
        "numbers of accounts",
        "AccountSnapshot AccountReading AudienceSample",
        ("account_snapshots", OF_ACCOUNT),
        ("account_readings", OF_ACCOUNT),
        ("audience_samples", OF_ACCOUNT),
        kept="days: as long as the account is tracked; readings: READINGS_KEPT_DAYS (90 days), or longer by plan",
    ),
    _kind("notes", "AccountNote", ("account_notes", OF_ACCOUNT), purpose="what a customer wrote on an account's chart"),
    Kind(
        "accounts",
        _TRACKING,
        _UNTIL_STOPPED,
        _accounts[0],
        _erase_accounts,
        ("snapshots.TrackedAccount", "snapshots.AccountHandle"),
    ),
    _kind(
        "hashtags that are a person's handle",
        "Hashtag HashtagSnapshot",
        ("hashtag_snapshots", OF_TAG),
        ("post_hashtags", OF_TAG),
        ("hashtags", IS_TAG),
    ),
    Kind(
        "mentions in texts of others",
        "titles, comments, notes and names as they were written",
        "as long as the text",
        _mentions,
        _erase_mentions,
        ("snapshots.Sound",),
    ),
    Kind(
        "creators that several workspaces track",
        "fetching once what several workspaces need",
        "2 days",
        _export_shared,
        lambda person: len(_shared(person, really=True)),
        where=PUBLIC,
    ),
)
WITHOUT = {
    "snapshots.AccountSight": "numbers of accounts, and when each was stopped or tagged",
    "snapshots.AccountVersion": "numbers of accounts, each with a random one",
    "snapshots.Removal": "numbers of accounts that are about to be deleted",
    "snapshots.SoundSnapshot": "how many videos use a sound",
}
