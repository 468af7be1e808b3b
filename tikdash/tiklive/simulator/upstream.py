"""What the endpoints share: what they answer from, how they read parameters, how they write pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from .creators import Creator
from .hashtags import Hashtags
from .population import Population
from .reply import Reply, Request
from .rows import fill_addresses
from .schedule import Plan
from .world import World

POST_ADDRESS = re.compile(r"(?:.*/@(?P<handle>[^/]*)/(?:video|photo)/)?(?P<id>\d{1,19})(?:[/?#].*)?", re.ASCII)
DIGITS = re.compile(r"\d{1,19}", re.ASCII)


@dataclass(frozen=True)
class Upstream:
    """What an endpoint needs to answer."""

    world: World
    rounded: bool = False

    @cached_property
    def population(self) -> Population:
        """Whose posts are found under hashtags and by searching."""
        return Population(self.world)

    @cached_property
    def hashtags(self) -> Hashtags:
        """Names and ids of hashtags."""
        return Hashtags(self.world.seed)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API. `answer` is called only when every required parameter is there."""

    slug: str
    required: tuple[str, ...]
    answer: Callable[[Upstream, Request], Reply]


def number_of(text: str) -> int | None:
    """An id or offset that was sent as digits, None for anything else."""
    return int(text) if DIGITS.fullmatch(text) else None


def count_of(request: Request, default: int, most: int) -> int:
    """The page size asked for, within what the endpoint gives."""
    count = number_of(request.params.get("count", ""))
    return min(count, most) if count else default


def start_of(request: Request, name: str = "cursor") -> int | None:
    """The integer to go on from, 0 when none was sent, None when it is no number."""
    return number_of(request.params.get(name) or "0")


def creator_of(upstream: Upstream, request: Request) -> Creator | None:
    """The account that `userid` names; only the numeric id counts."""
    account_id = number_of(request.params["userid"])
    return upstream.world.by_id(account_id, request.at) if account_id is not None else None


def post_of(upstream: Upstream, request: Request) -> tuple[Creator, Plan] | None:
    """The post that `url` names: an address with any handle, or a bare id."""
    match = POST_ADDRESS.fullmatch(request.params["url"].strip())
    return upstream.world.find_post(int(match["id"]), request.at, match["handle"] or "") if match else None


def data_reply(request: Request, payload: Any, creator: Creator | None = None) -> Reply:
    """Served data that costs a credit; addresses of media are completed."""
    body = fill_addresses(orjson.dumps(payload), request.base_url, request.at)
    return Reply(body, billable=True, handle=creator.handle if creator else "")


def videos_reply(
    request: Request, rows: Iterable[bytes], cursor: str | int, has_more: bool | int, creator: Creator | None = None
) -> Reply:
    """A page of posts that are already JSON; cursor and hasMore are written in the type they come in."""
    body = b'{"videos":[%b],"cursor":%b,"hasMore":%b}' % (b",".join(rows), orjson.dumps(cursor), orjson.dumps(has_more))
    handle = creator.handle if creator else ""
    return Reply(fill_addresses(body, request.base_url, request.at), billable=True, handle=handle)
