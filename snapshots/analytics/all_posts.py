"""The posts of all accounts of a tenant: filtered, sorted by any metric, paged by key, in one statement.

There is no index over all posts of a tenant by each metric: every reading of a post would have to write all of them.
Each account's posts are read from the account's own index, and only as far as the page reaches: a look at the first few
of each account says what its last row is at least. Filters that may name few posts (words, a hashtag, a sound) are
looked up first where that look finds too few; what comments say always is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import connection

from snapshots.analytics.posts import PostRow, ranked
from snapshots.analytics.sounds import OF_ARTIST
from snapshots.picture_names import address_of
from tikdash.db.scope import prepared_cursor
from tikdash.errors import BadInput, NotFound
from tikdash.words import N_, gettext

ROWS_A_PAGE = 50
#: Of a hashtag or sound that more posts use, the last stored so many are looked at; of words in titles, any so many.
MOST_USES = 20_000
#: A search of comments costs some work for each account.
MOST_SEARCHED_ACCOUNTS, MOST_COMMENTS = 200, 1_000

#: How many posts of all accounts the first look takes, at least a few of each: without a filter, with one, and with
#: words, a hashtag or a sound, because what is rare is looked up sooner than found that way.
LOOKED_AT, LOOKED_AT_IF_FILTERED, LOOKED_AT_FOR_HITS, FEWEST_LOOKED_AT = 200, 10_000, 3_000, 3


@dataclass(frozen=True)
class Column:
    """A column of the list: its name in the address, the metric that defines it, and the expression it sorts by."""

    key: str
    label: str
    metric_id: str
    expression: str
    type: str = "bigint"


COLUMNS = {
    column.key: column
    for column in (
        Column("plays", N_("Views"), "plays", ranked("play_count")),
        Column("er", "ER", "er_views_post", "p.er", "float8"),
        Column("diggs", N_("Likes"), "diggs", ranked("digg_count")),
        Column("comments", N_("Comments"), "comments", ranked("comment_count")),
        Column("shares", N_("Shares"), "shares", ranked("share_count")),
        Column("collects", N_("Saves"), "collects", ranked("collect_count")),
        Column("posted_at", N_("Age"), "", "p.posted_at", "timestamptz"),
    )
}
#: What a filter can set a least value of.
MEASURED = tuple(key for key in COLUMNS if key != "posted_at")
DEFAULT_SORT = "-posted_at"

FIELDS = """
    p.id, p.aweme_id, p.title, p.kind, p.pinned, p.posted_at, p.deleted_at, p.duration_s, p.play_count, p.digg_count,
    p.comment_count, p.share_count, p.collect_count, p.measured_at, p.cover_file
"""
#: What the last row of the page is at least: the best of the first few posts of each account are as good. NULL where
#: they are too few. Only the first few are held against the filter, so that an account without any match is not read
#: to its end.
LEAST = """
    WITH account AS MATERIALIZED (SELECT a.id FROM accounts a WHERE a.tenant_id = %(tenant)s {accounts})
    SELECT p.sorted_by
      FROM account a
     CROSS JOIN LATERAL (
           SELECT p.*, {expression} AS sorted_by FROM posts p
            WHERE p.tenant_id = %(tenant)s AND p.account_id = a.id {after}
            ORDER BY {expression} {way}, p.id {way}
            LIMIT (SELECT least(%(limit)s, greatest({fewest}, {looked_at} / nullif(count(*), 0))) FROM account)) p
     WHERE true {wanted}
     ORDER BY p.sorted_by {way}
    OFFSET %(limit)s - 1 LIMIT 1
"""
#: The best posts of each account, and of those the best.
BY_ACCOUNT = """
    SELECT {fields}, a.id, a.username, a.nickname, a.avatar_file, {expression} AS sorted_by, false
      FROM accounts a
     CROSS JOIN LATERAL (
           SELECT p.* FROM posts p
            WHERE p.tenant_id = %(tenant)s AND p.account_id = a.id {wanted}
            ORDER BY {expression} {way}, p.id {way} LIMIT %(limit)s) p
     WHERE a.tenant_id = %(tenant)s {accounts}
     ORDER BY sorted_by {way}, p.id {way}
     LIMIT %(limit)s
"""
#: Posts that are looked up first, each by its id.
BY_ID = """
    WITH hit AS MATERIALIZED (SELECT {hits})
    SELECT {fields}, a.id, a.username, a.nickname, a.avatar_file, {expression} AS sorted_by, {capped}
      FROM posts p JOIN accounts a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
     WHERE p.tenant_id = %(tenant)s AND {is_hit} {wanted} {accounts}
     ORDER BY sorted_by {way}, p.id {way}
     LIMIT %(limit)s
"""
ALL = """
    FROM posts p JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
   WHERE p.tenant_id = %(tenant)s {wanted} {accounts}
"""
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
ONE = """
    SELECT {fields}, a.id, a.username, a.nickname, a.avatar_file
      FROM posts p JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
     WHERE p.tenant_id = %(tenant)s AND p.id = %(post)s
"""
OF_HASHTAG = """
    SELECT l.post_id FROM post_hashtags l
     WHERE l.tenant_id = %(tenant)s
           AND l.hashtag_id = (SELECT id FROM hashtags WHERE tenant_id = %(tenant)s AND name = %(hashtag)s)
     ORDER BY l.post_id DESC LIMIT %(most_uses)s
"""
OF_SOUNDS = """
    SELECT s.id FROM posts s
     WHERE s.tenant_id = %(tenant)s AND s.sound_id <> '' AND s.sound_id = ANY({sounds})
     ORDER BY s.id DESC LIMIT %(most_uses)s
"""
WITH_WORDS = "SELECT search_posts(%(text)s, %(most_uses)s)"
#: The same, asked of one post. Not by EXISTS, which PostgreSQL may turn into a join with all links or titles.
HAS_HASHTAG = """(
    SELECT true FROM post_hashtags l WHERE l.post_id = p.id
           AND l.hashtag_id = (SELECT id FROM hashtags WHERE tenant_id = %(tenant)s AND name = %(hashtag)s))
"""
HAS_SOUND = "p.sound_id <> '' AND p.sound_id = ANY({sounds})"
#: As `search_posts` compares.
HAS_WORDS = r"""(
    SELECT true FROM post_titles t
     WHERE t.post_id = p.id AND t.words LIKE ALL (ARRAY(
           SELECT '%%' || regexp_replace(word, '([\\%%_])', '\\\1', 'g') || '%%'
             FROM regexp_split_to_table(lower(normalize(%(text)s, NFKC)), '\s+') AS word
            WHERE word <> '' LIMIT 10)))
"""
#: The function names the tenant itself; its ids pass row-level security once more with the comments.
MENTIONED = """
    SELECT DISTINCT c.post_id
      FROM (SELECT a.id FROM accounts a WHERE a.tenant_id = %(tenant)s {accounts}
             ORDER BY a.id LIMIT {searched}) AS a
     CROSS JOIN LATERAL search_comments(a.id, %(mentions)s, %(most_comments)s) AS found(id)
      JOIN comments c ON c.id = found.id
"""


@dataclass(frozen=True)
class PostFilter:
    """What is looked for; everything that is set must hold.

    `text` and `mentions` are words of which each must be in the title, or in one comment. `hashtag` is folded, `sound`
    is TikTok's id of one, `artist` begins the name of a sound's author. `since` and `until` are UTC days of posting,
    both included. `account_ids` None means all. `least` are metrics (keys of `MEASURED`) with their least values;
    shares as fractions.
    """

    text: str = ""
    hashtag: str = ""
    sound: str = ""
    artist: str = ""
    mentions: str = ""
    since: date | None = None
    until: date | None = None
    account_ids: tuple[int, ...] | None = None
    reason: str = ""
    tag: str = ""
    kind: str = ""
    least: dict[str, float] = field(default_factory=dict)


class FoundPost(NamedTuple):
    """A post with its account. `er` is its engagement rate by views, from 0 to 1, None without views."""

    post: PostRow
    account_id: int
    handle: str
    nickname: str
    avatar_url: str
    er: float | None


@dataclass(frozen=True)
class FoundPosts:
    """One page; `next_key` is what `after` takes to go on, None at the end.

    `as_of` is when the newest reading on it was made. `capped` says that more posts have the words, the hashtag or the
    sound than are looked at.
    """

    rows: list[FoundPost]
    next_key: str | None
    as_of: datetime | None
    capped: bool


def find_posts(
    *,
    tenant_id: int,
    wanted: PostFilter | None = None,
    sort: str = DEFAULT_SORT,
    after: str = "",
    most: int = ROWS_A_PAGE,
) -> FoundPosts:
    """The posts that are wanted, behind the key `after`. Raises BadInput for a sort or a key that does not exist."""
    search = _Search(tenant_id, wanted or PostFilter(), _column(sort), sort.startswith("-"), after, most)
    # One account's statements are few, and planned as often as not for longer than they run.
    with prepared_cursor(binary=True) if search.is_plain else connection.cursor() as cursor:
        least = None
        if search.may_look:
            cursor.execute(search.look(), search.parameters)
            least = cursor.fetchone()
        cursor.execute(search.page(None if least is None else least[0]), search.parameters)
        found = cursor.fetchall()
    rows = [found_post(row) for row in found[:most]]
    return FoundPosts(
        rows,
        _write_key(found[most - 1]) if len(found) > most else None,
        max((row.post.as_of for row in rows), default=None),
        bool(found and found[0][-1]),
    )


def one_post(*, tenant_id: int, post_id: int) -> FoundPost:
    """A post by its id. Raises NotFound, also for a post of another tenant."""
    with connection.cursor() as cursor:
        cursor.execute(ONE.format(fields=FIELDS), {"tenant": tenant_id, "post": post_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound(gettext("There is no such post in this workspace."))
    return found_post(row)


class _Search:
    """The statements of one page; they give one row more than the page has."""

    def __init__(
        self, tenant_id: int, wanted: PostFilter, column: Column, falling: bool, after: str, most: int
    ) -> None:
        self.parameters: dict[str, Any] = {"tenant": tenant_id, "limit": most + 1}
        self.column, self.falling = column, falling
        self.accounts = _of_accounts(wanted, self.parameters)
        self.conditions = _of_posts(wanted, self.parameters)
        self.after = _after(column, falling, after, self.parameters)
        self.hits = _hits(wanted, self.accounts, self.parameters)
        #: One account is read in order, as far as it must.
        self.is_plain = not self.hits and wanted.account_ids is not None and len(wanted.account_ids) == 1
        #: Comments are searched by account, and cannot be asked of one post.
        self.may_look = not wanted.mentions and not self.is_plain

    @property
    def _pieces(self) -> dict[str, str]:
        return {
            "fields": FIELDS,
            "expression": self.column.expression,
            "way": "DESC" if self.falling else "ASC",
            "accounts": self.accounts,
        }

    def look(self) -> str:
        """The statement that says how far each account's posts are to be read."""
        asked = [*self.conditions, *(hit.asked_of_one for hit in self.hits)]
        return LEAST.format(
            **self._pieces,
            after=_and(self.after),
            wanted=_and(asked),
            fewest=FEWEST_LOOKED_AT,
            looked_at=LOOKED_AT_FOR_HITS if self.hits else LOOKED_AT_IF_FILTERED if self.conditions else LOOKED_AT,
        )

    def page(self, least: Any) -> str:
        """The statement of the page; `least` is what the look has found, None where it found too few."""
        wanted = self.conditions + self.after
        if self.hits and least is None:
            return self._by_id(wanted)
        wanted += [hit.asked_of_one for hit in self.hits]
        if least is not None:
            way = ">=" if self.falling else "<="
            wanted.append(f"{self.column.expression} {way} %(reaches)s::{self.column.type}")
            self.parameters["reaches"] = least
        return BY_ACCOUNT.format(**self._pieces, wanted=_and(wanted))

    def _by_id(self, wanted: list[str]) -> str:
        names = [f"ids{number}" for number in range(len(self.hits))]
        return BY_ID.format(
            **self._pieces,
            wanted=_and(wanted),
            hits=", ".join(f"ARRAY({hit.ids}) AS {name}" for hit, name in zip(self.hits, names, strict=True)),
            is_hit=" AND ".join(f"p.id = ANY((SELECT {name} FROM hit)::bigint[])" for name in names),
            capped=" OR ".join(f"(SELECT cardinality({name}) >= {MOST_USES} FROM hit)" for name in names),
        )


def source_of(*, tenant_id: int, wanted: PostFilter, sort: str) -> tuple[str, list[Any], str]:
    """All posts `p` with their accounts `a` that are wanted: `FROM … WHERE …`, its parameters in their order, and
    `ORDER BY …`, for an export. Raises BadInput for a sort that does not exist."""
    column = _column(sort)
    parameters: dict[str, Any] = {"tenant": tenant_id}
    accounts = _of_accounts(wanted, parameters)
    conditions = _of_posts(wanted, parameters)
    conditions += [f"p.id IN ({hit.ids})" for hit in _hits(wanted, accounts, parameters)]
    named = ALL.format(accounts=accounts, wanted=_and(conditions))
    way = "DESC" if sort.startswith("-") else "ASC"
    values = [parameters[name] for name in PLACEHOLDER.findall(named)]
    return PLACEHOLDER.sub("%s", named), values, f"ORDER BY {column.expression} {way}, p.id {way}"


def _column(sort: str) -> Column:
    column = COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        raise BadInput(
            gettext("Posts cannot be sorted by “{sort}”. Choose one of: {choices}.").format(
                sort=sort[:40], choices=", ".join(COLUMNS)
            )
        )
    return column


def _of_accounts(wanted: PostFilter, parameters: dict[str, Any]) -> str:
    conditions = []
    if wanted.account_ids is not None:
        conditions.append("a.id = ANY(%(accounts)s::bigint[])")
        parameters["accounts"] = list(wanted.account_ids)
    if wanted.reason:
        conditions.append("a.tracked_reason = %(reason)s")
        parameters["reason"] = wanted.reason
    if wanted.tag:
        conditions.append("a.tags @> ARRAY[%(tag)s]::varchar[]")
        parameters["tag"] = wanted.tag
    return "".join(f" AND {condition}" for condition in conditions)


def _and(conditions: list[str]) -> str:
    return "".join(f" AND {condition}" for condition in conditions)


def _of_posts(wanted: PostFilter, parameters: dict[str, Any]) -> list[str]:
    conditions = []
    if wanted.since:
        conditions.append("p.posted_at >= %(since)s")
        parameters["since"] = datetime.combine(wanted.since, time(), UTC)
    if wanted.until:
        conditions.append("p.posted_at < %(until)s")
        parameters["until"] = datetime.combine(wanted.until, time(), UTC) + timedelta(days=1)
    if wanted.kind:
        conditions.append("p.kind = %(kind)s")
        parameters["kind"] = wanted.kind
    conditions += [_at_least(key) for key in wanted.least]
    parameters |= {f"least_{key}": value for key, value in wanted.least.items()}
    return conditions


def _at_least(key: str) -> str:
    return f"{COLUMNS[key].expression} >= %(least_{key})s::{COLUMNS[key].type}"


@dataclass(frozen=True)
class _Hit:
    """A filter that may name few posts: the statement of their ids, and the same as a condition of one post `p`."""

    ids: str
    asked_of_one: str


def _hits(wanted: PostFilter, accounts: str, parameters: dict[str, Any]) -> list[_Hit]:
    hits = []
    if wanted.text:
        hits.append(_Hit(WITH_WORDS, HAS_WORDS))
        parameters |= {"text": wanted.text, "most_uses": MOST_USES}
    if wanted.hashtag:
        hits.append(_Hit(OF_HASHTAG, HAS_HASHTAG))
        parameters["hashtag"] = wanted.hashtag
    if wanted.sound:
        hits.append(_of_sounds("%(sounds)s::varchar[]"))
        parameters["sounds"] = [wanted.sound]
    if wanted.artist:
        hits.append(_of_sounds(f"ARRAY({OF_ARTIST})"))
        parameters |= {"artist": wanted.artist, "whole": False, "most": 200}
    if wanted.mentions:
        mentioned = MENTIONED.format(accounts=accounts, searched=MOST_SEARCHED_ACCOUNTS)
        hits.append(_Hit(mentioned, "false"))
        parameters |= {"mentions": wanted.mentions, "most_comments": MOST_COMMENTS}
    if wanted.hashtag or wanted.sound or wanted.artist:
        parameters["most_uses"] = MOST_USES
    return hits


def _of_sounds(sounds: str) -> _Hit:
    return _Hit(OF_SOUNDS.format(sounds=sounds), HAS_SOUND.format(sounds=sounds))


def _after(column: Column, falling: bool, key: str, parameters: dict[str, Any]) -> list[str]:
    if not key:
        return []
    parameters["value"], parameters["id"] = _read_key(column, key)
    way = "<" if falling else ">"
    return [f"({column.expression}, p.id) {way} (%(value)s::{column.type}, %(id)s::bigint)"]


def found_post(row: tuple[Any, ...]) -> FoundPost:
    """A row of `FIELDS` with its account's id, handle, name and picture."""
    id, aweme_id, title, kind, pinned, posted_at, deleted_at, duration, *counters = row[:13]
    measured_at, cover_file, account_id, handle, nickname, avatar_file = row[13:19]
    plays, diggs, comments, shares, collects = counters
    engagement = None if diggs is None or comments is None or shares is None else diggs + comments + shares
    post = PostRow(
        id=id,
        aweme_id=aweme_id,
        title=title,
        kind=kind,
        pinned=pinned,
        posted_at=posted_at,
        deleted_at=deleted_at,
        duration=duration,
        plays=plays,
        diggs=diggs,
        comments=comments,
        shares=shares,
        collects=collects,
        as_of=measured_at,
        tiktok_url=f"https://www.tiktok.com/@{handle}/{kind}/{aweme_id}",
        cover_file=cover_file,
    )
    er = engagement / plays if plays and engagement is not None else None
    return FoundPost(post, account_id, handle, nickname, address_of(avatar_file), er)


def _write_key(row: tuple[Any, ...]) -> str:
    value = row[19]
    if isinstance(value, datetime):
        # Microseconds, exactly: a float would lose the last ones and show a row twice.
        since = value - datetime(1970, 1, 1, tzinfo=UTC)
        value = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return f"{value!r}_{row[0]}"


def _read_key(column: Column, text: str) -> tuple[Any, int]:
    try:
        value, row_id = text.split("_")
        if not (len(value) < 40 and 0 <= int(row_id) < 2**63):
            raise ValueError
        if column.type == "float8":
            return float(value), int(row_id)
        number = int(value)
        if not -(2**63) <= number < 2**63:
            raise ValueError
        if column.type == "timestamptz":
            moment = datetime.fromtimestamp(number // 1_000_000, UTC).replace(microsecond=number % 1_000_000)
            return moment, int(row_id)
    except (ValueError, OverflowError, OSError):
        raise BadInput(gettext("This page of the list does not exist. Start again from the first page.")) from None
    return number, int(row_id)
