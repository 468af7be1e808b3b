"""What happened to an account, for the margin of its charts: breakouts, vanished posts, new handles, odd numbers.

That a post came back leaves no trace in the database, so it is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from django.db import connection

from snapshots.analytics.attention import counters_text
from snapshots.analytics.breakout import Breakout, breakouts
from tikdash import clock
from tikdash.db.scope import current_tenant_id
from tikdash.errors import BadInput

Kind = Literal["breakout", "vanished", "renamed", "incident"]
LONGEST_DAYS = 366
MOST_OF_A_KIND = 100

#: One row a day and kind; a day is a UTC day.
EVENTS = """
    SELECT * FROM (
    (SELECT 'vanished', (deleted_at AT TIME ZONE 'UTC')::date AS day, count(*)::text,
            (array_agg(left(coalesce(nullif(title, ''), aweme_id), 80)))[1]
       FROM posts
      WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND deleted_at >= %(since)s
      GROUP BY day ORDER BY day DESC LIMIT {most})
     UNION ALL
    (SELECT 'renamed', (replaced_at AT TIME ZONE 'UTC')::date AS day, username, ''
       FROM account_handles
      WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND replaced_at >= %(since)s
      ORDER BY day DESC LIMIT {most})
     UNION ALL
    (SELECT 'incident', captured_on, string_agg(odd.counter, ','), ''
       FROM account_snapshots, LATERAL jsonb_each_text(suspect) AS odd(counter, why)
      WHERE account_id = %(account)s AND captured_on BETWEEN %(first)s AND %(last)s AND suspect IS NOT NULL
            AND odd.why <> 'rounded'
      GROUP BY captured_on ORDER BY captured_on DESC LIMIT {most})
    ) AS events
"""


@dataclass(frozen=True)
class Annotation:
    """Something that happened on a UTC day. `post_id` names the post of a breakout."""

    day: date
    kind: Kind
    text: str
    post_id: int | None = None


def history(account_id: int, days: int = 90) -> list[Annotation]:
    """What happened to the account in the last `days` days, today included, the oldest first. Three statements.

    Raises BadInput for a range that is not 1–366 days. An account that is not of this workspace has no history.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput("The range must be between 1 and 366 days.")
    tenant_id, today = current_tenant_id() or 0, clock.today()
    first = today - timedelta(days=days - 1)
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "account": account_id,
        "since": datetime(first.year, first.month, first.day, tzinfo=UTC),
        "first": first,
        "last": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(EVENTS.format(most=MOST_OF_A_KIND), parameters)
        found = [Annotation(day, kind, _text(kind, *details)) for kind, day, *details in cursor.fetchall()]
    # A post may break out some time after it was made.
    found += [each for each in map(_breakout, breakouts(tenant_id, [account_id], days)) if each.day >= first]
    return sorted(found, key=lambda each: (each.day, each.kind, each.post_id or 0))


def _breakout(found: Breakout) -> Annotation:
    return Annotation(found.reached_at.astimezone(UTC).date(), "breakout", found.text, found.post_id)


def _text(kind: Kind, detail: str, title: str) -> str:
    match kind:
        case "vanished":
            return f"The post “{title}” vanished." if detail == "1" else f"{detail} posts vanished."
        case "renamed":
            return f"The handle changed; it was @{detail}."
        case _:
            return f"TikTok's answer had odd {counters_text(detail.split(','))}; kept aside, not in charts."
