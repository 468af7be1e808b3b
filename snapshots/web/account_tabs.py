"""The parts of an account's page, one at a time: `?tab=` names it, and the rest of the address is its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snapshots.analytics.breakout import known_of
from snapshots.web import account_growth, account_insights, account_posts, account_timing
from tikdash.errors import BadInput
from tikdash.ui.htmx import with_query
from tikdash.words import N_, gettext

DEFAULT = "overview"
#: An address with one of these and without a tab is one of the posts: so it was before there were tabs.
OF_POSTS = ("sort", "after", "before", "post")


@dataclass(frozen=True)
class Tab:
    """A part of the page. `context` is made of request, account and handle, for the template `_tab_<key>.html`."""

    key: str
    label: str
    context: Callable[[Any, int, str], dict[str, Any]]


def _overview(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    posts = account_posts.newest(request, account_id, handle)
    known = known_of(request.tenant.id, account_id, account_growth.days_of_history(request))
    return {
        "chart": account_growth.chart(request, account_id),
        "happened": account_growth.happened(request, account_id, known),
        "posts": posts,
        "usual": account_posts.usual_of_account(posts["page"], known),
    }


def _posts(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    drawer = account_posts.drawer(request, account_id)
    return {"posts": account_posts.table(request, account_id, handle), "drawer": drawer}


def _insight(make: Callable[[Any, int], dict[str, Any]]) -> Callable[[Any, int, str], dict[str, Any]]:
    return lambda request, account_id, handle: {"shown": make(request, account_id)}


def _of_handle(make: Callable[[Any, int, str], dict[str, Any]]) -> Callable[[Any, int, str], dict[str, Any]]:
    return lambda request, account_id, handle: {"shown": make(request, account_id, handle)}


TABS = {
    tab.key: tab
    for tab in (
        Tab(DEFAULT, N_("Overview"), _overview),
        Tab("posts", N_("Posts"), _posts),
        Tab("hashtags", N_("Hashtags"), _of_handle(account_insights.hashtags_tab)),
        Tab("sounds", N_("Sounds"), _of_handle(account_insights.sounds_tab)),
        Tab("audience", N_("Audience"), _insight(account_insights.audience_tab)),
        Tab("timing", N_("Timing"), _insight(account_timing.timing_tab)),
        Tab("comments", N_("Comments"), _insight(account_insights.comments_tab)),
        Tab("stories", N_("Stories"), _insight(account_insights.stories_tab)),
        Tab("activity", N_("Activity"), _insight(account_insights.activity_tab)),
    )
}


def tab_in(request: Any, key: str | None = None) -> dict[str, Any]:
    """The tab that the address names, and the links to all. Raises BadInput for one that does not exist."""
    known = "posts" if any(request.GET.get(name) for name in OF_POSTS) else DEFAULT
    key = key or request.GET.get("tab") or known
    if key not in TABS:
        raise BadInput(
            gettext("There is no tab “{key}”. Choose one of: {choices}.").format(key=key[:40], choices=", ".join(TABS))
        )
    return {
        "tab": TABS[key],
        "panel": f"snapshots/_tab_{key}.html",
        # What belongs to one tab only does not follow into another.
        "tabs": [
            {"key": tab.key, "label": gettext(tab.label), "url": _url(request, tab.key), "active": tab.key == key}
            for tab in TABS.values()
        ],
    }


def _url(request: Any, key: str) -> str:
    if key == DEFAULT:
        return with_query(request, tab=None, sort=None, post=None, q=None, order=None)
    return with_query(request, tab=key, post=None, q=None, order=None)


def panel(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    """The context of `_account_tab.html`. Raises BadInput and NotFound."""
    found = tab_in(request)
    return found | {"account_id": account_id} | found["tab"].context(request, account_id, handle)
