"""The limiter: what a key and a tenant may use, in what order, and that nothing ever goes beyond."""

from __future__ import annotations

import random

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tiklive.limiting import MINUTE, Limiter, most_in_a_minute, simulate
from tikdash.redis import server
from tikdash.tiklive.admission import Rate, Reason, Turn
from tikdash.tiklive.breaker import NOTHING_SAID, WORKS
from tikdash.tiklive.errors import TooBusy
from tikdash.tiklive.ports import ApiKey, Share


@pytest.fixture
def limiter() -> Limiter:
    return Limiter()


def full(limiter: Limiter) -> Limiter:
    """The same, with a full bucket."""
    limiter.pass_()
    limiter.now += MINUTE
    return limiter


# --- rates -----------------------------------------------------------------------------------------------------------


@given(st.integers(2, 100_000), st.floats(0, 1), st.integers(0, 500))
def test_burst_and_a_minutes_refill_stay_within_the_limit(limit: int, share: float, burst: int) -> None:
    rate = Rate.within(limit, share=share, burst=burst)
    assert rate.burst + rate.per_minute <= limit
    assert rate.burst >= 1 and rate.per_minute >= 1


def test_a_key_of_200_a_minute_gains_160_and_holds_10() -> None:
    assert Rate.within(200, share=0.8, burst=10) == Rate(160, 10)
    with pytest.raises(ValueError, match="at least 2"):
        Rate.within(1, share=0.8, burst=10)


def test_rates_come_from_the_key_and_the_plan() -> None:
    key, share = ApiKey("k", "secret", "cret", per_minute=50, in_flight=3), Share(7, 2)
    turn = Turn.of(key, 5, share, for_people=True, lease_s=9)
    assert (turn.rate, turn.in_flight, turn.share, turn.for_people) == (Rate(40, 10), 3, share, True)
    own = Turn.of(ApiKey("k", "secret", "cret", shared=False), 5, share, for_people=False, lease_s=9)
    assert own.share is None
    with override_settings(TIKLIVE_KEY_SHARE=0.5, TIKLIVE_KEY_BURST=4):
        assert Turn.of(key, 5, share, for_people=True, lease_s=9).rate == Rate(25, 4)


# --- the key's bucket ------------------------------------------------------------------------------------------------


def test_a_full_bucket_gives_its_burst_and_then_one_request_each_375_ms(limiter: Limiter) -> None:
    full(limiter)
    assert limiter.drain(for_people=True) == 10
    refused = limiter.pass_(for_people=True)
    assert (refused.reason, refused.wait_ms) == (Reason.KEY_RATE, 375)
    limiter.now += 374
    assert not limiter.pass_(for_people=True).admitted
    limiter.now += 1
    assert limiter.drain(for_people=True) == 1


def test_two_requests_are_kept_for_people_who_wait(limiter: Limiter) -> None:
    full(limiter)
    assert limiter.drain(for_people=False) == 8
    assert limiter.drain(for_people=True) == 2


def test_a_new_or_forgotten_bucket_holds_one_request(limiter: Limiter) -> None:
    assert limiter.drain(for_people=True) == 1
    full(limiter)
    server().connection.flushdb()
    assert limiter.drain(for_people=True) == 1


def test_a_lower_limit_holds_at_once(limiter: Limiter) -> None:
    full(limiter)
    limiter.rate = Rate(10, 2)
    assert limiter.drain(for_people=True) == 2
    assert limiter.pass_(for_people=True).wait_ms == 6_000
    limiter.rate = Rate(600, 10)
    limiter.now += 100
    assert limiter.drain(for_people=True) == 1


def test_a_server_clock_that_steps_back_gives_nothing_away_and_stops_nobody(limiter: Limiter) -> None:
    full(limiter)
    limiter.drain(for_people=True)
    limiter.now -= 60 * MINUTE
    refused = limiter.pass_(for_people=True)
    assert (refused.admitted, refused.wait_ms) == (False, 375)
    limiter.now += 375
    assert limiter.drain(for_people=True) == 1
    limiter.now += 60 * MINUTE
    assert limiter.drain(for_people=True) == 10


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.sampled_from([200, 20, 7, 2]), st.booleans())
def test_no_window_of_a_minute_holds_more_than_the_limit(seed: int, limit: int, flush: bool) -> None:
    server().connection.flushdb()
    limiter, chance, times = Limiter(limit, in_flight=10_000), random.Random(seed), []
    for _ in range(400):
        # Idle, then a crowd; a steady trickle; and everything between.
        limiter.now += int(chance.choice([0, 0, 0, 1, 30, 300, 3_000, 30_000, 90_000]) * chance.random())
        if limiter.pass_(chance.randrange(5), for_people=chance.random() < 0.5).admitted:
            times.append(limiter.now)
        if flush and chance.random() < 0.005:
            server().connection.flushdb()
    flushes = 5 if flush else 0
    assert most_in_a_minute(times) <= limit + flushes
    assert len(times) > 5 or limit < 20


# --- all or nothing --------------------------------------------------------------------------------------------------


def test_what_the_tenant_is_refused_is_not_taken_from_the_key(limiter: Limiter) -> None:
    full(limiter)
    small = Share(per_minute=6, burst=1)
    assert limiter.drain(tenant=9, share=small, for_people=True) == 1
    for _ in range(20):
        refused = limiter.pass_(9, share=small, for_people=True)
        assert (refused.reason, refused.wait_ms) == (Reason.TENANT_RATE, 10_000)
    assert limiter.drain(tenant=1, for_people=True) == 9


def test_what_the_key_refuses_is_not_taken_from_the_tenant(limiter: Limiter) -> None:
    full(limiter)
    share = Share(per_minute=60, burst=3)
    limiter.pass_(9, share=share)
    limiter.now += MINUTE
    limiter.drain(tenant=1, for_people=True)
    for _ in range(20):
        assert limiter.pass_(9, share=share, for_people=True).reason == Reason.KEY_RATE
    limiter.now += MINUTE
    limiter.pass_(1, for_people=True)
    assert limiter.drain(tenant=9, share=share, for_people=True) == 3


def test_what_has_no_place_in_flight_takes_no_token(limiter: Limiter) -> None:
    limiter.in_flight = 1
    slot, _ = full(limiter).ask(for_people=True)
    for _ in range(20):
        assert limiter.ask(for_people=True)[1].reason == Reason.IN_FLIGHT
    assert slot is not None
    limiter.admission.finish(slot, WORKS)
    limiter.in_flight = 20
    assert limiter.drain(for_people=True) == 9


def test_an_own_key_knows_no_share(limiter: Limiter) -> None:
    full(limiter)
    assert limiter.drain(share=None, for_people=True) == 10


def test_keys_do_not_share_anything(limiter: Limiter) -> None:
    full(limiter).drain(for_people=True)
    assert limiter.pass_(key_id="other", for_people=True).admitted


# --- requests in flight ----------------------------------------------------------------------------------------------


def test_no_more_requests_are_under_way_than_the_key_may_have(limiter: Limiter) -> None:
    limiter.in_flight = 4
    full(limiter)
    taken = [limiter.ask(for_people=False)[0] for _ in range(3)]
    assert [slot is not None for slot in taken] == [True, True, False]
    people = [limiter.ask(for_people=True)[0] for _ in range(3)]
    assert [slot is not None for slot in people] == [True, True, False]
    assert taken[0] is not None
    limiter.admission.finish(taken[0], NOTHING_SAID)
    assert limiter.ask(for_people=True)[0] is not None


def test_a_slot_that_is_never_given_back_ends_with_its_lease(limiter: Limiter) -> None:
    limiter.in_flight = 1
    full(limiter).ask(lease_s=5, for_people=True)
    limiter.now += 4_999
    assert limiter.ask(for_people=True)[1].reason == Reason.IN_FLIGHT
    limiter.now += 1
    assert limiter.ask(for_people=True)[0] is not None


def test_ending_twice_frees_one_place(limiter: Limiter) -> None:
    limiter.in_flight = 2
    slot, _ = full(limiter).ask(for_people=True)
    limiter.ask(for_people=True)
    assert slot is not None
    limiter.admission.finish(slot, WORKS)
    limiter.admission.finish(slot, WORKS)
    assert limiter.ask(for_people=True)[0] is not None
    assert limiter.ask(for_people=True)[0] is None


# --- turns -----------------------------------------------------------------------------------------------------------


def test_whoever_has_had_least_is_next(limiter: Limiter) -> None:
    full(limiter)
    while limiter.pass_(1).admitted:
        pass
    # Two has not had anything: it waits, and the next token is its own although One asks first.
    assert limiter.pass_(2).reason == Reason.KEY_RATE
    limiter.now += 375
    assert limiter.pass_(1).reason == Reason.TURN
    assert limiter.pass_(2).admitted
    limiter.now += 375
    assert limiter.pass_(1).admitted


def test_a_place_that_becomes_free_is_for_whoever_has_had_least(limiter: Limiter) -> None:
    limiter.in_flight = 5
    full(limiter)
    taken = [slot for slot, _ in (limiter.ask(1) for _ in range(4)) if slot is not None]
    assert len(taken) == 3
    assert limiter.pass_(2).reason == Reason.IN_FLIGHT
    limiter.admission.finish(taken[0], WORKS)
    assert limiter.pass_(1).reason == Reason.IN_FLIGHT
    assert limiter.pass_(2).admitted
    assert limiter.pass_(1).admitted


def test_tenants_that_all_want_more_than_there_is_get_the_same_by_turns(limiter: Limiter) -> None:
    full(limiter)
    got = dict.fromkeys(range(5), 0)
    for step in range(4 * 160):
        limiter.now += 375
        # Zero asks ten times for each time that the others ask once.
        for tenant in [0] * 10 + [1 + step % 4]:
            got[tenant] += limiter.pass_(tenant).admitted
    assert max(got.values()) - min(got.values()) <= 12
    assert sum(got.values()) >= 0.99 * 4 * 160


def test_a_tenant_that_waits_and_never_comes_back_costs_nobody_anything(limiter: Limiter) -> None:
    full(limiter)
    while limiter.pass_(1).admitted:
        pass
    for absent in range(100, 140):
        limiter.pass_(absent)
    before, admitted = limiter.now, 0
    while limiter.now < before + 10 * MINUTE:
        limiter.now += 100
        admitted += limiter.pass_(1).admitted
    assert admitted >= 0.99 * 10 * 160 - 8


def test_fifty_tenants_share_a_key_evenly_though_five_ask_twenty_times_as_often() -> None:
    outcome = simulate({tenant: 80 if tenant < 5 else 4 for tenant in range(50)}, minutes=5)
    assert outcome.jain >= 0.95
    assert outcome.used(160) >= 0.95
    assert most_in_a_minute(outcome.times) <= 170


def test_one_greedy_tenant_lets_forty_nine_quiet_ones_wait_less_than_two_seconds() -> None:
    outcome = simulate({tenant: 400 if tenant == 0 else 1 for tenant in range(50)}, minutes=5)
    assert outcome.wait_at(0.95, list(range(1, 50))) < 2
    assert outcome.used(160) >= 0.95
    assert outcome.got[0] > 0.5 * sum(outcome.got.values())


def test_a_slow_upstream_is_shared_as_evenly() -> None:
    outcome = simulate({tenant: 80 if tenant < 5 else 4 for tenant in range(50)}, minutes=5, latency_s=12)
    assert outcome.jain >= 0.95
    # 18 places for background work, 12 s each.
    assert sum(outcome.got.values()) >= 0.85 * 5 * 18 * 5


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_a_short_wait_is_slept_and_a_long_one_is_left_to_the_job(limiter: Limiter) -> None:
    full(limiter).drain(for_people=True)
    before = limiter.now
    limiter.admission.finish(limiter.admission.enter(limiter.turn(for_people=True)), WORKS)
    assert limiter.now - before == 375
    limiter.rate = Rate(10, 2)
    with pytest.raises(TooBusy) as caught:
        limiter.admission.enter(limiter.turn(for_people=True))
    assert limiter.now - before == 375
    assert caught.value.retry_after == pytest.approx(6, abs=0.1)
    assert (caught.value.reason, caught.value.reached) == ("key_rate", False)


def test_a_key_that_was_told_to_slow_down_keeps_still_for_everybody(limiter: Limiter) -> None:
    slot, _ = full(limiter).ask(1)
    assert slot is not None
    limiter.admission.finish(slot, NOTHING_SAID, pause_s=7)
    refused = limiter.pass_(2, for_people=True)
    assert (refused.reason, refused.wait_ms) == (Reason.PAUSED, 7_000)
    later, _ = limiter.ask(key_id="other", for_people=True)
    assert later is not None
    limiter.admission.finish(later, NOTHING_SAID, pause_s=1)
    limiter.now += 7_000
    assert limiter.pass_(2, for_people=True).admitted
