"""Comments by page, what they sound like, and how often something is mentioned in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from django.db import connection

from snapshots.analytics.sentiment import Sentiment, Tone, summary, tone_of
from tikdash import clock
from tikdash.db.scope import current_tenant_id
from tikdash.errors import BadInput
from tikdash.words import gettext

Order = Literal["newest", "liked"]
LONGEST_QUESTION = 200
ROWS_A_PAGE = 25
#: What a search looks through, and of how many comments the tone is told: the newest ones.
MOST_SEARCHED = 1_000
LONGEST_WEEKS = 53
#: A search costs some work for each account.
MOST_ACCOUNTS = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ORDERS = {"newest": "written_at", "liked": "digg_count"}
#: Of an account the indexes are read in their order; a post has few comments. A value that is missing comes first in
#: the index, so it does in the list.
PAGE = """
    {search}
    SELECT c.id, c.post_id, c.text, c.author_username, c.author_nickname, c.digg_count, c.reply_count, c.written_at,
           c.measured_at, c.{column}, {found_in_all}
      FROM comments c
     WHERE c.tenant_id = %(tenant)s AND {whose} {found} {after}
     ORDER BY c.{column} DESC, c.id DESC
     LIMIT %(limit)s
"""
OF_ACCOUNT, OF_POST = "c.account_id = %(account)s", "c.post_id = %(post)s"
#: The function names the tenant itself, and passes the row security that would keep its index from being used. It is
#: asked once: for the rows, and for whether it stopped at the most.
SEARCH = "WITH found AS MATERIALIZED (SELECT search_comments(%(account)s, %(words)s, %(most)s) AS id)"
FOUND = "AND c.id IN (SELECT id FROM found)"
FOUND_IN_ALL = "(SELECT count(*) FROM found)"
#: A post's few rows are read anyway.
FOUND_IN_POST = """
    AND NOT EXISTS (
        SELECT FROM regexp_split_to_table(lower(normalize(%(words)s, NFKC)), '\\s+') AS word
         WHERE word <> '' AND strpos(lower(normalize(c.text, NFKC)), word) = 0)
"""
TEXTS = """
    SELECT array_agg(text), max(measured_at)
      FROM (SELECT c.text, c.measured_at FROM comments c
             WHERE c.tenant_id = %(tenant)s AND {whose}
             ORDER BY c.written_at DESC, c.id DESC LIMIT %(most)s) newest
"""
WEEKS = """
    WITH found AS MATERIALIZED (
        SELECT a.id AS account_id, s.id
          FROM unnest(%(accounts)s::bigint[]) AS a(id), search_comments(a.id, %(words)s, %(most)s) AS s(id)
    )
    SELECT date_trunc('week', c.written_at AT TIME ZONE 'UTC')::date, count(*), max(c.measured_at),
           EXISTS (SELECT FROM found GROUP BY account_id HAVING count(*) >= %(most)s)
      FROM comments c
     WHERE c.tenant_id = %(tenant)s AND c.id = ANY(ARRAY(SELECT id FROM found)) AND c.written_at >= %(since)s
     GROUP BY 1
"""


@dataclass(frozen=True)
class CommentRow:
    """A comment with its newest counters, its tone, and the post that it stands under."""

    id: int
    post_id: int
    text: str
    author_username: str
    author_nickname: str
    digg_count: int | None
    reply_count: int | None
    written_at: datetime | None
    as_of: datetime
    tone: Tone


@dataclass(frozen=True)
class CommentsPage:
    """`next_key` is what `after` takes to go on, None at the end.

    `capped` says that a search looked at the newest 1,000 comments with these words only.
    """

    rows: list[CommentRow]
    next_key: str | None
    capped: bool


@dataclass(frozen=True)
class Tones:
    """The tone of the newest comments of an account or post, at most 1,000, read until `as_of`."""

    sentiment: Sentiment
    as_of: datetime | None


@dataclass(frozen=True)
class Mentions:
    """How many comments held the words in each week (its Monday, UTC), the oldest week first, empty ones as 0.

    `at_least` says that an account has more of them than are counted, in its older weeks.
    """

    weeks: list[tuple[date, int]]
    total: int
    as_of: datetime | None
    at_least: bool


def comments(
    *,
    account_id: int | None = None,
    post_id: int | None = None,
    words: str = "",
    order: Order = "newest",
    after: str = "",
    most: int = ROWS_A_PAGE,
) -> CommentsPage:
    """One page of the comments of an account or of a post that hold each of `words`, behind the key `after`.

    Raises BadInput for an order or a key that does not exist, and unless either an account or a post is named.
    """
    if order not in _ORDERS:
        raise BadInput(
            gettext("Comments cannot be sorted by “{order}”. Choose newest or liked.").format(order=order[:40])
        )
    column, words = _ORDERS[order], words[:LONGEST_QUESTION].strip()
    whose, parameters = _whose(account_id, post_id)
    condition, key = _after(column, after)
    by_index = words and account_id is not None
    statement = PAGE.format(
        column=column,
        whose=whose,
        after=condition,
        search=SEARCH if by_index else "",
        found=FOUND if by_index else FOUND_IN_POST if words else "",
        found_in_all=FOUND_IN_ALL if by_index else "0",
    )
    parameters |= {"words": words, "most": MOST_SEARCHED, "limit": most + 1} | key
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    capped = bool(rows) and rows[0][10] >= MOST_SEARCHED
    shown = rows[:most]
    next_key = _write_key(shown[-1]) if len(rows) > most else None
    return CommentsPage([CommentRow(*(*row[:9], tone_of(row[2]))) for row in shown], next_key, capped)


def tones(*, account_id: int | None = None, post_id: int | None = None) -> Tones:
    """What the newest comments of an account or post sound like. Raises BadInput unless one of them is named."""
    whose, parameters = _whose(account_id, post_id)
    with connection.cursor() as cursor:
        cursor.execute(TEXTS.format(whose=whose), parameters | {"most": MOST_SEARCHED})
        texts, as_of = cursor.fetchone()
    return Tones(summary(texts or ()), as_of)


def mentions(account_ids: Sequence[int], words: str, weeks: int = 12) -> Mentions:
    """How often comments on the accounts' posts hold each of `words`, by week, this week included.

    Raises BadInput without words, for more than 200 accounts, and for a range that is not 1–53 weeks.
    """
    words = words[:LONGEST_QUESTION].strip()
    if not words:
        raise BadInput(gettext("Type the word to look for, for example the name of a competitor."))
    if len(account_ids) > MOST_ACCOUNTS:
        raise BadInput(
            gettext("Choose at most {most_accounts} accounts to look for mentions in.").format(
                most_accounts=MOST_ACCOUNTS
            )
        )
    if not 1 <= weeks <= LONGEST_WEEKS:
        raise BadInput(gettext("The range must be between 1 and 53 weeks."))
    today = clock.today()
    first = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    parameters: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "accounts": list(account_ids),
        "words": words,
        "most": MOST_SEARCHED,
        "since": datetime(first.year, first.month, first.day, tzinfo=UTC),
    }
    with connection.cursor() as cursor:
        cursor.execute(WEEKS, parameters)
        rows = cursor.fetchall()
    counts = {monday: count for monday, count, _, _ in rows}
    days = (first + timedelta(weeks=week) for week in range(weeks))
    as_of = max((row[2] for row in rows), default=None)
    return Mentions(
        [(day, counts.get(day, 0)) for day in days], sum(counts.values()), as_of, any(row[3] for row in rows)
    )


def _whose(account_id: int | None, post_id: int | None) -> tuple[str, dict[str, Any]]:
    if (account_id is None) == (post_id is None):
        raise BadInput(gettext("Name either an account or a post."))
    ids = {"tenant": current_tenant_id(), "account": account_id, "post": post_id}
    return (OF_POST if account_id is None else OF_ACCOUNT), ids


def _after(column: str, key: str) -> tuple[str, dict[str, Any]]:
    """The condition for rows behind `key` (value or nothing, then the id) and its parameters."""
    if not key:
        return "", {}
    try:
        value, row_id = key.split(".")
        number, last_id = int(value) if value else None, int(row_id)
        if not 0 <= last_id < 2**63 or (number is not None and not -(2**63) <= number < 2**63):
            raise ValueError
        last: Any = number
        if number is not None and column == "written_at":
            last = _EPOCH + timedelta(microseconds=number)
    except (ValueError, OverflowError):
        raise BadInput(gettext("This page of the list does not exist. Start again from the first page.")) from None
    if last is None:
        return f"AND (c.{column} IS NOT NULL OR c.id < %(last_id)s)", {"last_id": last_id}
    return f"AND (c.{column}, c.id) < (%(last)s, %(last_id)s)", {"last": last, "last_id": last_id}


def _write_key(row: tuple[Any, ...]) -> str:
    value = row[9]
    if isinstance(value, datetime):
        value = (value - _EPOCH) // timedelta(microseconds=1)
    return f"{'' if value is None else value}.{row[0]}"
