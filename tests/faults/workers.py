"""A process that asks the upstream through the product's client, from several threads, and says what it saw.

`python -m tests.faults.workers ORDER`, where ORDER is an `Order` as JSON: prints “ready”, begins when a line comes on
standard input, ends when its calls are made or its input is closed, and prints a report as JSON. It is meant to be
killed: it needs nobody to clean up behind it, and goes when whoever started it has gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha1
from itertools import count
from typing import Any


@dataclass(frozen=True)
class Order:
    """What a worker is to do; times are seconds.

    Every thread asks for one of `tenants` and makes `calls` calls, or goes on until it is stopped; a call that was not
    admitted is made again when it is told to, and after `comes_back` at the latest. `asks` are slugs of endpoints
    by turns, each time about a name that nobody has asked for, or always about `about`; `twice` asks for each answer
    again. `keys` are facts of API keys by tenant, "*" for all others. Ports are made by hand but for those in
    `real_ports`. The machine's clock is wrong by `clock_off` for this process.
    """

    name: str
    base_url: str
    threads: int = 1
    calls: int | None = None
    tenants: tuple[int, ...] = (1,)
    priority: str = "background"
    asks: tuple[str, ...] = ("userid",)
    about: str = ""
    twice: bool = False
    rest: float = 0.0
    comes_back: float = 60.0
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    share: tuple[int, int] = (1_000_000, 1_000)
    real_ports: tuple[str, ...] = ()
    timeouts: tuple[float, float] = (1.0, 5.0)
    clock_off: int = 0


@dataclass(frozen=True)
class _Tenant:
    """Whose usage is written: the ledger is a shared table."""

    id: int
    schema_name: str = "public"


def main() -> None:
    """Carries out the order on the command line."""
    # Started in the background of a shell it would not hear of an interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    order = Order(**json.loads(sys.argv[1]))
    if order.clock_off:
        put_clock_wrong(order.clock_off)
    import django

    django.setup()
    crew = Crew(order)
    connect(order.threads)
    print("ready", flush=True)
    if os.read(0, 1):
        threading.Thread(target=crew.stop_at_end_of_input, daemon=True).start()
        crew.work()
    print(json.dumps({"calls": crew.calls, "events": crew.events}), flush=True)


def connect(most: int) -> None:
    """Opens connections to Redis as a process has them that has run for a while; none where Redis is not there."""
    from redis.exceptions import ConnectionError as NoConnection

    from tikdash.redis import server

    pool = server().connection.connection_pool
    try:
        for connection in [pool.get_connection() for _ in range(most)]:
            pool.release(connection)
    except NoConnection:
        return


def put_clock_wrong(seconds: int) -> None:
    """For whatever asks Python for the time of day from now on; clocks that only measure spans go on as they are."""
    import datetime as module

    right_time, right_time_ns, right = time.time, time.time_ns, module.datetime
    time.time = lambda: right_time() + seconds
    time.time_ns = lambda: right_time_ns() + seconds * 1_000_000_000

    class Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, right)

    class Wrong(right, metaclass=Kind):
        @classmethod
        def now(cls, tz: module.tzinfo | None = None) -> module.datetime:  # type: ignore[override]
            return right.now(tz) + module.timedelta(seconds=seconds)

    module.datetime = Wrong  # type: ignore[misc]


class Crew:
    """The threads of one worker, and what they have seen: `calls` and, with a meter made by hand, `events`."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.calls: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self._stopped = threading.Event()
        self._ports = ports_for(order, self.events)
        self._together = threading.Barrier(order.threads)

    def stop_at_end_of_input(self) -> None:
        while os.read(0, 64):
            continue
        self._stopped.set()

    def work(self) -> None:
        """Everything that was ordered. A single thread is the main one, where signals strike."""
        if self.order.threads == 1:
            self._ask_on(0)
            return
        threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(self.order.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask_on(self, thread: int) -> None:
        from tikdash.db.scope import tenant_scope

        tenant = self.order.tenants[thread % len(self.order.tenants)]
        with ExitStack() as stack:
            if self.order.real_ports:
                stack.enter_context(tenant_scope(_Tenant(tenant)))
            self._ask_for(tenant, thread)

    def _ask_for(self, tenant: int, thread: int) -> None:
        from tikdash.tiklive.client import client_for
        from tikdash.tiklive.transport import Timeouts

        order = self.order
        client = client_for(
            tenant, feature="growth", priority=order.priority, ports=self._ports, base_url=order.base_url,
            timeouts=Timeouts(*order.timeouts),
        )  # fmt: skip
        self._together.wait()
        for slug, about in self._questions(thread):
            ask: Callable[[], Any] = lambda slug=slug, about=about: client.answer(*_question(slug, about))  # noqa: E731
            outcome = self._asked_until_admitted(tenant, ask)
            if order.twice and outcome == "ok":
                self._asked_until_admitted(tenant, ask)
            if self._stopped.wait(order.rest) or outcome == "interrupted":
                return

    def _questions(self, thread: int) -> Iterator[tuple[str, str]]:
        order = self.order
        for number in count() if order.calls is None else range(order.calls):
            yield order.asks[number % len(order.asks)], order.about or f"{order.name}.{thread}.{number}"

    def _asked_until_admitted(self, tenant: int, ask: Callable[[], Any]) -> str:
        """How it ended; "not_admitted" where it was stopped before it was."""
        from tikdash.tiklive.errors import NotAdmitted, TikLiveError

        while not self._stopped.is_set():
            call = {"tenant": tenant, "began": time.monotonic(), "reason": "", "value": "", "from_cache": False}
            self.calls.append(call)
            wait = None
            try:
                answer = ask()
                call |= {"outcome": "ok", "value": _digest(answer.value), "from_cache": answer.from_cache}
            except NotAdmitted as refusal:
                wait = min(refusal.retry_after or 0, self.order.comes_back)
                call |= {"outcome": refusal.code, "reason": getattr(refusal, "reason", "")}
            except TikLiveError as error:
                call |= {"outcome": error.code, "reason": getattr(error, "reason", ""), "value": str(error)}
            except KeyboardInterrupt:
                call["outcome"] = "interrupted"
            except Exception as error:
                # Whatever it is, no test expects it.
                call["outcome"] = f"{type(error).__name__}: {error}"
            call["ended"] = time.monotonic()
            if wait is None:
                return str(call["outcome"])
            self._stopped.wait(wait)
        return "not_admitted"


def ports_for(order: Order, events: list[dict[str, Any]]) -> Any:
    """Ports made by hand, whose meter fills `events`, or those of the settings."""
    from tests.tiklive.ports import ClosedPace
    from tikdash.tiklive.ports import ApiKey, Ports, Share, load_ports
    from tikdash.tiklive.sieve import Everybody

    made = {tenant: ApiKey(**facts) for tenant, facts in order.keys.items()}

    class KeysByTenant:
        def key_for(self, tenant_id: int) -> ApiKey:
            return made.get(str(tenant_id)) or made["*"]

        def refused(self, tenant_id: int, key_id: str) -> bool:
            return False

        def outdated(self, tenant_id: int) -> None:
            """It does not change."""

    class SameShare:
        def allow(self, call: object) -> Share:
            return Share(*order.share)

    class Notes:
        def begin(self, event: Any) -> None:
            """What has only begun is none yet."""

        take_back = begin

        def record(self, event: Any) -> None:
            events.append(
                {name: getattr(event, name) for name in ("tenant_id", "outcome", "credits", "priority", "endpoint")}
                | {"at": event.occurred_at.timestamp() - order.clock_off, "took": event.latency_ms / 1000}
                | {"noted_at": event.occurred_at.timestamp(), "worker": order.name}
            )

        def saved(self, **what: object) -> None:
            """What cost nothing is no event."""

    by_hand = {
        "keys": KeysByTenant(),
        "gate": SameShare(),
        "meter": Notes(),
        "pace": ClosedPace(),
        "people": Everybody(),
    }
    real = load_ports()
    return Ports(**by_hand | {name: getattr(real, name) for name in order.real_ports})


def _question(slug: str, about: str) -> tuple[Any, dict[str, object]]:
    from tikdash.tiklive.endpoints import CATALOGUE

    endpoint = CATALOGUE[slug]
    return endpoint, {endpoint.required[0]: about}


def _digest(value: object) -> str:
    return sha1(repr(value).encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
