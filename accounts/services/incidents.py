"""Times in which the upstream did not answer: taken down from its circuit breaker, for the charts of all tenants."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import UpstreamIncident
from accounts.services.auditing import Target, record
from tikdash import clock
from tikdash.db.scope import no_scope
from tikdash.errors import BadInput
from tikdash.redis import where_there
from tikdash.tiklive.breaker import UPSTREAM, State, states

LONGEST_NOTE = 200
#: An outage is marked back to so long ago, and no further: it changes what charts of all tenants say.
FARTHEST_BACK = timedelta(days=400)


def mark_incident(*, began_at: datetime, ended_at: datetime | None, note: str) -> UpstreamIncident:
    """Writes down an outage that the watch did not see; charts of all tenants say so beside their gaps.

    Without `ended_at` it lasts. Raises BadInput for times that cannot be.
    """
    now, note = clock.now(), " ".join(note.split())
    if began_at > now or (ended_at and ended_at > now):
        raise BadInput("An outage lies in the past: choose times before now.")
    if began_at < now - FARTHEST_BACK:
        raise BadInput(f"Choose a beginning within the last {FARTHEST_BACK.days} days.")
    if ended_at and ended_at < began_at:
        raise BadInput("The end lies before the beginning.")
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"Say it in at most {LONGEST_NOTE} characters: customers read it.")
    with no_scope(), transaction.atomic():
        marked = UpstreamIncident.objects.create(began_at=began_at, ended_at=ended_at, note=note, by_hand=True)
        record_incident(marked)
    return marked


def record_incident(incident: UpstreamIncident) -> None:
    """The entry of an outage that an operator has marked or changed."""
    record(
        "fetching.incident_marked",
        target=Target("incident", incident.pk, str(incident)),
        after={"began_at": incident.began_at, "ended_at": incident.ended_at, "note": incident.note},
    )


def watch_upstream() -> None:
    """Opens an incident where the upstream's breaker is not closed, and ends it where it is closed again.

    What is over within the minute between two looks is nobody's gap. Without Redis nothing is known, and nothing
    changed.
    """
    stands = where_there(lambda at: states(at)[UPSTREAM], None)
    if stands is None:
        return
    with no_scope(), transaction.atomic():
        lasting = UpstreamIncident.objects.filter(ended_at=None, by_hand=False)
        if stands == State.CLOSED:
            lasting.update(ended_at=clock.now())
        elif not lasting.exists():
            # Two that look at once: the database knows only one that lasts.
            UpstreamIncident.objects.bulk_create([UpstreamIncident(began_at=clock.now())], ignore_conflicts=True)
