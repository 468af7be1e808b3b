"""Storing hashtags and sounds: which posts use them, and what TikTok says about them.

Set-based, and again without effect. New hashtags and sounds are stored in the order of their names and numbers, so that
two workers wait for each other instead of dead-locking.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from msgspec import structs

from snapshots.ingest.hashtags import LONGEST_HASHTAG, fold, uses_in
from snapshots.ingest.normalise import LONGEST_NAME, LONGEST_SOUND_TITLE, PostRow, SoundRow, duration_s
from snapshots.ingest.quality import USABLE, judge_value
from snapshots.models import Hashtag, Sound
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import prepared_cursor
from tikdash.db.upsert import array_literal, upsert
from tikdash.tiklive.shapes import Hashtag as HashtagAnswer
from tikdash.tiklive.shapes import Sound as SoundAnswer

#: Hashtags that are not known become so first, shown as they are written here until TikTok tells how it writes them.
#: One that another worker has made known since this statement began is locked and returned, as if it were new.
KNOWN_TAGS = """
    made_known AS (
        INSERT INTO hashtags AS t (name, cha_name, challenge_id, first_seen_at)
        SELECT name, shown, '', %(seen_at)s::timestamptz
          FROM unnest(%(tags)s::text[], %(shown)s::text[]) AS tag(name, shown)
         WHERE NOT EXISTS (SELECT FROM hashtags h WHERE h.name = tag.name)
        ON CONFLICT (tenant_id, name) DO UPDATE SET name = EXCLUDED.name
        RETURNING t.id, t.name
    ), tag AS (
        SELECT h.id, h.name FROM unnest(%(tags)s::text[]) AS t(name) JOIN hashtags h USING (name)
         UNION ALL
        SELECT id, name FROM made_known
    )
"""
#: From `uses`: post_id, name, occurrences.
LINKS = """
    INSERT INTO post_hashtags AS t (account_id, post_id, hashtag_id, occurrences)
    SELECT %(account)s::bigint, post_id, tag.id, occurrences FROM uses JOIN tag USING (name)
    ON CONFLICT (post_id, hashtag_id) DO UPDATE SET occurrences = EXCLUDED.occurrences
     WHERE t.occurrences <> EXCLUDED.occurrences
"""
LINK = f"""
    WITH uses AS (
        SELECT * FROM unnest(%(posts)s::bigint[], %(names)s::text[], %(occurrences)s::smallint[])
                      AS uses(post_id, name, occurrences)
    ), {KNOWN_TAGS} {LINKS}
"""
UNLINK = """
    DELETE FROM post_hashtags t
     WHERE t.post_id = ANY(%(linked)s::bigint[])
       AND NOT EXISTS (
           SELECT FROM unnest(%(posts)s::bigint[], %(names)s::text[]) AS given(post_id, name)
             JOIN hashtags h ON h.name = given.name
            WHERE given.post_id = t.post_id AND h.id = t.hashtag_id)
"""
#: The most used first; of equally used ones those of the newest posts.
DUE_HASHTAGS = """
    SELECT h.id, h.name, h.cha_name, h.view_count, h.user_count
      FROM hashtags h
      JOIN (SELECT l.hashtag_id, count(*) AS posts, max(p.posted_at) AS newest
              FROM posts p JOIN post_hashtags l ON l.post_id = p.id
             WHERE p.account_id = %(account)s AND p.posted_at >= %(since)s AND p.deleted_at IS NULL
             GROUP BY l.hashtag_id) used ON used.hashtag_id = h.id
     WHERE h.looked_at IS NULL OR h.looked_at <= %(looked_before)s
     ORDER BY used.posts DESC, used.newest DESC, h.id
     LIMIT %(most)s
"""
#: The top ones are chosen before those are left out that somebody has looked at: what is used less is never asked for.
DUE_SOUNDS = """
    SELECT s.id, s.music_id, s.video_count
      FROM (SELECT sound_id, count(*) AS posts, max(posted_at) AS newest
              FROM posts
             WHERE account_id = %(account)s AND posted_at >= %(since)s AND deleted_at IS NULL AND sound_id <> ''
             GROUP BY sound_id
             ORDER BY posts DESC, newest DESC, sound_id
             LIMIT %(most)s) used
      JOIN sounds s ON s.music_id = used.sound_id
     WHERE s.looked_at IS NULL OR s.looked_at <= %(looked_before)s
     ORDER BY used.posts DESC, used.newest DESC, s.id
"""
#: The literal of an array without rows.
NO_ROWS = "{}"
SOUND_COLUMNS = {
    "music_id": "text",
    "title": "text",
    "author": "text",
    "original": "boolean",
    "duration_s": "integer",
    "first_seen_at": "timestamptz",
}
#: What is empty or unknown this time stays as it was.
SOUND_NEW = {
    "title": "coalesce(nullif(EXCLUDED.title, ''), t.title)",
    "author": "coalesce(nullif(EXCLUDED.author, ''), t.author)",
    "original": "coalesce(EXCLUDED.original, t.original)",
    "duration_s": "coalesce(EXCLUDED.duration_s, t.duration_s)",
}
_SOUND_ARRAYS = ", ".join(f"%(sound_{name})s::{sql_type}[]" for name, sql_type in SOUND_COLUMNS.items())
#: `where` is for a statement that does more.
MAKE_SOUNDS_KNOWN = f"""
    INSERT INTO sounds AS t ({", ".join(SOUND_COLUMNS)})
    SELECT * FROM unnest({_SOUND_ARRAYS}) {{where}}
    ON CONFLICT (tenant_id, music_id) DO UPDATE
       SET {", ".join(f"{name} = {value}" for name, value in SOUND_NEW.items())}
     WHERE ({", ".join(f"t.{name}" for name in SOUND_NEW)}) IS DISTINCT FROM ({", ".join(SOUND_NEW.values())})
"""


@dataclass(frozen=True)
class DueHashtag:
    """A hashtag to ask TikTok for, with its last good counts."""

    id: int
    name: str
    shown: str
    view_count: int | None
    user_count: int | None


@dataclass(frozen=True)
class DueSound:
    """A sound to ask TikTok for, with its last good count."""

    id: int
    music_id: str
    video_count: int | None


@dataclass(frozen=True)
class NewTags:
    """What is new in the tags and sounds of a page of posts: titles by the upstream's id, and sounds.

    `linked` are those of the posts that may have links of an older title.
    """

    titles: dict[str, str]
    linked: list[str]
    sounds: list[SoundRow]


def new_tags(rows: Iterable[PostRow], before: Mapping[str, Mapping[str, Any]]) -> NewTags | None:
    """Of a page of posts what is new of titles and sounds; None where nothing is: a page that is known costs nothing.

    `before` has `title` and `sound_id` of posts that were there before, by the upstream's id.
    """
    new = NewTags({}, [], [])
    for row in rows:
        known = before.get(row.aweme_id)
        if known is None or known["title"] != row.title:
            new.titles[row.aweme_id] = row.title
            if known is not None:
                new.linked.append(row.aweme_id)
        if row.sound_id and (known is None or known["sound_id"] != row.sound_id) and (sound := row.sound) is not None:
            new.sounds.append(sound)
    return new if new.titles or new.sounds else None


def store_tags(account_id: int, new: NewTags, ids: Mapping[str, int], *, seen_at: datetime) -> None:
    """Hashtags and sounds of posts whose rows have just been written; `ids` are ours by the upstream's."""
    titles = {ids[aweme_id]: title for aweme_id, title in new.titles.items()}
    link_hashtags(account_id, titles, [ids[aweme_id] for aweme_id in new.linked], seen_at=seen_at)
    make_sounds_known(new.sounds, seen_at=seen_at)


def link_hashtags(account_id: int, titles: Mapping[int, str], linked: Collection[int], *, seen_at: datetime) -> None:
    """Links posts (`titles` by the post's id) with the hashtags of their titles, which become known where they are new.

    `linked` are those of the posts that may have links of an older title: what the title no longer has is removed. The
    rows of the posts are locked by the caller, so that nobody else changes their links at the same time.
    """
    given = links_of(titles, "bigint")
    if given["posts"] == NO_ROWS and not linked:
        return
    with prepared_cursor() as cursor:
        if given["posts"] != NO_ROWS:
            cursor.execute(LINK, given | {"account": account_id, "seen_at": seen_at})
        if linked:
            cursor.execute(UNLINK, given | {"linked": array_literal("bigint", linked)})


def links_of(titles: Mapping[Any, str], key_type: str) -> dict[str, Any]:
    """The hashtags of titles as parameters: `posts` (the titles' keys), `names` and `occurrences` of each use, and each
    tag once in `tags`, with the form in which it is `shown`."""
    uses = {key: uses_in(title) for key, title in titles.items()}
    links = [(key, name, use.occurrences) for key, used in uses.items() for name, use in used.items()]
    posts, names, occurrences = zip(*links, strict=True) if links else ((), (), ())
    shown = {name: use.shown for used in uses.values() for name, use in used.items()}
    tags = sorted(shown)
    return {
        "posts": array_literal(key_type, posts),
        "names": array_literal("text", names),
        "occurrences": array_literal("smallint", occurrences),
        "tags": array_literal("text", tags),
        "shown": array_literal("text", [shown[name] for name in tags]),
    }


def make_sounds_known(sounds: Iterable[SoundRow], *, seen_at: datetime) -> None:
    """Rows for the sounds of posts; what an earlier post or TikTok has told stays where these say nothing."""
    given = sounds_as_parameters(sounds, seen_at)
    if given["sound_music_id"] == NO_ROWS:
        return
    with prepared_cursor() as cursor:
        cursor.execute(MAKE_SOUNDS_KNOWN.format(where=""), given)


def sounds_as_parameters(sounds: Iterable[SoundRow], seen_at: datetime) -> dict[str, str]:
    """The parameters of `MAKE_SOUNDS_KNOWN`: each sound once, with what its rows tell together."""
    merged: dict[str, SoundRow] = {}
    for sound in sounds:
        known = merged.get(sound.music_id)
        merged[sound.music_id] = sound if known is None else _merged(known, sound)
    rows = [(*structs.astuple(merged[music_id]), seen_at) for music_id in sorted(merged)]
    columns = zip(*rows, strict=True) if rows else ((),) * len(SOUND_COLUMNS)
    return {
        f"sound_{name}": array_literal(sql_type, column)
        for (name, sql_type), column in zip(SOUND_COLUMNS.items(), columns, strict=True)
    }


def due_hashtags(account_id: int, *, since: datetime, looked_before: datetime, most: int) -> list[DueHashtag]:
    """The hashtags that the account's posts from `since` on use and nobody has looked at since `looked_before`."""
    parameters: dict[str, Any] = {"account": account_id, "since": since, "looked_before": looked_before, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(DUE_HASHTAGS, parameters)
        return [DueHashtag(*row) for row in cursor.fetchall()]


def due_sounds(account_id: int, *, since: datetime, looked_before: datetime, most: int) -> list[DueSound]:
    """Of the `most` sounds that the account's posts from `since` on use most, those that nobody has looked at since
    `looked_before`."""
    parameters: dict[str, Any] = {"account": account_id, "since": since, "looked_before": looked_before, "most": most}
    with connection.cursor() as cursor:
        cursor.execute(DUE_SOUNDS, parameters)
        return [DueSound(*row) for row in cursor.fetchall()]


def store_hashtag(due: DueHashtag, answer: HashtagAnswer, measured_at: datetime) -> bool:
    """What TikTok says about a hashtag, and its snapshot of the day on which that was measured.

    False where the answer is about another hashtag: of that nothing is stored. A count that is negative, or 0 where
    there were many, is not kept; the last good one stays.
    """
    told = (answer.cha_name or "").lstrip("#")[:LONGEST_HASHTAG]
    if told and fold(told) != due.name:
        return False
    counts = {
        "view_count": _usable(answer.view_count, due.view_count),
        "user_count": _usable(answer.user_count, due.user_count),
    }
    facts = {"cha_name": told or due.shown, "challenge_id": str(answer.id)}
    ensure_months("hashtag_snapshots", [_utc_day(measured_at)])
    with transaction.atomic():
        Hashtag.objects.filter(pk=due.id).update(measured_at=measured_at, **facts, **_given(counts))
        _store_snapshot("hashtag", due.id, measured_at, counts)
    return True


def store_sound(due: DueSound, answer: SoundAnswer, measured_at: datetime) -> bool:
    """What TikTok says about a sound, and its snapshot; as `store_hashtag`, and texts that are empty now stay."""
    if str(answer.id) != due.music_id:
        return False
    counts = {"video_count": _usable(answer.video_count, due.video_count)}
    facts = {
        "title": (answer.title or "")[:LONGEST_SOUND_TITLE] or None,
        "author": (answer.author or "")[:LONGEST_NAME] or None,
        "original": answer.original,
        "duration_s": duration_s(answer.duration),
    }
    ensure_months("sound_snapshots", [_utc_day(measured_at)])
    with transaction.atomic():
        Sound.objects.filter(pk=due.id).update(measured_at=measured_at, **_given(facts), **_given(counts))
        _store_snapshot("sound", due.id, measured_at, counts)
    return True


def look_at(due: DueHashtag | DueSound) -> None:
    """TikTok was asked, with or without an answer: nobody asks again for a while."""
    model = Hashtag if isinstance(due, DueHashtag) else Sound
    model.objects.filter(pk=due.id).update(looked_at=clock.now())


def _merged(first: SoundRow, second: SoundRow) -> SoundRow:
    return SoundRow(
        first.music_id,
        first.title or second.title,
        first.author or second.author,
        second.original if first.original is None else first.original,
        second.duration_s if first.duration_s is None else first.duration_s,
    )


def _store_snapshot(what: str, row_id: int, measured_at: datetime, counts: Mapping[str, int | None]) -> None:
    upsert(
        f"{what}_snapshots",
        [
            (f"{what}_id", "bigint"),
            ("captured_on", "date"),
            ("captured_at", "timestamptz"),
            *((name, "bigint") for name in counts),
        ],
        [(row_id, _utc_day(measured_at), measured_at, *counts.values())],
        key=[f"{what}_id", "captured_on"],
        update=["captured_at", *counts],
    )


def _usable(count: int | None, last: int | None) -> int | None:
    """The count, unless it cannot be true. A fall is believed: TikTok takes views of removed videos away."""
    return count if judge_value(count, last, cumulative=False) in USABLE else None


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
