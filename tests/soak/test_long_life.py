"""Months of three tenants under all faults: in the end the database holds what was served, and nothing else."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from accounts.selectors import TenantRef
from tests.cast import Cast
from tests.simulating import EPOCH, Caller, running_simulator
from tests.soak.keys import secret_of
from tests.soak.life import Life, plans_for_long_runs, without_real_waits
from tests.soak.referee import Referee, judged
from tests.soak.sizes import Size, seed, size
from tests.soak.troubles import draw_history, faults_of, outage
from tests.soak.truth import Truth
from tikdash import clock
from tikdash.tiklive.simulator.world import World

pytestmark = pytest.mark.soak
#: Named creators with a character of their own: renamed, deleting posts, hearts below zero for a day.
NAMED = ("mara.codes", "vanishing.vic", "glitchy.gus", "lena.bakes", "northbay.coffee")
FIRST = ("mira", "jonas", "aylin", "tomek", "sofia", "diego", "hana", "yuki", "linh", "arjun", "omar", "nadia")
TRADE = ("bakes", "runs", "builds", "cooks", "films", "walks", "reads", "draws", "sings", "fixes", "plants", "jokes")
#: Day 16 of the simulator's epoch renames one of the cast, day 20 shows another's hearts below zero.
BEGINS_ON_DAY = {21: 3, 90: 0}


@pytest.fixture
def tenants(committed_db: Cast) -> Iterator[list[TenantRef]]:
    with plans_for_long_runs() as tenants:
        yield tenants


def handles_for(world: World, start: datetime, size: Size, chance: random.Random) -> dict[str, list[str]]:
    """Who tracks whom, by tenant: some creators are tracked by all of them."""
    generated = [f"{name}.{trade}{n}" for n, name, trade in product(range(3), FIRST, TRADE)]
    chance.shuffle(generated)
    there = [
        handle
        for handle in (*NAMED, *generated)
        if (creator := world.find(handle, start.timestamp())) and not creator.private
    ]
    common, rest = there[: size.shared], iter(there[size.shared :])
    often, daily, two = size.accounts
    return {
        slug: common + [next(rest) for _ in range(many - size.shared)]
        for slug, many in (("globex", two), ("acme", often), ("rival", daily))
    }


def test_the_database_equals_what_was_served(tenants: list[TenantRef], settings: Any) -> None:
    drawn, length = seed(), size()
    print(f"\nSOAK_SEED={drawn}, {length}")
    chance = random.Random(drawn)
    epoch = datetime.fromisoformat(f"{EPOCH}T00:00:00+00:00")
    start = epoch + timedelta(days=BEGINS_ON_DAY[length.days], hours=1)
    clean_from, end = start + timedelta(days=length.days - 1.5), start + timedelta(days=length.days)
    world = World(drawn, epoch.timestamp())
    handles = handles_for(world, start, length, chance)
    everybody = sorted({handle for many in handles.values() for handle in many})
    history = draw_history(world, everybody, start, length.days, chance)
    truth = Truth(drawn, epoch, everybody, history)
    began = time.monotonic()
    with running_simulator("--seed", str(drawn)) as base_url, without_real_waits(settings):
        settings.TIKLIVE_BASE_URL = base_url
        upstream = Caller(base_url)
        life = Life(upstream, tenants, history, start)
        life.track(handles)
        down = start + timedelta(days=length.days // 3)
        rules = [
            rule for tenant in tenants for rule in faults_of(secret_of(tenant.id), length.few, tenant.slug == "rival")
        ]
        upstream.order("faults", [outage(down, down + timedelta(hours=20)), *rules])
        life.live_until(clean_from, print)
        hits = Counter[str]()
        for rule in upstream.look("faults"):
            hits[rule["kind"]] += rule["hit"]
        upstream.order("faults", method="DELETE")
        life.live_until(end, print)
        stats = upstream.look("stats")
    complaints, seen = [], Counter[str]()
    ids = {handle: str(world.enrol(handle)) for handle in everybody}
    with clock.at(end):
        for tenant in tenants:
            referee = Referee(tenant.slug, life.logs()[tenant.slug], truth, start, end)
            complaints += judged(
                tenant, referee, {ids[handle] for handle in handles[tenant.slug]}, tenant.slug == "acme"
            )
            seen += referee.seen
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{took}: {life.runs} runs at {life.moments} moments, {life.revived} revived, {stats['requests']} requests")
    print(f"struck: {dict(hits)}\nseen: {dict(seen)}")
    assert not complaints, f"SOAK_SEED={drawn}: {len(complaints)} complaints\n" + "\n".join(complaints[:40])
    assert sum(len(log.entries) for log in life.logs().values()) == stats["requests"]
    assert seen["true values left out"] <= 0.03 * seen["drawn"], seen
    assert seen["true values of posts left out"] <= 0.03 * seen["values of posts"], seen
    assert seen["truly vanished"] and seen["renamed"] and seen["private"] and seen["not_found"], seen
