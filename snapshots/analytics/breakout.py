"""Breakouts: posts that run far ahead of the account's own posts at the same age (`metrics.md`, "Breakout").

The reference of a post are the newest posts that its account made before it, so that what was said of a post stays
true when later ones do well, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from snapshots.analytics.curves import (
    AGES,
    DAY,
    FEWEST_PLAYS,
    FEWEST_REFERENCES,
    HOUR,
    LATE_TIMES,
    NO_CURVE,
    OLDEST_AGE,
    TOLERANCE,
    AtAge,
    PostCurve,
    Run,
    Usual,
    run_of,
    usual_at,
)
from snapshots.analytics.kept_runs import keep_runs, kept, known_runs
from tikdash import clock
from tikdash.db.scope import current_tenant_id, prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.ui import numbers
from tikdash.words import gettext, language

DEFAULT_DAYS = 30
LONGEST_DAYS = 366
REFERENCES = 30
REFERENCES_OF = timedelta(days=180)
#: Of so many posts the curves are read; the best ones by a rough look at their newest numbers.
MOST_LOOKED_AT = 60
#: Up to this age single readings are read; behind it one value a day is enough.
READINGS_UNTIL = timedelta(hours=60)
CURVE_UNTIL = timedelta(seconds=OLDEST_AGE * (1 + TOLERANCE))

ONE_POST = "SELECT * FROM posts WHERE tenant_id = %(tenant)s AND id = %(post)s"
#: A rough look: newest plays over what the account's newest posts have, and over the share of its plays that a post
#: of this age might have. Only the order depends on it, and who is far below the usual is left out. Old posts are the
#: most, so they are asked for first; days would be added by the calendar of a time zone, hours are not.
ROUGH = """
    t.play_count / greatest(usual.plays, 1) / CASE
        WHEN t.measured_at >= t.posted_at + interval '168 hours' THEN 1
        WHEN t.measured_at >= t.posted_at + interval '48 hours' THEN 0.85
        WHEN t.measured_at >= t.posted_at + interval '24 hours' THEN 0.6
        WHEN t.measured_at >= t.posted_at + interval '12 hours' THEN 0.4
        WHEN t.measured_at >= t.posted_at + interval '3 hours' THEN 0.25
        ELSE 0.1 END
"""
USUAL_PLAYS = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY play_count) AS plays
      FROM (SELECT play_count FROM posts
             WHERE tenant_id = %(tenant)s AND account_id = a.id AND posted_at < %(yesterday)s
             ORDER BY posted_at DESC LIMIT 15) past
"""
LIKELY = f"""
    SELECT p.*
      FROM ({{accounts}}) a
     CROSS JOIN LATERAL ({USUAL_PLAYS}) usual
     CROSS JOIN LATERAL (
           SELECT t.*, {ROUGH} AS rough
             FROM posts t
            WHERE t.tenant_id = %(tenant)s AND t.account_id = a.id AND t.posted_at >= %(since)s
                  AND t.play_count >= {FEWEST_PLAYS}) p
     WHERE p.rough >= 1 AND usual.plays IS NOT NULL
     ORDER BY p.rough DESC, p.id DESC
     LIMIT %(most)s
"""
THESE_POSTS = "SELECT * FROM posts WHERE tenant_id = %(tenant)s AND id = ANY(%(posts)s::bigint[])"
TENANTS_ACCOUNTS = "SELECT id FROM accounts WHERE tenant_id = %(tenant)s"
THESE_ACCOUNTS = "SELECT id FROM unnest(%(accounts)s::bigint[]) AS id"

FACTS = """
    WITH target AS MATERIALIZED ({targets})
    SELECT t.id, t.account_id, a.username, t.aweme_id, t.title, t.posted_at, t.measured_at, t.deleted_at,
           t.digg_count::float / nullif(t.play_count, 0), past.like_median, past.like_mean,
           s.title, s.author,
           (SELECT array_agg(name) FROM (SELECT h.name FROM post_hashtags l JOIN hashtags h ON h.id = l.hashtag_id
                                          WHERE l.post_id = t.id ORDER BY h.id LIMIT 5) AS five),
           past.ids, past.oldest, past.read_at
      FROM target t
      JOIN accounts a ON a.id = t.account_id
      LEFT JOIN sounds s ON s.tenant_id = %(tenant)s AND s.music_id = t.sound_id
     CROSS JOIN LATERAL (
           SELECT array_agg(r.id) AS ids, min(r.posted_at) AS oldest, max(r.measured_at) AS read_at,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY r.digg_count::float / nullif(r.play_count, 0))
                      AS like_median,
                  sum(r.digg_count) FILTER (WHERE r.play_count > 0)::float
                      / nullif(sum(r.play_count) FILTER (WHERE r.digg_count IS NOT NULL), 0) AS like_mean
             FROM (SELECT id, posted_at, measured_at, play_count, digg_count FROM posts
                    WHERE tenant_id = %(tenant)s AND account_id = t.account_id
                          AND (posted_at, id) < (t.posted_at, t.id) AND posted_at >= t.posted_at - %(past)s::interval
                    ORDER BY posted_at DESC, id DESC LIMIT %(references)s) r) past
"""
#: The days of all posts are named, too, so that the partitions of other months are not opened.
CURVES = """
    SELECT p.id, points.ages, points.plays
      FROM posts p
     CROSS JOIN LATERAL (
           SELECT array_agg(age ORDER BY age) AS ages, array_agg(play_count ORDER BY age) AS plays
             FROM (SELECT extract(epoch FROM r.measured_at - p.posted_at)::int AS age, r.play_count
                     FROM post_readings r
                    WHERE r.post_id = p.id AND r.measured_at BETWEEN %(first)s AND %(last)s
                          AND r.measured_at BETWEEN p.posted_at AND p.posted_at + %(fine)s::interval
                          AND r.play_count IS NOT NULL AND coalesce(r.suspect ->> 'play_count', 'rounded') = 'rounded'
                    UNION
                   SELECT extract(epoch FROM s.captured_at - p.posted_at)::int, s.play_count
                     FROM post_snapshots s
                    WHERE s.post_id = p.id AND s.captured_on BETWEEN %(first)s::date AND %(last)s::date
                          AND s.captured_on BETWEEN (p.posted_at AT TIME ZONE 'UTC')::date
                                                AND ((p.posted_at + %(span)s::interval) AT TIME ZONE 'UTC')::date
                          AND s.captured_at >= p.posted_at
                          AND s.play_count IS NOT NULL AND coalesce(s.suspect ->> 'play_count', 'rounded') = 'rounded'
                  ) AS each) AS points
     WHERE p.tenant_id = %(tenant)s AND p.id = ANY(%(ids)s::bigint[])
"""

#: Another row as soon as a post of the account is read, comes or goes (`AccountVersion`), or time moves one across a
#: border of what is looked at: among the same posts, the first behind a border says where it is.
VERSION = """
    SELECT (SELECT bit_xor(posts_mark) FROM account_versions
             WHERE tenant_id = %(tenant)s AND account_id = %(account)s),
           (SELECT id FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND posted_at >= %(since)s
             ORDER BY posted_at, id LIMIT 1),
           (SELECT id FROM posts WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND posted_at < %(yesterday)s
             ORDER BY posted_at DESC, id DESC LIMIT 1)
"""


@dataclass(frozen=True)
class Breakout:
    """A post that ran ahead. `level` is the highest of 3, 5, 10, 25 that it reached; 0 if only the second rule holds.

    `multiple`, `age`, `plays`, `usual` and `n` are of the moment at which it was furthest ahead; `reached_at` is when
    it passed the first level, or two days of age for the second rule. `late` is plays at 48 h over plays at 24 h, where
    that rule holds. Like rates are from 0 to 1.
    """

    post_id: int
    account_id: int
    handle: str
    aweme_id: str
    title: str
    posted_at: datetime
    deleted_at: datetime | None
    level: int
    multiple: float | None
    age: timedelta | None
    plays: int | None
    usual: float | None
    n: int
    late: float | None
    like_rate: float | None
    like_rate_median: float | None
    sound: str
    tags: list[str]
    reached_at: datetime
    as_of: datetime
    text: str


@dataclass(frozen=True)
class NotBroken:
    """A post that can be compared and is no breakout: `multiple` is where it stands at `age`, its newest reading."""

    multiple: float
    age: timedelta
    n: int
    as_of: datetime
    text: str


@dataclass(frozen=True)
class NotEnough:
    """There is too little to compare a post with; `reason` says what is missing."""

    n: int
    as_of: datetime
    reason: str


@dataclass(frozen=True)
class Curve:
    """A post's own plays by age in seconds, and the quartiles of its reference posts at `AGES`.

    `reason` says why there is nothing usual to show; empty where there is.
    """

    post_id: int
    points: list[tuple[int, int]]
    usual: list[Usual]
    n: int
    as_of: datetime
    reason: str


def breakouts(
    tenant_id: int,
    account_ids: Sequence[int] | None = None,
    since: int = DEFAULT_DAYS,
    *,
    most: int = MOST_LOOKED_AT,
) -> list[Breakout]:
    """The breakouts among posts of the last `since` days, the newest to break out first; of all accounts without ids.

    Of a tenant with many posts the `most` likeliest are looked at. Raises BadInput for a range that is not 1–366 days.
    """
    if not 1 <= since <= LONGEST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 366 days."))
    now = clock.now()
    accounts = TENANTS_ACCOUNTS if account_ids is None else THESE_ACCOUNTS
    facts = _facts(
        LIKELY.format(accounts=accounts),
        {
            "tenant": tenant_id,
            "accounts": list(account_ids or ()),
            "since": now - timedelta(days=since),
            "yesterday": now - timedelta(days=1),
            "most": most,
        },
    )
    return _judged(tenant_id, facts)


def breakouts_among(tenant_id: int, post_ids: Sequence[int]) -> list[Breakout]:
    """The breakouts among these posts, in the order of `breakouts`: somebody knows the likeliest ones already."""
    if not post_ids:
        return []
    return _judged(tenant_id, _facts(THESE_POSTS, {"tenant": tenant_id, "posts": list(post_ids)}))


@dataclass(frozen=True)
class Known:
    """An account as its posts are at present: what was found of them before still holds if `version` is the same."""

    tenant_id: int
    account_id: int
    days: int
    version: str


def known_of(tenant_id: int, account_id: int, days: int) -> Known:
    """For the breakouts of the last `days` days, and the curve of any post. One statement.

    Raises BadInput for a range that is not 1–366 days.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 366 days."))
    now = clock.now()
    row = prepared_row(
        VERSION,
        {
            "tenant": tenant_id,
            "account": account_id,
            "since": now - timedelta(days=days),
            "yesterday": now - timedelta(days=1),
        },
    )
    # Words are kept as the reader reads them.
    return Known(tenant_id, account_id, days, "|".join(map(str, (language(), *(row or ())))))


def breakouts_of(known: Known) -> list[Breakout]:
    """The breakouts of an account as `breakouts` gives them; from what is kept where no post was read since."""
    return kept(
        known.tenant_id,
        f"breakouts:{known.account_id}:{known.days}",
        known.version,
        list[Breakout],
        lambda: breakouts(known.tenant_id, [known.account_id], known.days),
    )


def curve_of(known: Known, post_id: int) -> Curve:
    """As `curve`; from what is kept where no post of the account was read since. Raises NotFound."""
    return kept(known.tenant_id, f"curve:{post_id}", known.version, Curve, lambda: curve(post_id))


def of_post(post_id: int) -> Breakout | NotBroken | NotEnough:
    """Whether a post broke out. Raises NotFound."""
    facts, curves = _one(post_id)
    run = _run(facts, curves)
    found = _breakout(facts, run)
    if found is not None:
        return found
    if run.best is None and run.newest is None:
        return NotEnough(run.n, facts.measured_at, _missing(facts, run.n, curves))
    shown = run.newest or run.best
    assert shown is not None
    multiple = gettext("{multiple} its usual views at {age}").format(
        multiple=_times(shown.multiple), age=age_text(shown.age)
    )
    text = gettext("{multiple}: no breakout, compared with {n} posts.").format(multiple=multiple, n=shown.n)
    return NotBroken(shown.multiple, timedelta(seconds=shown.age), shown.n, facts.measured_at, text)


def curve(post_id: int) -> Curve:
    """The post's plays by age, and what is usual for its account. Raises NotFound."""
    facts, curves = _one(post_id)
    own = curves.get(facts.id, NO_CURVE)
    references = [curves[key] for key in facts.references if key in curves]
    usual = [usual_at(references, age) for age in AGES]
    n = max(each.n for each in usual)
    reason = "" if n >= FEWEST_REFERENCES else _missing(facts, n, curves)
    return Curve(facts.id, list(zip(own.ages, own.plays, strict=True)), usual, n, facts.measured_at, reason)


def age_text(seconds: float) -> str:
    """An age as `40 min`, `6 h` or `3 d`."""
    if seconds < HOUR:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / HOUR)} h" if seconds < 3 * DAY else f"{round(seconds / DAY)} d"


@dataclass(frozen=True)
class _Facts:
    """What is known of a post and of its references, without their curves."""

    id: int
    account_id: int
    handle: str
    aweme_id: str
    title: str
    posted_at: datetime
    measured_at: datetime
    deleted_at: datetime | None
    like_rate: float | None
    like_median: float | None
    like_mean: float | None
    sound_title: str | None
    sound_author: str | None
    tags: list[str] | None
    reference_ids: list[int] | None
    oldest_reference: datetime | None
    references_read_at: datetime | None

    @property
    def references(self) -> list[int]:
        return self.reference_ids or []

    @property
    def fingerprint(self) -> str:
        """Another one as soon as the post or one of its references has been read again, or it has other references."""
        ids = self.references
        parts = (self.measured_at, self.references_read_at, len(ids), max(ids, default=0), sum(ids))
        return "|".join(map(str, parts))

    @property
    def sound(self) -> str:
        return " by ".join(part for part in (self.sound_title, self.sound_author) if part)


def _facts(targets: str, parameters: Mapping[str, Any]) -> list[_Facts]:
    known: dict[str, Any] = {**parameters, "past": REFERENCES_OF, "references": REFERENCES}
    with connection.cursor() as cursor:
        cursor.execute(FACTS.format(targets=targets), known)
        return [_Facts(*row) for row in cursor.fetchall()]


def _one(post_id: int) -> tuple[_Facts, dict[int, PostCurve]]:
    found = _facts(ONE_POST, {"tenant": current_tenant_id(), "post": post_id})
    if not found:
        raise NotFound(gettext("There is no such post in this workspace."))
    return found[0], _curves(found)


def _curves(facts: Sequence[_Facts]) -> dict[int, PostCurve]:
    """The curves of posts and references by post; those without a reading are not among them."""
    if not facts:
        return {}
    # No reference is compared at an age that none of the posts has come to.
    oldest = max(each.measured_at - each.posted_at for each in facts)
    span = min(CURVE_UNTIL, oldest * (1 + TOLERANCE) + timedelta(days=1))
    ids = {each.id for each in facts}.union(*(each.references for each in facts))
    parameters: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "ids": list(ids),
        "first": min(each.oldest_reference or each.posted_at for each in facts).astimezone(UTC),
        "last": max(each.posted_at for each in facts).astimezone(UTC) + span,
        "fine": min(READINGS_UNTIL, span),
        "span": span,
    }
    with connection.cursor() as cursor:
        cursor.execute(CURVES, parameters)
        return {key: PostCurve(ages, plays) for key, ages, plays in cursor.fetchall() if ages}


def _judged(tenant_id: int, facts: Sequence[_Facts]) -> list[Breakout]:
    runs = _runs(tenant_id, facts)
    judged = (_breakout(each, runs[each.id]) for each in facts)
    return sorted((each for each in judged if each), key=lambda each: (each.reached_at, each.post_id), reverse=True)


def _runs(tenant_id: int, facts: Sequence[_Facts]) -> dict[int, Run]:
    """How each post has run; judged anew where it or its references have been read since the last look."""
    runs = known_runs(tenant_id, {each.id: each.fingerprint for each in facts})
    new = [each for each in facts if each.id not in runs]
    curves = _curves(new)
    judged = {each.id: (each.fingerprint, _run(each, curves)) for each in new}
    keep_runs(tenant_id, judged)
    return runs | {post: run for post, (_, run) in judged.items()}


def _run(facts: _Facts, curves: Mapping[int, PostCurve]) -> Run:
    return run_of(curves.get(facts.id, NO_CURVE), [curves[key] for key in facts.references if key in curves])


def _breakout(facts: _Facts, run: Run) -> Breakout | None:
    late = run.late if _is_late(facts, run) else None
    if not run.level and late is None:
        return None
    best = run.best if run.level else None
    reached = run.first.age if run.level and run.first else 2 * DAY
    return Breakout(
        post_id=facts.id,
        account_id=facts.account_id,
        handle=facts.handle,
        aweme_id=facts.aweme_id,
        title=facts.title,
        posted_at=facts.posted_at,
        deleted_at=facts.deleted_at,
        level=run.level,
        multiple=best.multiple if best else None,
        age=timedelta(seconds=best.age) if best else None,
        plays=best.plays if best else None,
        usual=best.usual if best else None,
        n=best.n if best else run.n,
        late=late,
        like_rate=facts.like_rate,
        like_rate_median=facts.like_median,
        sound=facts.sound,
        tags=facts.tags or [],
        reached_at=facts.posted_at + timedelta(seconds=reached),
        as_of=facts.measured_at,
        text=_text(facts, best, late),
    )


def _is_late(facts: _Facts, run: Run) -> bool:
    """The second rule. It needs no curves of others, but enough posts to know the account's mean like rate."""
    if run.late is None or run.late < LATE_TIMES or len(facts.references) < FEWEST_REFERENCES:
        return False
    return facts.like_rate is not None and facts.like_mean is not None and facts.like_rate > facts.like_mean


def _text(facts: _Facts, best: AtAge | None, late: float | None) -> str:
    parts = []
    if best is not None:
        plays, usual = numbers.exact(best.plays), numbers.exact(round(best.usual))
        parts.append(
            gettext(
                "{multiple} its usual views at {age}: {plays} against a median of {usual} of {n} posts at that age"
            ).format(multiple=_times(best.multiple), age=age_text(best.age), plays=plays, usual=usual, n=best.n)
        )
    if late is not None:
        parts.append(
            gettext("{late} as many views at 48 h as after the first day, with more likes than usual").format(
                late=_times(late)
            )
        )
    if facts.like_rate is not None:
        beside = (
            gettext(" (median {like_median})").format(like_median=numbers.percent(facts.like_median))
            if facts.like_median is not None
            else ""
        )
        parts.append(
            gettext("like rate {like_rate}{beside}").format(like_rate=numbers.percent(facts.like_rate), beside=beside)
        )
    parts += [gettext("sound “{sound}”").format(sound=facts.sound)] if facts.sound else []
    parts += [" ".join(f"#{name}" for name in facts.tags)] if facts.tags else []
    return "; ".join(parts) + "."


def _missing(facts: _Facts, n: int, curves: Mapping[int, PostCurve]) -> str:
    if facts.id not in curves:
        return gettext("This post has no sound reading of its first 30 days.")
    known = len(facts.references)
    if known < FEWEST_REFERENCES:
        return gettext("Needs {fewest_references} earlier posts to compare with; {known} are known.").format(
            fewest_references=FEWEST_REFERENCES, known=known
        )
    return gettext("Needs {fewest_references} earlier posts that were read at the same age; there are {n}.").format(
        fewest_references=FEWEST_REFERENCES, n=n
    )


def _times(multiple: float) -> str:
    return f"{multiple:.1f}×"
