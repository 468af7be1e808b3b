"""How posts have run, kept in Redis: what was found of a post holds until it or one of its references is read again.

Judging a post takes its curve and those of thirty others. A list judges sixty posts, of which since the last look few
have been read. What was found of all posts of an account is kept as a whole, too, until one of them is read again.
Without Redis, or after it was emptied, all are judged anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from redis import Redis

from snapshots.analytics.curves import Run
from tikdash.redis import Server, where_there

#: Of a tenant as a whole, from the first post on: what was decided on old values is then seen in any case.
KEPT_S = 86_400


class _Kept(msgspec.Struct, array_like=True):
    fingerprint: str
    run: Run


T = TypeVar("T")

_decoder = msgspec.msgpack.Decoder(_Kept)
_encoder = msgspec.msgpack.Encoder()


def known_runs(tenant_id: int, fingerprints: Mapping[int, str]) -> dict[int, Run]:
    """The runs of those posts whose fingerprint is still the one under which they were kept."""
    if not fingerprints:
        return {}
    posts = list(fingerprints)
    nothing: list[bytes | None] = []
    found = where_there(lambda server: _read(server, tenant_id, posts), nothing)
    kept = {post: _decoder.decode(text) for post, text in zip(posts, found, strict=False) if text}
    return {post: each.run for post, each in kept.items() if each.fingerprint == fingerprints[post]}


def keep_runs(tenant_id: int, runs: Mapping[int, tuple[str, Run]]) -> None:
    """Keeps the runs of posts, each with its fingerprint."""
    if runs:
        texts = {str(post): _encoder.encode(_Kept(*each)) for post, each in runs.items()}
        where_there(lambda server: _write(server, tenant_id, texts), None)


def kept(tenant_id: int, name: str, version: str, kind: type[T], make: Callable[[], T]) -> T:
    """What `make` gave for this name under the same version; made anew, and kept, where it is another one."""
    nothing: list[bytes | None] = [None]
    text = where_there(lambda server: _read(server, tenant_id, [name]), nothing)[0]
    if text:
        found_version, found = _kept_decoder(cast(Hashable, kind)).decode(text)
        if found_version == version:
            return found
    made = make()
    where_there(lambda server: _write(server, tenant_id, {name: _encoder.encode((version, made))}), None)
    return made


def known(tenant_id: int, versions: Mapping[str, str], kind: type[T]) -> dict[str, T]:
    """What is kept under these names and still of these versions."""
    if not versions:
        return {}
    names = list(versions)
    nothing: list[bytes | None] = []
    texts = where_there(lambda server: _read(server, tenant_id, names), nothing)
    decoder = _kept_decoder(cast(Hashable, kind))
    found = {name: decoder.decode(text) for name, text in zip(names, texts, strict=False) if text}
    return {name: value for name, (version, value) in found.items() if version == versions[name]}


def keep(tenant_id: int, made: Mapping[str, tuple[str, Any]]) -> None:
    """Keeps things by name, each with its version."""
    if made:
        texts = {name: _encoder.encode(each) for name, each in made.items()}
        where_there(lambda server: _write(server, tenant_id, texts), None)


@cache
def _kept_decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(tuple[str, kind])


def forget_runs(tenant_id: int) -> None:
    """To be called where readings are changed that were there already."""
    where_there(lambda server: _drop(server, tenant_id), None)


def _key(tenant_id: int) -> str:
    # A tenant is in one schema, so that ids of posts are of one series.
    return f"analytics:runs:1:{tenant_id}"


def _read(server: Server, tenant_id: int, names: Sequence[int | str]) -> list[bytes | None]:
    with server.reached() as redis:
        return redis.hmget(_key(tenant_id), [str(name) for name in names])  # type: ignore[return-value]


def _write(server: Server, tenant_id: int, texts: Mapping[str, bytes]) -> None:
    with server.reached() as redis:
        pipe: Redis = redis.pipeline(transaction=False)
        pipe.hset(_key(tenant_id), mapping=dict(texts.items()))
        pipe.expire(_key(tenant_id), KEPT_S, nx=True)
        pipe.execute()  # type: ignore[attr-defined]


def _drop(server: Server, tenant_id: int) -> None:
    with server.reached() as redis:
        redis.delete(_key(tenant_id))
