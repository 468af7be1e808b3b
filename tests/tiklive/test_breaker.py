"""Breakers: what an attempt says about key and upstream, when they open, and how they close again."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.tiklive.limiting import Limiter
from tikdash.metrics import exposition
from tikdash.redis import server
from tikdash.tiklive import errors
from tikdash.tiklive.admission import Reason, Slot
from tikdash.tiklive.breaker import NOTHING_SAID, WORKS, State, Verdict, states, verdict_on
from tikdash.tiklive.errors import BreakerOpen, TikLiveError
from tikdash.tiklive.ports import Share

DOWN, DEAD_KEY = Verdict(-1, 0), Verdict(1, -1)
OPEN_MS = 60_000


@pytest.fixture
def limiter() -> Limiter:
    limiter = Limiter(100_000, burst=1_000, in_flight=1_000)
    for key_id in ("k", "a", "b", "dead", "alive"):
        limiter.pass_(key_id=key_id)
    limiter.now += 60_000
    return limiter


def slot_of(limiter: Limiter, **given: Any) -> Slot:
    slot, decision = limiter.ask(**given)
    assert slot is not None, decision
    return slot


def end(limiter: Limiter, verdict: Verdict, times: int = 1, **given: Any) -> None:
    for _ in range(times):
        limiter.admission.finish(slot_of(limiter, **given), verdict)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.UpstreamDown(), DOWN),
        (errors.UpstreamTimeout(), DOWN),
        (errors.ConnectionFailed(), DOWN),
        (errors.BadPayload(reason="not_json"), DOWN),
        (errors.BadPayload(reason="truncated"), DOWN),
        (errors.BadPayload(reason="wrong_shape"), Verdict(0, 1)),
        (errors.BadKey(), DEAD_KEY),
        (errors.OutOfCredits(), DEAD_KEY),
        (errors.RateLimited(), DEAD_KEY),
        (errors.Forbidden(), DEAD_KEY),
        (errors.EntityNotFound(), WORKS),
        (errors.PrivateEntity(), WORKS),
        (errors.BadRequest(), WORKS),
    ],
    ids=lambda value: value.code if isinstance(value, TikLiveError) else "",
)
def test_trouble_of_the_upstream_is_no_matter_of_the_key_and_the_other_way_round(
    error: TikLiveError, expected: Verdict
) -> None:
    assert verdict_on(error) == expected


def test_a_key_that_could_not_be_sent_says_nothing() -> None:
    unsent = errors.BadKey()
    unsent.reached = False
    assert verdict_on(unsent) == NOTHING_SAID


def test_eight_failures_in_a_row_open_it_and_seven_do_not(limiter: Limiter) -> None:
    end(limiter, DOWN, 7)
    end(limiter, WORKS)
    end(limiter, DOWN, 7)
    assert limiter.pass_().admitted
    end(limiter, DOWN, 8)
    refused = limiter.pass_()
    assert (refused.reason, refused.wait_ms) == (Reason.UPSTREAM_BREAKER, OPEN_MS)
    with pytest.raises(BreakerOpen) as caught:
        limiter.admission.enter(limiter.turn(for_people=True))
    assert caught.value.retry_after == 60


def test_what_is_not_found_is_no_failure_and_ends_the_row(limiter: Limiter) -> None:
    for _ in range(3):
        end(limiter, DOWN, 7)
        end(limiter, verdict_on(errors.EntityNotFound()))
    assert limiter.pass_().admitted


def test_an_upstream_that_is_down_stops_every_key(limiter: Limiter) -> None:
    end(limiter, DOWN, 8, key_id="a")
    assert limiter.pass_(key_id="b").reason == Reason.UPSTREAM_BREAKER


def test_a_dead_key_stops_itself_alone(limiter: Limiter) -> None:
    end(limiter, DEAD_KEY, 8, key_id="dead")
    assert limiter.pass_(key_id="dead").reason == Reason.KEY_BREAKER
    for _ in range(50):
        assert limiter.pass_(key_id="alive").admitted
    # By the server's own clock the test's lies far behind, and the minute is long over.
    assert states(server()) == {"upstream": State.CLOSED, "key dead": State.HALF_OPEN}
    limiter.now += OPEN_MS
    end(limiter, WORKS, key_id="dead")
    assert states(server()) == {"upstream": State.CLOSED}


def test_after_a_minute_one_request_probes_and_its_success_closes_it(limiter: Limiter) -> None:
    end(limiter, DOWN, 8)
    limiter.now += OPEN_MS - 1
    assert not limiter.pass_().admitted
    limiter.now += 1
    probe = slot_of(limiter)
    assert [limiter.pass_().reason for _ in range(20)] == [Reason.UPSTREAM_BREAKER] * 20
    change = limiter.admission.finish(probe, WORKS)
    assert change.upstream == 2
    assert limiter.pass_().admitted
    # As if nothing had been.
    end(limiter, DOWN, 7)
    assert limiter.pass_().admitted


@pytest.mark.parametrize("verdict", [DOWN, NOTHING_SAID], ids=["failed", "interrupted"])
def test_a_probe_that_does_not_succeed_opens_it_for_another_minute(limiter: Limiter, verdict: Verdict) -> None:
    end(limiter, DOWN, 8)
    for _ in range(10):
        limiter.now += OPEN_MS
        assert limiter.admission.finish(slot_of(limiter), verdict).upstream == 1
        assert limiter.pass_().wait_ms == OPEN_MS


def test_in_an_outage_of_ten_minutes_one_request_a_minute_is_made(limiter: Limiter) -> None:
    end(limiter, DOWN, 8)
    made = 0
    for _ in range(10 * 60 * 4):
        limiter.now += 250
        slot, _ = limiter.ask(for_people=True)
        if slot is not None:
            made += 1
            limiter.admission.finish(slot, DOWN)
    assert made == 10


def test_a_prober_that_dies_is_followed_by_another_after_its_lease(limiter: Limiter) -> None:
    end(limiter, DOWN, 8)
    limiter.now += OPEN_MS
    slot_of(limiter, lease_s=90)
    limiter.now += 89_999
    assert not limiter.pass_().admitted
    limiter.now += 1
    end(limiter, WORKS)
    assert limiter.pass_().admitted


def test_operators_see_which_breakers_are_not_closed(limiter: Limiter) -> None:
    limiter.now = int(time.time() * 1000)
    end(limiter, DEAD_KEY, 8, key_id="dead")
    limiter.now -= 2 * OPEN_MS
    end(limiter, DOWN, 8, key_id="a")
    assert states(server()) == {"upstream": State.HALF_OPEN, "key dead": State.OPEN}
    shown = exposition().decode()
    assert 'tikdash_upstream_breaker_state{breaker="upstream"} 1.0' in shown
    assert 'tikdash_upstream_breaker_state{breaker="key dead"} 2.0' in shown


def test_what_was_sent_before_it_opened_decides_nothing(limiter: Limiter) -> None:
    early = [slot_of(limiter) for _ in range(3)]
    end(limiter, DOWN, 8)
    assert limiter.admission.finish(early[0], WORKS).upstream == 0
    assert not limiter.pass_().admitted
    limiter.now += OPEN_MS
    probe = slot_of(limiter)
    limiter.admission.finish(early[1], WORKS)
    assert not limiter.pass_().admitted
    limiter.admission.finish(early[2], DOWN)
    limiter.admission.finish(probe, WORKS)
    assert limiter.pass_().admitted


def test_one_request_may_probe_for_both(limiter: Limiter) -> None:
    slots = [slot_of(limiter, key_id="k") for _ in range(16)]
    for number, slot in enumerate(slots):
        limiter.admission.finish(slot, DEAD_KEY if number < 8 else DOWN)
    assert limiter.pass_(key_id="k").reason == Reason.UPSTREAM_BREAKER
    limiter.now += OPEN_MS
    change = limiter.admission.finish(slot_of(limiter, key_id="k"), WORKS)
    assert (change.upstream, change.key) == (2, 2)
    assert limiter.pass_(key_id="k").admitted


def test_a_refused_request_is_no_probe(limiter: Limiter) -> None:
    end(limiter, DOWN, 8)
    limiter.now += OPEN_MS
    refused = limiter.pass_(tenant=9, share=Share(6, 0))
    assert refused.reason == Reason.TENANT_RATE
    end(limiter, WORKS)
    assert limiter.pass_().admitted


def test_a_clock_that_steps_back_does_not_keep_it_open(limiter: Limiter) -> None:
    end(limiter, DOWN, 8)
    limiter.now -= 3_600_000
    assert limiter.pass_().admitted
