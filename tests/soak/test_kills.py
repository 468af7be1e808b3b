"""Everything is killed while it works, and in the end all is as if nothing had happened."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.simulating import running_simulator
from tests.soak.disasters import LATENCY_MS, WORKERS, Installation, made_installation
from tests.soak.sizes import seed, size

pytestmark = pytest.mark.soak
FIRST, THEN = "2026-11-14T12:00:00Z", "2026-11-15T15:00:00Z"


def start_all(made: Installation) -> None:
    for name in (*WORKERS, "beat"):
        made.start(name)


def events_of(made: Installation, condition: str = "true") -> Counter[str]:
    found = made.sql(f"SELECT endpoint, count(*) AS many FROM public.usage_events WHERE {condition} GROUP BY endpoint")
    return Counter({row["endpoint"]: row["many"] for row in found})


def test_after_kills_of_everything_all_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    drawn, length = seed(), size()
    print(f"\nSOAK_SEED={drawn}, {length}")
    chance = random.Random(drawn)
    began = time.monotonic()
    with (
        running_simulator("--latency-ms", str(LATENCY_MS)) as base_url,
        made_installation(tmp_path / "made", base_url, length.creators, FIRST, THEN) as made,
    ):
        print(f"{time.monotonic() - began:.0f} s: made")
        made.restore_state()
        made.make_all_due()
        start_all(made)
        made.wait_until_drained(120)
        # Killed work is read again, and a number that is rounded is no longer new when it comes for the second time.
        made.make_all_due()
        made.wait_until_drained(120)
        made.stop_all()
        undisturbed = made.dump()
        served = Counter(made.upstream.look("stats")["by_endpoint"])
        assert events_of(made) == served
        print(f"{time.monotonic() - began:.0f} s: undisturbed, {served.total()} requests")

        made.restore_state()
        made.make_all_due()
        start_all(made)
        parts = [length.kills // 4] * 3 + [length.kills - 3 * (length.kills // 4)]
        for kills, disaster in zip(
            parts, (made.kill_in_mid_tick, made.empty_valkey, made.restart_postgres, lambda: None), strict=True
        ):
            made.kill_workers_at_random(kills, chance)
            disaster()
            made.make_all_due()
        made.wait_until_drained(180)
        made.stop_all()
        disturbed = made.dump()
        served, events = Counter(made.upstream.look("stats")["by_endpoint"]), events_of(made)
        settled = events_of(made, "outcome <> 'begun'")
        print(f"{time.monotonic() - began:.0f} s: {length.kills} kills, {served.total()} requests")
    for table, rows in undisturbed.items():
        missing, more = set(rows) - set(disturbed[table]), set(disturbed[table]) - set(rows)
        assert not missing and not more, (drawn, table, sorted(missing)[:2], sorted(more)[:2])
        assert len(rows) == len(disturbed[table]), (drawn, table, "rows twice")
    print(f"requests {dict(served)}, events {dict(events)}, of which settled {dict(settled)}")
    # Who is killed between writing that a request begins and sending it leaves one too many: it says so of itself.
    assert not served - events, (drawn, "requests without an event")
    assert not settled - served, (drawn, "events of requests that were never made")
