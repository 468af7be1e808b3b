"""What needs somebody's attention: accounts that are gone, private, renamed, stale, or whose numbers are odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection

from snapshots.analytics.growth import COUNTERS
from snapshots.models import FetchJob
from tikdash import clock
from tikdash.retelling import retold
from tikdash.ui import numbers
from tikdash.words import gettext, ngettext

Kind = Literal["not_found", "dead_job", "private", "suspect", "stale", "vanished", "renamed"]
#: The weightiest first: what keeps numbers from coming, then what makes them doubtful, then what is good to know.
KINDS: tuple[Kind, ...] = ("not_found", "dead_job", "private", "suspect", "stale", "vanished", "renamed")
RECENT = timedelta(days=7)
#: Times its rhythm that a header may be old.
STALE_AFTER = 2
MOST_NOTICES = 100
#: Where a page shows more about it: the part of the account's page.
LINKS: dict[Kind, str] = {
    "not_found": "header",
    "private": "header",
    "dead_job": "jobs",
    "stale": "jobs",
    "suspect": "growth",
    "vanished": "posts",
    "renamed": "header",
}

NOTICES = """
    WITH account AS MATERIALIZED (
        SELECT id, username, state, measured_at, tracked_since FROM accounts
         WHERE tenant_id = %(tenant)s {chosen}
    ), job AS MATERIALIZED (
        SELECT j.account_id, j.kind, j.state, j.cadence_s, j.failed_at, j.error, j.created_at
          FROM fetch_jobs j
         WHERE j.tenant_id = %(tenant)s AND j.account_id IS NOT NULL AND (j.state = 'dead' OR j.kind = 'profile')
    ), notice AS (
        SELECT a.state AS kind, a.id, a.username, a.measured_at AS since, '' AS detail
          FROM account a WHERE a.state IN ('private', 'not_found')
         UNION ALL
        SELECT 'dead_job', a.id, a.username, coalesce(j.failed_at, j.created_at), j.kind || ':' || j.error
          FROM job j JOIN account a ON a.id = j.account_id WHERE j.state = 'dead'
         UNION ALL
        SELECT 'stale', a.id, a.username, coalesce(a.measured_at, a.tracked_since), j.cadence_s::text
          FROM job j JOIN account a ON a.id = j.account_id
         WHERE j.kind = 'profile' AND j.state = 'active' AND a.state IN ('active', 'private')
               AND coalesce(a.measured_at, a.tracked_since) < %(now)s - {stale} * j.cadence_s * interval '1 second'
         UNION ALL
        SELECT 'suspect', a.id, a.username, s.captured_at, odd.counters
          FROM account a
         CROSS JOIN LATERAL (
               SELECT captured_at, suspect FROM account_snapshots
                WHERE account_id = a.id AND captured_on BETWEEN %(first)s AND %(today)s
                ORDER BY captured_on DESC LIMIT 1) s
         CROSS JOIN LATERAL (
               SELECT string_agg(counter, ',') AS counters FROM jsonb_each_text(s.suspect) AS each(counter, why)
                WHERE why <> 'rounded') odd
         WHERE a.state <> 'paused' AND odd.counters IS NOT NULL
         UNION ALL
        SELECT 'vanished', a.id, a.username, max(p.deleted_at), count(*)::text
          FROM account a JOIN posts p ON p.tenant_id = %(tenant)s AND p.account_id = a.id
         WHERE p.deleted_at >= %(recent)s
         GROUP BY a.id, a.username
         UNION ALL
        SELECT 'renamed', a.id, a.username, h.replaced_at, h.username
          FROM account a JOIN account_handles h ON h.tenant_id = %(tenant)s AND h.account_id = a.id
         WHERE h.replaced_at >= %(recent)s AND h.username <> a.username
    )
    SELECT kind, id, username, since, detail FROM notice
     ORDER BY array_position(%(kinds)s::text[], kind), since DESC NULLS LAST, id
     LIMIT {most}
"""


@dataclass(frozen=True)
class Notice:
    """One thing to look at. `since` is when it was found; `link_hint` names the part of the account's page."""

    kind: Kind
    account_id: int
    handle: str
    sentence: str
    since: datetime | None
    link_hint: str


def attention(tenant_id: int, account_ids: Sequence[int] | None = None) -> list[Notice]:
    """What needs attention, the weightiest first and then the newest; at most 100, in one statement."""
    now = clock.now()
    statement = NOTICES.format(
        chosen="" if account_ids is None else "AND id = ANY(%(accounts)s)",
        stale=STALE_AFTER,
        most=MOST_NOTICES,
    )
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "accounts": list(account_ids or ()),
        "now": now,
        "today": now.date(),
        "first": now.date() - RECENT,
        "recent": now - RECENT,
        "kinds": list(KINDS),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [
            Notice(kind, account, handle, _sentence(kind, handle, detail, since, now), since, LINKS[kind])
            for kind, account, handle, since, detail in cursor.fetchall()
        ]


def counters_text(counters: Sequence[str]) -> str:
    """Counters of an account by their names for people: `followers, hearts and videos`."""
    names = [gettext(label).lower() for counter, label in COUNTERS.items() if counter in counters]
    if not names:
        return gettext("numbers")
    if len(names) == 1:
        return names[0]
    return gettext("{some} and {last}").format(some=", ".join(names[:-1]), last=names[-1])


def _sentence(kind: Kind, handle: str, detail: str, since: datetime | None, now: datetime) -> str:
    name = f"@{handle}"
    match kind:
        case "not_found":
            return gettext("{name} is not found on TikTok any more.").format(name=name)
        case "private":
            return gettext("{name} has become private: only its header can be read.").format(name=name)
        case "dead_job":
            work, _, error = detail.partition(":")
            if not error:
                return gettext("{work} of {name} failed too often and stopped.").format(work=_work(work), name=name)
            said = gettext("{work} of {name} failed too often and stopped: {error}")
            return said.format(work=_work(work), name=name, error=retold(error))
        case "suspect":
            said = gettext("The newest {counters} of {name} look wrong and were kept aside.")
            return said.format(counters=counters_text(detail.split(",")), name=name)
        case "stale":
            said = gettext("{name} was last read {time}; it should be read every {rhythm}.")
            return said.format(name=name, time=numbers.ago(since, now), rhythm=_rhythm(int(detail)))
        case "vanished":
            count = int(detail)
            said = ngettext(
                "A post of {name} vanished in the last 7 days.",
                "{n} posts of {name} vanished in the last 7 days.",
                count,
            )
            return said.format(n=count, name=name)
        case "renamed":
            return gettext("@{before} is now {name}.").format(before=detail, name=name)


def _work(kind: str) -> str:
    return gettext(FetchJob.Kind(kind).label) if kind in FetchJob.Kind.values else kind


def _rhythm(seconds: int) -> str:
    if seconds < 5_400:
        return gettext("{n} min").format(n=max(1, round(seconds / 60)))
    if seconds <= 172_800:
        return gettext("{n} h").format(n=round(seconds / 3600))
    return gettext("{n} days").format(n=round(seconds / 86_400))
