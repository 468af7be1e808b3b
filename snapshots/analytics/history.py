"""What happened to an account, for the margin of its charts: breakouts, posts that vanished or came back, new handles,
odd numbers, times in which the upstream did not answer, and what people wrote at its days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from snapshots.analytics.attention import counters_text
from snapshots.analytics.breakout import Breakout, Known, breakouts_of, known_of
from tikdash import clock
from tikdash.db.scope import current_tenant_id, prepared_cursor
from tikdash.errors import BadInput
from tikdash.ui import numbers
from tikdash.words import gettext, local

Kind = Literal["breakout", "vanished", "returned", "renamed", "incident", "upstream", "note"]
LONGEST_DAYS = 366
MOST_OF_A_KIND = 100

#: One row a day and kind, and one a note; a day is a UTC day.
EVENTS = """
    WITH gone AS MATERIALIZED (
        SELECT deleted_at, was_gone_at, returned_at, left(coalesce(nullif(title, ''), aweme_id), 80) AS title
          FROM posts
         WHERE tenant_id = %(tenant)s AND account_id = %(account)s
               AND (deleted_at >= %(since)s OR returned_at >= %(since)s)
    )
    SELECT * FROM (
    (SELECT 'vanished', (at AT TIME ZONE 'UTC')::date AS day, count(*)::text, (array_agg(title))[1], NULL::bigint
       FROM gone, LATERAL (VALUES (deleted_at), (was_gone_at)) AS moments(at)
      WHERE at >= %(since)s
      GROUP BY day ORDER BY day DESC LIMIT {most})
     UNION ALL
    (SELECT 'returned', (returned_at AT TIME ZONE 'UTC')::date AS day, count(*)::text, (array_agg(title))[1], NULL
       FROM gone WHERE returned_at >= %(since)s
      GROUP BY day ORDER BY day DESC LIMIT {most})
     UNION ALL
    (SELECT 'renamed', (replaced_at AT TIME ZONE 'UTC')::date AS day, username, '', NULL
       FROM account_handles
      WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND replaced_at >= %(since)s
      ORDER BY day DESC LIMIT {most})
     UNION ALL
    (SELECT 'incident', captured_on, string_agg(odd.counter, ','), '', NULL
       FROM account_snapshots, LATERAL jsonb_each_text(suspect) AS odd(counter, why)
      WHERE account_id = %(account)s AND captured_on BETWEEN %(first)s AND %(last)s AND suspect IS NOT NULL
            AND odd.why <> 'rounded'
      GROUP BY captured_on ORDER BY captured_on DESC LIMIT {most})
     UNION ALL
    (SELECT 'upstream', (i.began_at AT TIME ZONE 'UTC')::date,
            concat_ws(',', extract(epoch FROM i.began_at)::bigint, extract(epoch FROM i.ended_at)::bigint), i.note, NULL
       FROM public.upstream_incidents i JOIN accounts a ON a.tenant_id = %(tenant)s AND a.id = %(account)s
      WHERE i.began_at >= %(since)s AND coalesce(i.ended_at, now()) >= a.tracked_since
      ORDER BY i.began_at DESC LIMIT {most})
     UNION ALL
    (SELECT 'note', day, text, author, id
       FROM account_notes
      WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND day >= %(first)s AND removed_at IS NULL
      ORDER BY day DESC, id DESC LIMIT {most})
    ) AS events
"""


@dataclass(frozen=True)
class Annotation:
    """Something that happened on a UTC day. `post_id` names the post of a breakout; `note_id` and `author` are those of
    what a person wrote."""

    day: date
    kind: Kind
    text: str
    post_id: int | None = None
    note_id: int | None = None
    author: str = ""


def history(account_id: int, days: int = 90, known: Known | None = None) -> list[Annotation]:
    """What happened to the account in the last `days` days, today included, the oldest first. Two statements, and those
    of the breakouts where they are not known already; one where the caller has looked whether they are.

    Raises BadInput for a range that is not 1–366 days. An account that is not of this workspace has no history.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 366 days."))
    tenant_id, today = current_tenant_id() or 0, clock.today()
    first = today - timedelta(days=days - 1)
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "account": account_id,
        "since": datetime(first.year, first.month, first.day, tzinfo=UTC),
        "first": first,
        "last": today,
    }
    with prepared_cursor(binary=True) as cursor:
        cursor.execute(EVENTS.format(most=MOST_OF_A_KIND), parameters)
        found = [_event(*row) for row in cursor.fetchall()]
    # A post may break out some time after it was made.
    ran_ahead = breakouts_of(known or known_of(tenant_id, account_id, days))
    found += [each for each in map(_breakout, ran_ahead) if each.day >= first]
    return sorted(found, key=lambda each: (each.day, each.kind, each.post_id or each.note_id or 0))


def _breakout(found: Breakout) -> Annotation:
    return Annotation(found.reached_at.astimezone(UTC).date(), "breakout", found.text, found.post_id)


def _event(kind: Kind, day: date, detail: str, more: str, note_id: int | None) -> Annotation:
    if kind == "note":
        return Annotation(day, kind, detail, note_id=note_id, author=more)
    return Annotation(day, kind, _text(kind, detail, more))


def _text(kind: Kind, detail: str, title: str) -> str:
    match kind:
        case "vanished" if detail == "1":
            return gettext("The post “{title}” vanished.").format(title=title)
        case "vanished":
            return gettext("{n} posts vanished.").format(n=detail)
        case "returned" if detail == "1":
            return gettext("The post “{title}” came back.").format(title=title)
        case "returned":
            return gettext("{n} posts came back.").format(n=detail)
        case "upstream":
            return title or _outage(*(datetime.fromtimestamp(int(at), UTC) for at in detail.split(",")))
        case "renamed":
            return gettext("The handle changed; it was @{before}.").format(before=detail)
        case _:
            said = gettext("TikTok’s answer had odd {counters}; kept aside, not in charts.")
            return said.format(counters=counters_text(detail.split(",")))


def _outage(began: datetime, ended: datetime | None = None) -> str:
    """In the reader's clock."""
    if ended is None:
        said = gettext("TikTok’s data did not come in from {began} on; numbers may be missing.")
        return said.format(began=numbers.clock(began))
    said = gettext("TikTok’s data did not come in from {began} to {ended}; numbers of that time may be missing.")
    same_day = local(began).date() == local(ended).date()
    return said.format(
        began=numbers.clock(began), ended=numbers.clock(ended) if same_day else numbers.to_the_minute(ended)
    )
