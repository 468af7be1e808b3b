"""Nothing about people whom we leave out gets past here, whichever endpoint they come from.

The one place through which every decoded answer goes: rows of these people are taken out, mentions of them in others'
texts are blanked, and an answer about such a person is none. An answer in which one was found is kept nowhere.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

from msgspec.structs import replace

from tikdash.tiklive.errors import EntityNotFound
from tikdash.tiklive.shapes import CommentPage, FollowPage, PostDetail, PostPage, Sound, UserId, UserInfo

T = TypeVar("T")


class PersonLeftOut(EntityNotFound):
    """The answer is about somebody of whom we keep nothing."""

    code = "person_left_out"
    message = "No data is kept about this account: its owner has asked for that."


class People(Protocol):
    """Who is left out."""

    def is_nobody(self) -> bool:
        """True where nobody is: then nothing has to be looked at."""
        ...

    def is_left_out(self, *, id: str | None = None, handle: str | None = None, sec_uid: str | None = None) -> bool:
        """Whether what is known of somebody leads to a person who is left out."""
        ...

    def without_names(self, text: str) -> str:
        """The text without handles of people who are left out; the same object where it has none."""
        ...


class Everybody:
    """For clients that tests and benchmarks make by hand: nobody is left out."""

    def is_nobody(self) -> bool:
        return True

    def is_left_out(self, **_known: str | None) -> bool:
        return False

    def without_names(self, text: str) -> str:
        return text


def sieved(value: T, people: People) -> T:
    """The answer without them: the very same object where none of them is in it. Raises PersonLeftOut."""
    if people.is_nobody():
        return value
    return cast(T, _sieved(value, people))


def _sieved(value: Any, people: People) -> Any:
    if isinstance(value, UserInfo):
        user = value.user
        if people.is_left_out(id=_text(user.id), handle=user.unique_id, sec_uid=user.sec_uid):
            raise PersonLeftOut
        found = _blanked(user, people, "nickname", "signature")
        return value if found is user else replace(value, user=found)
    if isinstance(value, UserId):
        if people.is_left_out(id=value.id):
            raise PersonLeftOut
        return value
    if isinstance(value, FollowPage):
        return _with_rows(value, "users", [_follow(row, people) for row in value.users])
    if isinstance(value, CommentPage):
        return _with_rows(value, "comments", [_comment(row, people) for row in value.comments])
    if isinstance(value, PostPage):
        return _with_rows(value, "videos", [_post(row, people) for row in value.videos])
    if isinstance(value, PostDetail):
        found = _post(value, people)
        if found is None:
            raise PersonLeftOut
        return found
    if isinstance(value, Sound):
        return _blanked(value, people, "title", "author", "album")
    return value


def _follow(row: Any, people: People) -> Any:
    if people.is_left_out(id=row.id, handle=row.unique_id, sec_uid=row.sec_uid):
        return None
    return _blanked(row, people, "nickname", "signature")


def _comment(row: Any, people: People) -> Any:
    user = row.user
    if user is not None:
        if people.is_left_out(id=_text(user.id), handle=user.unique_id, sec_uid=user.sec_uid):
            return None
        kept = _blanked(user, people, "nickname")
        row = row if kept is user else replace(row, user=kept)
    return _blanked(row, people, "text")


def _post(row: Any, people: People) -> Any:
    author, music = row.author, row.music_info
    if author is not None and people.is_left_out(id=_text(author.id), handle=author.unique_id):
        return None
    if music is not None:
        kept = _blanked(music, people, "title", "author")
        row = row if kept is music else replace(row, music_info=kept)
    return _blanked(row, people, "title")


def _with_rows(page: Any, name: str, rows: list[Any]) -> Any:
    before = getattr(page, name)
    kept = tuple(row for row in rows if row is not None)
    if len(kept) == len(before) and all(new is old for new, old in zip(kept, before, strict=True)):
        return page
    return replace(page, **{name: kept})


def _blanked(shape: Any, people: People, *names: str) -> Any:
    changed = {}
    for name in names:
        text = getattr(shape, name)
        if text and (found := people.without_names(text)) is not text:
            changed[name] = found
    return replace(shape, **changed) if changed else shape


def _text(value: object) -> str | None:
    return None if value is None else str(value)
