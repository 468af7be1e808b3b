"""Requests to addresses that we did not choose: pictures of the upstream, webhooks of customers.

Such an address may point at our own network (SSRF), at a name that resolves differently the second time, at a server
that never ends its answer. So: http and https only, every address of the host must be public, the connection is made to
an address that was checked and to no other, each redirect is checked anew, and time and size have an end. Nothing but
what the caller names is sent, and that to the first host only. HTTP proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

from tikdash.errors import TikdashError

USER_AGENT = "Tikdash/1"
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Below this only web servers are asked: mail servers and their like take some HTTP for commands.
_LOWEST_OTHER_PORT = 1024
_LONGEST_URL = 4096
#: The only part of IPv6 that is given out; and what networks without IPv4 translate it to.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")


class OutgoingError(TikdashError):
    """A request to a foreign address brought no answer that can be used."""

    code = "outgoing_failed"
    status = 502
    message = "The address gave no answer that can be used."


class AddressRefused(OutgoingError):
    """The address must not be asked; asking again does not help."""

    code = "address_refused"
    status = 400
    message = "This address cannot be used."


class NoAnswer(OutgoingError):
    """The network, the name or the server failed; later it may work."""

    code = "no_answer"
    message = "The address did not answer."


class AnswerTooLarge(OutgoingError):
    """More bytes than the caller takes."""

    code = "answer_too_large"
    message = "The answer is too large."


@dataclass(frozen=True, slots=True)
class Limits:
    """`whole_s` seconds for everything but the look-up of names, redirects included; `step_s` for each wait within."""

    most_bytes: int
    whole_s: float = 15.0
    step_s: float = 5.0
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, whatever its status; `url` is the one that gave it."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked: where to connect to, and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        """The host as its `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def fetch(
    url: str,
    *,
    limits: Limits,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    trusted: Collection[str] = (),
) -> Answer:
    """The answer of a foreign address, whatever its status. Only a GET follows redirects, `limits.redirects` of them.

    `trusted` are hosts as `HOST:PORT` that may be in a private network.
    Raises AddressRefused, NoAnswer, AnswerTooLarge.
    """
    deadline = time.monotonic() + limits.whole_s
    sent = dict(headers or {})
    for _ in range(limits.redirects + 1):
        answer = _exchange(url, checked_target(url, trusted), method, sent, body, limits, deadline)
        location = answer.headers.get("location", "")
        if method != "GET" or answer.status not in _REDIRECTS or not location:
            return answer
        # What the caller has to say is for the host that it named.
        url, sent = urljoin(url, location), {}
    raise AddressRefused(f"The address leads on more than {limits.redirects} times.")


def checked_target(url: str, trusted: Collection[str] = ()) -> Target:
    """`url` taken apart, with the addresses of its host, all of them public unless the host is among `trusted`.

    For forms, too: raises AddressRefused with a sentence, NoAnswer for a host that nobody knows.
    """
    if len(url) > _LONGEST_URL or any(ord(character) <= 32 or character in "\\\x7f" for character in url):
        raise AddressRefused("The address is too long, or has characters that no address has.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode().rstrip("."), parts.port
    except ValueError:
        raise AddressRefused("This is no address of a web server.") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise AddressRefused("The address must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("The address must not hold a log-in.")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    is_trusted = f"{host}:{port}" in trusted
    if not is_trusted and port not in _DEFAULT_PORTS.values() and port < _LOWEST_OTHER_PORT:
        raise AddressRefused(f"Port {port} is not one of a web server.")
    addresses = _addresses_of(host, port)
    if not is_trusted and not all(is_public(address) for address in addresses):
        raise AddressRefused(f"{host} is not on the public internet.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
        f"?{quote(parts.query, safe='/%:@!$&*+,;=~?()')}" if parts.query else ""
    )
    return Target(parts.scheme, host, port, path, addresses)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever it is wrapped in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or (IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _TRANSLATED else None)
        if inner is None:
            # 6to4 wraps an IPv4 address; nobody needs it any more.
            return parsed in _GLOBAL_UNICAST and parsed.is_global and parsed.sixtofour is None
        parsed = inner
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _addresses_of(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer(f"There is no host {host[:100]}.") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _exchange(
    url: str,
    target: Target,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limits: Limits,
    deadline: float,
) -> Answer:
    """One request and its whole answer, before `deadline` of the monotonic clock."""
    late = threading.Event()
    sock = _connect(target, limits, deadline)
    # A server that sends a byte now and then meets every time-out of a single read; this one ends it all.
    guard = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [sock, late])
    guard.daemon = True
    guard.start()
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection = http.client.HTTPConnection(target.host, target.port)
        # Without its own connection it would open one, to whatever the name resolves to by then.
        connection.auto_open = 0
        connection.sock = sock
        connection.request(method, target.path, body=body, headers=_headers(target, headers))
        response = connection.getresponse()
        received = _read(response, limits.most_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(_why(target.host, error, late.is_set())) from None
    finally:
        guard.cancel()
        sock.close()
    if late.is_set():
        raise NoAnswer(f"{target.host} did not answer in time.")
    return Answer(url, response.status, {name.lower(): value for name, value in response.getheaders()}, received)


def _connect(target: Target, limits: Limits, deadline: float) -> socket.socket:
    """A socket to the first address that takes one; with TLS wrapped, but not yet agreed on."""
    for address in target.addresses:
        wait_s = min(limits.step_s, deadline - time.monotonic())
        if wait_s <= 0:
            break
        with suppress(OSError):
            sock = socket.create_connection((address, target.port), wait_s)
            if target.scheme == "http":
                return sock
            return _tls().wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
    raise NoAnswer(f"{target.host} takes no connection.")


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _headers(target: Target, headers: Mapping[str, str]) -> dict[str, str]:
    ours = {"Host": target.host_header, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    return dict(headers) | ours


def _cut(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        # Past the method of the same name of TLS sockets, which is not made for being called from another thread.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    if (response.length or 0) > most_bytes:
        raise AnswerTooLarge(f"The answer has more than {most_bytes:,} bytes.")
    received = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        received += chunk
        if len(received) > most_bytes:
            raise AnswerTooLarge(f"The answer has more than {most_bytes:,} bytes.")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(received)


def _why(host: str, error: Exception, late: bool) -> str:
    if late or isinstance(error, TimeoutError):
        return f"{host} did not answer in time."
    if isinstance(error, ssl.SSLError):
        return f"{host} and we cannot agree on TLS."
    return f"{host} broke off, or its answer is no HTTP."
