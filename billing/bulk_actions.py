"""What operators do to many rows of money at once (`accounts.bulk_page`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.bulk_page import BulkAction
from billing.models import LimitRaise
from billing.services.raises import end_raise
from tikdash import clock
from tikdash.words import counted


def _end_says(rows: QuerySet[LimitRaise]) -> Sequence[str]:
    counting = rows.filter(until__gt=clock.today())
    tenants = counting.values("tenant_id").distinct().count()
    return [
        f"Counting today: {counting.count():,}, of {counted(tenants, 'tenant')}. The limits of their plans count again"
        " at once: what is beyond them is refused. It costs no credits.",
    ]


def _end(raise_id: int, data: dict[str, Any]) -> bool:
    return end_raise(raise_id=raise_id)


ACTIONS = [BulkAction("end_now", "End now", "billing.delete_limitraise", LimitRaise, _end_says, _end)]
