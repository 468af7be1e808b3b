"""The simulator's own record of what it sent, read with the referee's own eyes: no code of the client's is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from sys import intern
from typing import Any, NamedTuple

from tests.soak.truth import ACCOUNT, POST

#: More than this the client does not read.
LARGEST_BODY = 8 * 1024 * 1024
#: What was charged for, and never came (as a whole).
NEVER_HEARD = ("fault:timeout", "fault:reset")
PROFILES = ("userinfo-by-username", "userinfo-by-id")
EARLIEST_S = datetime.fromisoformat("2014-01-01T00:00:00+00:00").timestamp()
#: Faults that show posts which were never made.
SPOIL_POSTS = ("fault:endless_cursor",)


Values = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """One answer of the simulator, and what of it reached the client: a profile, a page of posts, or neither.

    `profile` is the account's id with the values of `ACCOUNT`, and whether it named the handle.
    """

    at: datetime
    key: str
    endpoint: str
    asked: str
    outcome: str
    credits: int
    size: int
    profile: tuple[str, Values, bool] | None
    page: Page | None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Sent:
        at = datetime.fromisoformat(entry["at"])
        body = _arrived(entry)
        return cls(
            at=at,
            key=intern(entry["key"]),
            endpoint=intern(entry["endpoint"]),
            asked=intern(next(iter(entry["params"].values()), "")),
            outcome=intern(entry["outcome"]),
            credits=entry["credits"],
            size=entry["bytes"],
            profile=_profile(body) if entry["endpoint"] in PROFILES else None,
            page=_page(body, at) if entry["endpoint"] == "user-posts" else None,
        )


class Row(NamedTuple):
    """A post as it stood on a page, with the values of `POST`."""

    id: str
    made: int
    pinned: bool
    values: Values


@dataclass(slots=True)
class Page:
    """`refused` where a row could not be used; `more` where others are said to follow."""

    posts: list[Row]
    refused: bool
    more: bool


@dataclass
class Read:
    """All that one run asked for about an account's posts: answers at one moment, from the first page on."""

    at: datetime
    answers: list[Sent]

    @cached_property
    def pages(self) -> list[Page]:
        return [answer.page for answer in self.answers if answer.page is not None]

    @property
    def is_sound(self) -> bool:
        """Whether it came to its end, and every row of it could be used."""
        return self.answers[-1].page is not None and not any(page.refused for page in self.pages)

    @cached_property
    def given(self) -> set[str]:
        return {post.id for page in self.pages for post in page.posts}

    @property
    def since(self) -> float | None:
        """From when on it should have held all posts; None where it says nothing."""
        in_order = [post.made for page in self.pages for post in page.posts if not post.pinned]
        if not in_order:
            return None
        return min(in_order) if self.pages[-1].more else EARLIEST_S

    @property
    def is_spoilt(self) -> bool:
        """Whether it held posts that were never made."""
        return any(answer.outcome in SPOIL_POSTS for answer in self.answers)


class Log:
    """All that was sent with one tenant's key, in its order."""

    def __init__(self, entries: list[Sent]) -> None:
        self.entries = entries
        self.profiles: defaultdict[str, list[Sent]] = defaultdict(list)
        reads: defaultdict[tuple[str, datetime], list[Sent]] = defaultdict(list)
        for sent in entries:
            if sent.endpoint in PROFILES and sent.profile is not None:
                self.profiles[sent.profile[0]].append(sent)
            elif sent.endpoint == "user-posts":
                reads[sent.asked, sent.at].append(sent)
        self.reads: defaultdict[str, list[Read]] = defaultdict(list)
        for (account_id, at), answers in reads.items():
            self.reads[account_id].append(Read(at, answers))


def _arrived(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The object that reached the client; empty where none did."""
    if entry["status"] != 200 or entry["outcome"] in NEVER_HEARD or entry["bytes"] > LARGEST_BODY:
        return {}
    return entry["body"] or {}


def _profile(body: Mapping[str, Any]) -> tuple[str, Values, bool] | None:
    user = body.get("user")
    if not isinstance(user, dict) or not _digits(user.get("id")):
        return None
    stats = body.get("stats") or user.get("stats") or {}
    values = tuple(_number(stats.get(f"{name.removesuffix('_count')}Count")) for name in ACCOUNT)
    named = bool(user.get("uniqueId") or user.get("unique_id"))
    return (intern(str(user["id"])), values, named) if any(value is not None for value in values) else None


def _page(body: Mapping[str, Any], at: datetime) -> Page | None:
    """The page; None where there is no list, or no row of it can be told from others."""
    rows = body.get("videos")
    if not isinstance(rows, list):
        return None
    page = Page([], False, body.get("hasMore") in (True, 1, "1"))
    named, seen = 0, set()
    for row in rows:
        post_id = next((str(row[name]) for name in ("video_id", "id", "aweme_id") if _digits(row.get(name))), None)
        made = _number(row.get("create_time"))
        named += post_id is not None
        if post_id is None or made is None or not EARLIEST_S <= made <= at.timestamp() + 86_400:
            page.refused = True
        elif post_id not in seen:
            seen.add(post_id)
            values = tuple(_number(row.get(name)) for name in POST)
            page.posts.append(Row(intern(post_id), made, _number(row.get("is_top")) == 1, values))
    return page if named or not rows else None


def _digits(value: object) -> bool:
    text = str(value) if type(value) is int else value
    return isinstance(text, str) and text.isascii() and text.isdigit()


def _number(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if value.lstrip("-").isascii() and value.lstrip("-").isdigit() else None
    return value if type(value) is int else None
