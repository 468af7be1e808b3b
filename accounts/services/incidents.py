"""Times in which the upstream did not answer: taken down from its circuit breaker, for the charts of all tenants."""

from __future__ import annotations

from django.db import transaction

from accounts.models import UpstreamIncident
from tikdash import clock
from tikdash.db.scope import no_scope
from tikdash.redis import where_there
from tikdash.tiklive.breaker import UPSTREAM, State, states


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
