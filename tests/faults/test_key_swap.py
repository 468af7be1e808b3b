"""A tenant's key is swapped while a real worker fetches with it: no request fails, and the old key is not used after
the requests that were under way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.e2e.stack import wait_for
from tests.faults.installation import Installation
from tests.simulating import Caller

FIRST, SECOND = "sim-own-key-of-acme-5555", "sim-own-key-of-acme-6666"
HANDLES = ("maxwellpranks", "northbay.coffee")
ADD = """
from accounts.services.own_keys import add_key
from accounts.selectors import tenant_by_slug
add_key(tenant=tenant_by_slug("acme"), typed={key!r})
"""
#: A request lasts so long at the simulator, and a call is sent within so long of reading its key.
SLOW_S, SENT_WITHIN = 0.25, timedelta(seconds=2)


@pytest.fixture
def upstream(installation: Installation) -> Iterator[Caller]:
    caller = Caller(installation.environment["TIKLIVE_BASE_URL"])
    caller.order("reset")
    caller.order("faults", [{"kind": "slow", "seconds": SLOW_S}])
    caller.order("served", {"record": True})
    yield caller
    caller.order("reset")
    installation.sql(
        "UPDATE public.tenants SET key_mode = 'shared', active_key_id = NULL, fetching_paused_at = NULL,"
        " fetching_paused_reason = '', fetching_paused_cause = '' WHERE slug = 'acme'"
    )
    caller.http.clear()


def enter(installation: Installation, key: str) -> None:
    """As the page does: the worker tries it."""
    done = installation.manage("shell", "--no-imports", "-c", ADD.format(key=key))
    assert done.returncode == 0, done.stderr


def in_use(installation: Installation, last_four: str) -> bool:
    found = installation.sql(
        "SELECT k.last_four FROM public.tenants t JOIN public.tenant_keys k ON k.id = t.active_key_id"
        " WHERE t.slug = 'acme'"
    )
    return found == [(last_four,)]


def work(installation: Installation, seconds: float) -> None:
    """Keeps every job due for a while, whatever the worker does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        installation.sql(
            "UPDATE shared.fetch_jobs SET next_due_at = now() WHERE kind IN ('profile', 'posts')"
            " AND started_at IS NULL AND next_due_at > now()"
        )
        time.sleep(0.2)


def test_a_swap_under_load_fails_no_request_and_leaves_the_old_key(
    installation: Installation, upstream: Caller
) -> None:
    began = installation.sql("SELECT now()")[0][0]
    enter(installation, FIRST)
    wait_for(lambda: in_use(installation, "5555"), "the first key")
    work(installation, 6)
    enter(installation, SECOND)
    swapped = None
    deadline = time.monotonic() + 30
    while swapped is None and time.monotonic() < deadline:
        work(installation, 0.2)
        if in_use(installation, "6666"):
            swapped = installation.sql(
                "SELECT k.activated_at FROM public.tenants t JOIN public.tenant_keys k ON k.id = t.active_key_id"
                " WHERE t.slug = 'acme'"
            )[0][0]
    assert isinstance(swapped, datetime)
    work(installation, 8)
    wait_for(lambda: installation.sql("SELECT 1 FROM shared.fetch_jobs WHERE started_at IS NOT NULL") == [], "the end")
    served = [one for one in upstream.look("served") if one["key"] in (FIRST, SECOND)]
    by_key = Counter(one["key"] for one in served)
    assert by_key[FIRST] >= 10 and by_key[SECOND] >= 10, by_key
    late = [
        one for one in served
        if one["key"] == FIRST and datetime.fromisoformat(one["at"]) > swapped + timedelta(seconds=SLOW_S) + SENT_WITHIN
    ]  # fmt: skip
    assert late == []
    outcomes: dict[object, object] = {}

    def all_have_ended() -> bool:
        """Jobs that fell due meanwhile may be at it still."""
        outcomes.clear()
        outcomes.update(
            installation.sql(
                "SELECT outcome, count(*) FROM public.usage_events e JOIN public.tenants t ON t.id = e.tenant_id"
                f" WHERE t.slug = 'acme' AND occurred_at >= '{began}' GROUP BY 1"
            )
        )
        return "begun" not in outcomes

    wait_for(all_have_ended, "requests to end")
    assert set(outcomes) == {"ok"}, outcomes
    assert installation.sql("SELECT count(*) FROM shared.fetch_jobs WHERE attempts > 0") == [(0,)]
