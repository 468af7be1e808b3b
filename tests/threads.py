"""Several threads that start the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]], timeout_s: float = 60) -> list[T]:
    """The results of the calls, each made in a thread; all threads begin together. Raises what a call raised.

    Threads see the caller's moved clock; scopes belong to a connection, so each call enters its own.
    """
    gate = threading.Barrier(len(calls))

    def one(call: Callable[[], T]) -> T:
        gate.wait(timeout_s)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(copy_context().run, one, call) for call in calls]
        return [future.result(timeout_s) for future in futures]
