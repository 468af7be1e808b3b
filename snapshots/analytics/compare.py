"""Up to ten accounts beside each other: one counter on one axis, the table of metrics, shares of voice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from snapshots.analytics.engagement import Summary, summary
from snapshots.analytics.growth import COUNTERS
from snapshots.analytics.metrics import Value, share_of_voice
from snapshots.analytics.metrics.values import MISSING, OK
from snapshots.analytics.windows import SETTLED_AFTER
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext

MOST_ACCOUNTS = 10
MOST_DAYS = 3_660
VOICE_DAYS = (7, 30, 90)

#: In one row of arrays, as for the chart of one account.
SERIES = """
    SELECT a.*, s.*
      FROM (SELECT array_agg(id), array_agg(username) FROM accounts
             WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::bigint[])) AS a,
           (SELECT array_agg(account_id), array_agg(captured_on - %(first)s::date), array_agg({metric}),
                   array_agg(captured_at)
              FROM account_snapshots
             WHERE account_id = ANY(%(ids)s::bigint[]) AND captured_on BETWEEN %(first)s AND %(last)s
                   AND {metric} IS NOT NULL
                   AND (suspect IS NULL OR coalesce(suspect ->> '{metric}', 'rounded') = 'rounded')) AS s
"""
#: What does not fit into 64 bits any more is a broken counter, and no reason to break the page.
MOST = 2**63 - 1
#: Posts are read in the order of the index by time: otherwise PostgreSQL, which takes an account's posts for few, may
#: read all of them by another index and throw most of them away.
VOICES = f"""
    SELECT array_agg(a.id), array_agg(a.username), array_agg(v.posts), array_agg(v.plays), array_agg(v.played),
           array_agg(v.engagement), array_agg(v.engaged), array_agg(v.as_of),
           array_agg(coalesce(a.video_count = 0, false) OR EXISTS (
               SELECT FROM posts p WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id))
      FROM accounts a CROSS JOIN LATERAL (
           SELECT count(*) AS posts, least(coalesce(sum(play_count), 0), {MOST})::bigint AS plays,
                  count(play_count) AS played, least(coalesce(sum(engagement), 0), {MOST})::bigint AS engagement,
                  count(engagement) AS engaged, max(measured_at) AS as_of
             FROM (SELECT play_count, digg_count::numeric + comment_count + share_count AS engagement, measured_at
                     FROM posts p
                    WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.deleted_at IS NULL
                          AND p.posted_at >= %(first)s AND p.posted_at < %(last)s
                    ORDER BY p.posted_at DESC, p.id DESC) AS posted) AS v
     WHERE a.tenant_id = %(tenant)s AND a.id = ANY(%(ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One account on the common axis; None is a gap. `reason` says why there is no line; otherwise it is empty."""

    account_id: int
    handle: str
    values: list[float | int | None]
    n: int
    as_of: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lines in the order that was asked for, all on the days `dates`, by capture date.

    Where `indexed`, all lines are 100 on `base_on`, the first day on which every account that was read at all has a
    sound value.
    """

    metric: str
    label: str
    dates: list[str]
    lines: list[Line]
    indexed: bool
    base_on: date | None


@dataclass(frozen=True, slots=True)
class Voice:
    """An account's shares of the views, the engagement and the number of posts of all accounts together."""

    account_id: int
    handle: str
    plays: Value
    engagement: Value
    posts: Value


@dataclass(frozen=True, slots=True)
class ShareOfVoice:
    """Of posts of the last `days` days by post date that are older than 24 hours and not deleted."""

    days: int
    voices: list[Voice]
    as_of: datetime | None


def series_of(
    *, tenant_id: int, account_ids: Sequence[int], metric: str, days: int, indexed: bool = False
) -> Comparison:
    """One counter of several accounts over the last `days` days, absolute or indexed to 100.

    Raises BadInput for none or more than ten accounts, one that is named twice, a counter that does not exist or a
    range that is not 1–3,660 days; NotFound for an account that does not exist here.
    """
    _check_ids(account_ids)
    if metric not in COUNTERS:
        raise BadInput(
            gettext("There is no metric “{metric}”. Choose one of: {choices}.").format(
                metric=metric[:40], choices=", ".join(COUNTERS)
            )
        )
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 3,660 days."))
    today = clock.today()
    first = today - timedelta(days=days - 1)
    row = prepared_row(
        SERIES.format(metric=metric),
        {"tenant": tenant_id, "ids": list(account_ids), "first": first, "last": today},
    )
    ids, handles, *readings = [column or [] for column in row or [None] * 6]
    _check_found(ids, account_ids)
    known = dict(zip(ids, (_Known(handle) for handle in handles), strict=True))
    for account_id, days_later, value, at in zip(*readings, strict=True):
        known[account_id].add(days_later, value, at)
    shown = _shown_days([each for each in known.values() if each.values])
    base = _common_day([each for each in known.values() if each.values]) if indexed else None
    return Comparison(
        metric,
        gettext(COUNTERS[metric]),
        [(first + timedelta(days=index)).isoformat() for index in shown],
        [_line(account_id, known[account_id], shown, indexed, base) for account_id in account_ids],
        indexed,
        None if base is None else first + timedelta(days=base),
    )


def table(*, tenant_id: int, account_ids: Sequence[int]) -> list[Summary]:
    """The metrics of each account in the order that was asked for. Raises BadInput and NotFound as `series_of`."""
    _check_ids(account_ids)
    found = summary(tenant_id=tenant_id, account_ids=account_ids)
    _check_found(found, account_ids)
    return [found[account_id] for account_id in account_ids]


def voices(*, tenant_id: int, account_ids: Sequence[int], days: int = 30) -> ShareOfVoice:
    """Who of these accounts is seen how much: shares of views, engagement and posts over 7, 30 or 90 days.

    An account whose posts have not been read has no share and is in no sum. Raises BadInput for another range;
    otherwise BadInput and NotFound as `series_of`.
    """
    _check_ids(account_ids)
    if days not in VOICE_DAYS:
        raise BadInput(
            gettext("Shares of voice are of {choices} or {voice_days} days.").format(
                choices=", ".join(map(str, VOICE_DAYS[:-1])), voice_days=VOICE_DAYS[-1]
            )
        )
    now = clock.now()
    row = prepared_row(
        VOICES,
        {
            "tenant": tenant_id,
            "ids": list(account_ids),
            "first": now - timedelta(days=days),
            "last": now - SETTLED_AFTER,
        },
    )
    found = {each[0]: _Heard(*each) for each in zip(*(column or [] for column in row or ()), strict=True)}
    _check_found(found, account_ids)
    read = [each for each in found.values() if each.is_read]
    whole = _Whole(sum(e.plays for e in read), sum(e.engagement for e in read), sum(e.posts for e in read))
    return ShareOfVoice(
        days,
        [_voice(found[account_id], whole) for account_id in account_ids],
        max((each.as_of for each in read if each.as_of), default=None),
    )


@dataclass
class _Known:
    """The sound values of an account by day, counted from the first day of the range."""

    handle: str
    values: dict[int, int] = field(default_factory=dict)
    as_of: datetime | None = None

    def add(self, days_later: int, value: int, at: datetime) -> None:
        self.values[days_later] = value
        self.as_of = at if self.as_of is None else max(self.as_of, at)


class _Heard(NamedTuple):
    """A row of `VOICES`: sums, and how many posts each sum is of."""

    account_id: int
    handle: str
    posts: int
    plays: int
    played: int
    engagement: int
    engaged: int
    as_of: datetime | None
    is_read: bool


class _Whole(NamedTuple):
    plays: int
    engagement: int
    posts: int


def _check_ids(account_ids: Sequence[int]) -> None:
    if not account_ids:
        raise BadInput(gettext("Choose at least one account to compare."))
    if len(account_ids) > MOST_ACCOUNTS:
        raise BadInput(
            gettext("At most {most_accounts} accounts can be compared; you chose {n}.").format(
                most_accounts=MOST_ACCOUNTS, n=len(account_ids)
            )
        )
    if len(set(account_ids)) < len(account_ids):
        raise BadInput(gettext("An account was chosen twice."))


def _check_found(found: Collection[int], account_ids: Sequence[int]) -> None:
    if len(found) < len(account_ids):
        raise NotFound(gettext("One of these accounts is not in this workspace."))


def _shown_days(read: Sequence[_Known]) -> range:
    """From the first day on which any account was read to the last."""
    if not read:
        return range(0)
    return range(min(min(each.values) for each in read), max(max(each.values) for each in read) + 1)


def _common_day(read: Sequence[_Known]) -> int | None:
    """The first day on which all of them have a value."""
    days = [set(each.values) for each in read]
    return min(set.intersection(*days), default=None) if days else None


def _line(account_id: int, known: _Known, shown: range, indexed: bool, base: int | None) -> Line:
    reason = _no_line(known, indexed, base)
    values: list[float | int | None] = [None if reason else known.values.get(day) for day in shown]
    if indexed and base is not None and not reason:
        hundred = known.values[base] / 100
        values = [None if value is None else value / hundred for value in values]
    return Line(account_id, known.handle, values, len(known.values), known.as_of, reason)


def _no_line(known: _Known, indexed: bool, base: int | None) -> str:
    """Why an account has no line, or nothing."""
    if not known.values:
        return gettext("There is no sound value in this range.")
    if indexed and base is None:
        return gettext("There is no day on which all of these accounts have a sound value.")
    if indexed and base is not None and known.values[base] == 0:
        return gettext("It cannot be indexed: it stood at 0 on the first common day.")
    return ""


def _voice(heard: _Heard, whole: _Whole) -> Voice:
    def share(part: int, of: int, n: int) -> Value:
        state = MISSING if n < heard.posts else OK
        return share_of_voice(part if heard.is_read else None, of, n, state=state, as_of=heard.as_of)

    return Voice(
        heard.account_id,
        heard.handle,
        plays=share(heard.plays, whole.plays, heard.played),
        engagement=share(heard.engagement, whole.engagement, heard.engaged),
        posts=share(heard.posts, whole.posts, heard.posts),
    )
