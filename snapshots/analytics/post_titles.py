"""Posts by what people call them, for lists that only hold their ids."""

from __future__ import annotations

from collections.abc import Collection

from snapshots.models import Post
from tikdash.words import N_, gettext

LONGEST = 80
NO_TITLE = N_("No title")


def titles_of(post_ids: Collection[int]) -> dict[int, str]:
    """The titles by id, at most 80 characters, without posts that are not here. One statement, none without ids."""
    if not post_ids:
        return {}
    found = Post.objects.filter(pk__in=set(post_ids)).values_list("pk", "title")
    return {key: _short(title) for key, title in found}


def _short(title: str) -> str:
    title = " ".join(title.split())
    return (f"{title[: LONGEST - 1]}…" if len(title) > LONGEST else title) or gettext(NO_TITLE)
