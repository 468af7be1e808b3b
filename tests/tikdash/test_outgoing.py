"""Requests to addresses that strangers choose: no way into our own network, and an end to everything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tikdash import outgoing
from tikdash.outgoing import AddressRefused, AnswerTooLarge, Limits, NoAnswer, checked_target, fetch, is_public

LIMITS = Limits(most_bytes=10_000, whole_s=1.0, step_s=0.6, redirects=2)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """Answers each connection with what `answer` writes to it; keeps what was asked."""

    def __init__(self, answer: Callable[[socket.socket], object], address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listening = socket.create_server(address)
        self.port = self._listening.getsockname()[1]
        self.trusted = [f"127.0.0.1:{self.port}"]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        # Closing alone would leave the thread in `accept`, and the port open.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                asked = connection.recv(65_536)
                if asked.startswith(b"POST") and asked.endswith(b"\r\n\r\n"):
                    asked += connection.recv(65_536)
                self.asked.append(asked)
                self._answer(connection)
            except OSError:
                return


@contextmanager
def serving(answer: Callable[[socket.socket], object] | bytes, *address: str | int) -> Iterator[Server]:
    answers = (lambda connection: connection.sendall(answer)) if isinstance(answer, bytes) else answer
    server = Server(answers, *([address] if address else []))
    try:
        yield server
    finally:
        server.close()


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


# --- which addresses may be asked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fc00::1", "fd12::1",
        "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
        "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:db8::1", "2001::1", "::127.0.0.1", "no address", "",
    ],
)  # fmt: skip
def test_an_address_of_a_private_network_is_not_public_however_it_is_wrapped(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST.", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "10.0.0.8",
        "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fc00::1]", "[fe80::1]", "１２７.0.0.1", "127.0.0.1。",
    ],
)  # fmt: skip
def test_a_host_that_is_ours_in_any_spelling_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="is not on the public internet"):
        checked_target(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.org/x", "must begin with http:// or https://"),
        ("file:///etc/passwd", "must begin with http:// or https://"),
        ("gopher://127.0.0.1:6379/_x", "must begin with http:// or https://"),
        ("//8.8.8.8/", "must begin with http:// or https://"),
        ("http:///x", "name a host"),
        ("http://me:secret@8.8.8.8/", "must not hold a log-in"),
        ("http://8.8.8.8@127.0.0.1/", "must not hold a log-in"),
        ("http://8.8.8.8\\@127.0.0.1/", "characters that no address has"),
        ("http://8.8.8.8/a b", "characters that no address has"),
        ("http://8.8.8.8/\r\nHost: x", "characters that no address has"),
        ("http://8.8.8.8/" + "x" * 5000, "too long"),
        ("http://8.8.8.8:99999/", "no address of a web server"),
        ("http://[::1/", "no address of a web server"),
        ("http://8.8.8.8:25/", "Port 25 is not one of a web server"),
        ("http://8.8.8.8:0/", "Port 0 is not"),
        ("http://" + "x" * 300 + ".org/", "no address of a web server"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_words(url: str, sentence: str) -> None:
    with pytest.raises(AddressRefused, match=sentence):
        checked_target(url)


def test_an_address_of_the_internet_is_taken_apart_with_the_addresses_of_its_host() -> None:
    target = checked_target("https://8.8.8.8/a/ä?q=é&x=1")
    assert (target.scheme, target.port, target.addresses) == ("https", 443, ("8.8.8.8",))
    assert (target.path, target.host_header) == ("/a/%C3%A4?q=%C3%A9&x=1", "8.8.8.8")
    assert checked_target("http://[2606:4700::1111]:8080").host_header == "[2606:4700::1111]:8080"


def names_lead_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """The resolver of this machine gives these addresses for names, the last ones for ever."""
    left, real = list(answers), socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **named: Any) -> list[Any]:
        if not host.endswith(".org"):
            return real(host, port, *arguments, **named)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("addresses", [["10.0.0.5"], ["8.8.8.8", "10.0.0.5"], ["169.254.169.254"]])
def test_a_name_one_of_whose_addresses_is_private_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    names_lead_to(monkeypatch, addresses)
    with pytest.raises(AddressRefused, match="rebind.example.org is not on the public internet"):
        fetch("http://rebind.example.org/", limits=LIMITS)


def test_a_name_that_leads_elsewhere_the_second_time_is_not_asked_a_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(OK) as checked, serving(OK, "127.0.0.2", checked.port) as other:
        names_lead_to(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        name = f"rebind.example.org:{checked.port}"
        assert fetch(f"http://{name}/", limits=LIMITS, trusted=[name]).status == 200
        assert (len(checked.asked), other.asked) == (1, [])
        # The name, not the address, is what the server hears, and what its certificate would have to be of.
        assert f"Host: {name}".encode() in checked.asked[0]


def test_a_name_that_nobody_knows_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match="There is no host nobody.invalid"):
        fetch("http://nobody.invalid/", limits=LIMITS)


# --- what is sent, and what comes back -------------------------------------------------------------------------------


def test_an_answer_comes_back_whole_and_nothing_is_sent_that_nobody_named() -> None:
    with serving(OK) as server:
        answer = fetch(server.url("/a?b=1"), limits=LIMITS, headers={"Accept": "image/*"}, trusted=server.trusted)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "text/plain")
        [asked] = server.asked
    head, *lines = asked.decode().strip().split("\r\n")
    assert head == "GET /a?b=1 HTTP/1.1"
    assert dict(line.split(": ") for line in lines) == {
        "Accept": "image/*",
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Tikdash/1",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def test_a_body_is_posted_and_a_redirect_of_it_is_handed_back() -> None:
    with serving(redirect("http://127.0.0.1/")) as server:
        answer = fetch(server.url("/hook"), limits=LIMITS, method="POST", body=b"{}", trusted=server.trusted)
        assert (answer.status, len(server.asked)) == (302, 1)
        assert server.asked[0].startswith(b"POST /hook HTTP/1.1\r\n") and server.asked[0].endswith(b"\r\n\r\n{}")


def test_a_trusted_host_is_trusted_on_its_own_port_only() -> None:
    with serving(OK) as server, serving(OK) as other:
        assert fetch(server.url(), limits=LIMITS, trusted=server.trusted).status == 200
        with pytest.raises(AddressRefused):
            fetch(other.url(), limits=LIMITS, trusted=server.trusted)
        assert other.asked == []


def test_a_redirect_is_followed_and_carries_nothing_of_the_callers_to_the_next_host() -> None:
    with serving(OK) as second, serving(redirect(second.url("/there"))) as first:
        trusted = [*first.trusted, *second.trusted]
        answer = fetch(first.url(), limits=LIMITS, headers={"Authorization": "Bearer x"}, trusted=trusted)
        assert (answer.body, answer.url) == (b"hello", second.url("/there"))
        assert b"Bearer x" in first.asked[0] and b"Bearer" not in second.asked[0]


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "//[::1]/"],
)
def test_a_redirect_to_a_private_address_is_refused(location: str) -> None:
    with serving(OK) as private, serving(redirect(location.format(port=private.port))) as server:
        with pytest.raises(AddressRefused):
            fetch(server.url(), limits=LIMITS, trusted=server.trusted)
        assert private.asked == []


def test_the_third_redirect_is_one_too_many() -> None:
    with serving(redirect("/again")) as server:
        with pytest.raises(AddressRefused, match="leads on more than 2 times"):
            fetch(server.url(), limits=LIMITS, trusted=server.trusted)
        assert len(server.asked) == 3


# --- servers that never end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [b"Content-Length: 20000\r\n", b""])
def test_a_body_beyond_the_cap_is_not_read_on(length: bytes) -> None:
    sent = 0

    def endless(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while True:
            sent += connection.send(b"x" * 1000)

    with serving(endless) as server, pytest.raises(AnswerTooLarge, match="more than 10,000 bytes"):
        fetch(server.url(), limits=LIMITS, trusted=server.trusted)
    assert sent < 50_000_000


def drip(prefix: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(prefix)
        while True:
            time.sleep(0.05)
            connection.sendall(drop)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda connection: time.sleep(5),
    ],
    ids=["body", "body with length", "header", "chunks", "continue", "silence"],
)
def test_a_server_that_keeps_us_waiting_is_left_in_time(answer: Callable[[socket.socket], object]) -> None:
    began = time.monotonic()
    with serving(answer) as server, pytest.raises(NoAnswer, match="did not answer in time"):
        fetch(server.url(), limits=LIMITS, trusted=server.trusted)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
    ],
    ids=["nothing", "ssh", "short body", "short chunk", "headers", "status"],
)
def test_an_answer_that_breaks_off_or_is_no_http_is_no_answer(answer: bytes) -> None:
    with serving(answer) as server, pytest.raises(NoAnswer):
        fetch(server.url(), limits=LIMITS, trusted=server.trusted)


def test_a_port_that_takes_no_connection_or_speaks_no_tls_is_no_answer() -> None:
    with serving(OK) as server:
        url = server.url()
        with pytest.raises(NoAnswer, match="cannot agree on TLS"):
            fetch(url.replace("http:", "https:"), limits=LIMITS, trusted=server.trusted)
    with pytest.raises(NoAnswer, match="takes no connection"):
        fetch(url, limits=LIMITS, trusted=server.trusted)
