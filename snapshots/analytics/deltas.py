"""What changed from day to day: counters of an account by capture date, its posts by the day they were posted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from snapshots.analytics.growth import COUNTERS
from snapshots.analytics.metrics import is_noise
from tikdash import clock
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext

MOST_DAYS = 3_660
#: The first day's change is against a sound day at most so many days before the range.
WITHIN_DAYS = 31

READINGS = """
    SELECT (SELECT true FROM accounts WHERE id = %(account)s),
           array_agg(captured_on ORDER BY captured_on), array_agg({metric} ORDER BY captured_on),
           array_agg(coalesce(suspect ->> '{metric}', CASE WHEN {metric} IS NULL THEN 'missing' ELSE 'ok' END)
                     ORDER BY captured_on),
           max(captured_at) FILTER (WHERE {metric} IS NOT NULL
                                      AND coalesce(suspect ->> '{metric}', 'rounded') = 'rounded')
      FROM account_snapshots
     WHERE account_id = %(account)s AND captured_on BETWEEN %(first)s AND %(last)s
"""
#: What does not fit into 64 bits any more is a broken counter, and no reason to break the page.
MOST = 2**63 - 1
#: Posts are read in the order of the index by time: otherwise PostgreSQL, which takes an account's posts for few, may
#: read all of them by another index and throw most of them away.
POSTED = f"""
    SELECT (SELECT true FROM accounts WHERE tenant_id = %(tenant)s AND id = %(account)s),
           array_agg(day), array_agg(posts), array_agg(plays), array_agg(known), max(as_of)
      FROM (SELECT (posted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS posts,
                   (CASE WHEN count(play_count) > 0 THEN least(sum(play_count), {MOST}) END)::bigint AS plays,
                   count(play_count) AS known,
                   max(measured_at) AS as_of
              FROM (SELECT posted_at, play_count, measured_at FROM posts
                     WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND deleted_at IS NULL
                           AND posted_at >= %(first)s::timestamptz AND posted_at < %(end)s::timestamptz
                     ORDER BY posted_at DESC, id DESC) AS posted
             GROUP BY day) AS days
"""


@dataclass(frozen=True, slots=True)
class Delta:
    """One UTC day: what the counter stood at and its change since the last sound day, `over_days` days before.

    A day without a sound value has neither, and `state` says why. `is_noise` marks a fall of less than 0.1 %, which
    gets no arrow and stays in the sums.
    """

    day: date
    value: int | None
    change: int | None
    over_days: int | None
    state: str
    is_noise: bool


@dataclass(frozen=True, slots=True)
class Deltas:
    """Consecutive days by capture date from the first measured one to the last; `n` of them have a change.

    `total` is the sum of the changes, which is also the last value less the one before the first change; None without
    any change.
    """

    metric: str
    label: str
    days: list[Delta]
    total: int | None
    n: int
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted on one UTC day, and the views that these posts have by now; None where those are not known."""

    day: date
    posts: int
    plays: int | None


@dataclass(frozen=True, slots=True)
class PostedDays:
    """Every day of the range by post date, with days without posts; `n` posts in all. `state` is `missing` where the
    views of some are not known."""

    days: list[Posted]
    n: int
    state: str
    as_of: datetime | None


def deltas(*, account_id: int, metric: str, days: int) -> Deltas:
    """The daily changes of the counter `metric` of an account in the last `days` days, by capture date.

    A change after a gap is the change over the whole gap, so that sums are right. Raises BadInput for a counter that
    does not exist or a range that is not 1–3,660 days, NotFound for an account that does not exist here.
    """
    if metric not in COUNTERS:
        raise BadInput(
            gettext("There is no metric “{metric}”. Choose one of: {choices}.").format(
                metric=metric[:40], choices=", ".join(COUNTERS)
            )
        )
    today = clock.today()
    first = _first_day(days, today)
    row = prepared_row(
        READINGS.format(metric=metric),
        {"account": account_id, "first": first - timedelta(days=WITHIN_DAYS), "last": today},
    )
    if row is None or not row[0]:
        raise NotFound(gettext("There is no such account in this workspace."))
    known = {day: (value, state) for day, value, state in zip(*(column or [] for column in row[1:4]), strict=True)}
    found = _changes(known, first)
    changes = [each.change for each in found if each.change is not None]
    return Deltas(metric, gettext(COUNTERS[metric]), found, sum(changes) if changes else None, len(changes), row[4])


def by_post_date(*, tenant_id: int, account_id: int, days: int) -> PostedDays:
    """The posts of the last `days` UTC days, today included, by the day they were posted; without deleted ones.

    Raises BadInput for a range that is not 1–3,660 days, NotFound for an account that does not exist here.
    """
    today = clock.today()
    first = _first_day(days, today)
    row = prepared_row(
        POSTED,
        {
            "tenant": tenant_id,
            "account": account_id,
            "first": f"{first}T00:00Z",
            "end": f"{today + timedelta(days=1)}T00:00Z",
        },
    )
    if row is None or not row[0]:
        raise NotFound(gettext("There is no such account in this workspace."))
    columns = [column or [] for column in row[1:5]]
    known = {day: Posted(day, posts, plays) for day, posts, plays, _ in zip(*columns, strict=True)}
    n = sum(columns[1])
    return PostedDays(
        [known.get(day) or Posted(day, 0, 0) for day in _days(first, today)],
        n,
        "ok" if sum(columns[3]) == n else "missing",
        row[5],
    )


def _first_day(days: int, today: date) -> date:
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 3,660 days."))
    return today - timedelta(days=days - 1)


def _changes(known: dict[date, tuple[int | None, str]], first: date) -> list[Delta]:
    """One delta for each day from the first that is known in the range to the last."""
    found: list[Delta] = []
    before: tuple[date, int] | None = None
    begin = min((day for day in known if day >= first), default=None)
    for day in sorted(day for day in known if day < first):
        before = _sound(day, *known[day]) or before
    for day in _days(begin, max(known)) if begin else []:
        value, state = known.get(day, (None, "missing"))
        sound = _sound(day, value, state)
        change = sound[1] - before[1] if sound and before else None
        found.append(
            Delta(
                day=day,
                value=sound[1] if sound else None,
                change=change,
                over_days=(day - before[0]).days if sound and before else None,
                state=state,
                is_noise=is_noise(change, before[1] if before else None),
            )
        )
        before = sound or before
    return found


def _sound(day: date, value: int | None, state: str) -> tuple[date, int] | None:
    return (day, value) if value is not None and state in ("ok", "rounded") else None


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=index) for index in range((last - first).days + 1)]
