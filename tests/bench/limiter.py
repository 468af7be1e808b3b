"""The limiter: how fast it admits, whether any minute ever holds too much, and how fair it is on a shared key.

Speed is measured on the real server with the real clock; the two others run the real script through a simulated hour.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path

import limits
import pyrate_limiter
from django.conf import settings

from tests.bench.frame import Figure, Measure, Options, a_second, at_least, interleaved
from tests.bench.limiter_fairness import fairness
from tests.bench.limiter_windows import windows
from tikdash.redis import Script, Server
from tikdash.tiklive.admission import Admission, Rate, Turn
from tikdash.tiklive.breaker import WORKS
from tikdash.tiklive.ports import Share

BUCKET = Script(Path(__file__).parent / "bucket.lua")
#: So much that nothing is ever refused: requests a minute, and at once.
PLENTY = Rate(10_000_000, 10_000)
#: Leases end by themselves, so that about as many are open as on a busy key.
LEASE_S, PLACES = 0.002, 500
#: What the other limiters are given, as their users would: the upstream's limit on a key.
LIMIT, WINDOW_S = 200, 60
THREADS, ROUNDS = 16, 31
#: Admissions in a round.
TIMES = {"small": 200, "full": 400}

Admit = Callable[[], object]


def run(options: Options) -> Iterator[Figure]:
    server = Server(settings.REDIS_URL)
    server.connection.flushdb()
    yield from _speeds(server, TIMES[options.size])
    yield from _against_libraries(server, TIMES[options.size])
    yield from windows(server)
    yield from fairness(server)
    server.connection.flushdb()


def _speeds(server: Server, times: int) -> Iterator[Figure]:
    one, fifty = _admit(server, tenants=1), _admit(server, tenants=50)
    ended = _admit(server, tenants=1, finish=True)
    plain, by_run = _plain_bucket(server)
    for metric, admit, bucket, threads, aim in (
        ("admit_1t", one, plain, 1, at_least(0.8)),
        ("admit_1t_50_tenants", fifty, plain, 1, at_least(0.8)),
        ("admit_16t", one, plain, THREADS, at_least(0.8)),
        ("admit_16t_50_tenants", fifty, plain, THREADS, at_least(0.8)),
        ("admit_1t_same_way", one, by_run, 1, None),
        ("admit_and_finish_1t", ended, plain, 1, None),
    ):
        measured = interleaved(_a_second(admit, times, threads), _a_second(bucket, times, threads), ROUNDS)
        yield Figure("limiter", metric, "1/s", measured.value, measured.baseline, measured.rounds, aim)


def _against_libraries(server: Server, times: int) -> Iterator[Figure]:
    ours = _a_second(_admit(server, tenants=1), times)
    for metric, admit_window, forget in (("vs_limits", *_limits(server)), ("vs_pyrate", *_pyrate(server))):
        theirs = _windows_a_second(admit_window, forget, times)
        measured = interleaved(ours, theirs, ROUNDS)
        yield Figure("limiter", metric, "1/s", measured.value, measured.baseline, measured.rounds, at_least(1))


def _admit(server: Server, *, tenants: int, finish: bool = False) -> Admit:
    """One admission, and with `finish` its end, too: in turns for so many tenants of one shared key."""
    admission = Admission(server)
    share = Share(PLENTY.per_minute, PLENTY.burst)
    turns = [Turn("bench", 1 + n, PLENTY, PLACES, share, False, LEASE_S) for n in range(tenants)]
    # A new bucket is empty.
    admission.enter(turns[0])
    following = cycle(turns)

    def admit() -> None:
        slot = admission.enter(next(following))
        if finish:
            admission.finish(slot, WORKS)

    return admit


def _plain_bucket(server: Server) -> tuple[Admit, Admit]:
    """One admission by a plain bucket: asked with redis-py's own `evalsha`, and the way our scripts are asked."""
    connection, limits_of_it = server.connection, (PLENTY.per_minute, PLENTY.burst)
    sha = connection.script_load(BUCKET.source)

    def admit() -> None:
        admitted, _ = connection.evalsha(sha, 1, "bench:bucket", *limits_of_it)
        assert admitted

    def admit_by_run() -> None:
        admitted, _ = server.run(BUCKET, ["bench:bucket"], limits_of_it)
        assert admitted

    return admit, admit_by_run


def _limits(server: Server) -> tuple[Admit, Admit]:
    storage = limits.storage.RedisStorage(settings.REDIS_URL, connection_pool=server.connection.connection_pool)
    limiter = limits.strategies.MovingWindowRateLimiter(storage)
    item = limits.RateLimitItemPerSecond(LIMIT, WINDOW_S)

    def admit() -> None:
        assert limiter.hit(item, "bench")

    return admit, partial(limiter.clear, item, "bench")


def _pyrate(server: Server) -> tuple[Admit, Admit]:
    rate = pyrate_limiter.Rate(LIMIT, WINDOW_S * pyrate_limiter.Duration.SECOND)
    bucket = pyrate_limiter.RedisBucket.init([rate], server.connection, "bench:pyrate")
    limiter = pyrate_limiter.Limiter(bucket)

    def admit() -> None:
        assert limiter.try_acquire("bench", blocking=False)

    return admit, bucket.flush


def _a_second(admit: Admit, times: int, threads: int = 1) -> Measure:
    """A round of `times` admissions by so many threads; gives how many a second that were."""
    if threads == 1:
        return a_second(admit, times)

    def measure() -> float:
        ready = threading.Barrier(threads + 1)

        def work() -> None:
            ready.wait()
            for _ in range(times // threads):
                admit()

        with ThreadPoolExecutor(threads) as pool:
            workers = [pool.submit(work) for _ in range(threads)]
            ready.wait()
            began = time.perf_counter()
            for worker in workers:
                worker.result()
            return times // threads * threads / (time.perf_counter() - began)

    return measure


def _windows_a_second(admit: Admit, forget: Admit, times: int) -> Measure:
    """As `_a_second`, in whole windows: when the limit is reached the window is emptied, which does not count."""

    def measure() -> float:
        taken = 0.0
        for _ in range(times // LIMIT):
            taken += _seconds(admit, LIMIT)
            forget()
        return times / taken

    return measure


def _seconds(work: Admit, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - began
