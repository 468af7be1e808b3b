"""What nobody waits for reaches the Redis server in one round trip, in order, and whatever happens to the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tikdash.redis import Script, Server, server

NAME = "test:together"


@pytest.fixture
def append(tmp_path: Path) -> Iterator[Script]:
    """Appends to a list, and returns its length."""
    path = tmp_path / "append.lua"
    path.write_text("return redis.call('RPUSH', KEYS[1], ARGV[1])")
    server().connection.delete(NAME)
    yield Script(path)
    server().connection.delete(NAME)


def there() -> list[bytes]:
    return list(server().connection.lrange(NAME, 0, -1))  # type: ignore[arg-type]


def test_scripts_wait_for_the_end_of_the_block_and_run_in_their_order(append: Script) -> None:
    heard: list[int] = []
    with server().together():
        server().soon(append, [NAME], ["first"], then=heard.append)
        with server().together():
            server().soon(append, [NAME], ["second"], then=heard.append)
        assert (there(), heard) == ([], [])
    assert (there(), heard) == ([b"first", b"second"], [1, 2])


def test_outside_of_a_block_they_run_at_once(append: Script) -> None:
    server().soon(append, [NAME], ["alone"])
    assert there() == [b"alone"]


def test_what_is_kept_can_be_sent_before_a_long_wait(append: Script) -> None:
    with server().together():
        server().soon(append, [NAME], ["before"])
        server().send_kept()
        assert there() == [b"before"]
        server().soon(append, [NAME], ["behind"])
    assert there() == [b"before", b"behind"]


def test_an_error_in_the_block_keeps_nothing_back(append: Script) -> None:
    with pytest.raises(ValueError, match="ours"), server().together():
        server().soon(append, [NAME], ["said"])
        raise ValueError("ours")
    assert there() == [b"said"]


def test_a_server_that_has_forgotten_the_scripts_learns_them_anew(append: Script) -> None:
    server().soon(append, [NAME], ["one"])
    server().connection.script_flush()
    with server().together():
        for word in ("two", "three"):
            server().soon(append, [NAME], [word])
    assert sorted(there()) == [b"one", b"three", b"two"]


def test_a_script_that_fails_takes_no_other_with_it(append: Script, tmp_path: Path) -> None:
    broken = tmp_path / "broken.lua"
    broken.write_text("return redis.call('INCR', KEYS[1])")
    heard: list[int] = []
    with server().together():
        server().soon(append, [NAME], ["one"])
        server().soon(Script(broken), [NAME], [], then=heard.append)
        server().soon(append, [NAME], ["two"])
    assert (there(), heard) == ([b"one", b"two"], [])


def test_without_a_server_nothing_is_raised(append: Script) -> None:
    gone = Server("redis://127.0.0.1:9/0")
    with gone.together():
        gone.soon(append, [NAME], ["lost"])
    gone.soon(append, [NAME], ["lost, too"])
