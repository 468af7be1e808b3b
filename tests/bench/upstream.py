"""The upstream of the benches: the simulator as a process of its own, with the clock at a fixed day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulating import NOW, Caller, running_simulator

#: A creator with more than a hundred posts whose rows are of the usual size (2.7 KB).
HANDLE = "lena.bakes"
KEY = "sim-bench-key"


@contextmanager
def upstream() -> Iterator[Caller]:
    """A simulator without latency or limits, for as long as the block runs."""
    with running_simulator() as base_url:
        caller = Caller(base_url)
        caller.set_clock(NOW)
        yield caller


def page_of_posts(caller: Caller, count: int) -> tuple[str, bytes]:
    """The id of an account, and the body of the first page of its posts."""
    account_id = caller.account_id(HANDLE)
    body = caller.raw("/user-posts/", key=KEY, userid=account_id, count=count).data
    return account_id, body
