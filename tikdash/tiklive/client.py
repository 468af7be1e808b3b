"""The client of TikLiveAPI: the only way to spend credits, always for a tenant and a feature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tikdash.tiklive import endpoints
from tikdash.tiklive.calling import Caller
from tikdash.tiklive.endpoints import Endpoint
from tikdash.tiklive.paging import Caps, Page, Walk
from tikdash.tiklive.ports import Ports, load_ports
from tikdash.tiklive.shapes import (
    Comment,
    CommentPage,
    DownloadLinks,
    Follow,
    FollowPage,
    Hashtag,
    Playlist,
    Post,
    PostDetail,
    PostPage,
    Sound,
    UserId,
    UserInfo,
)
from tikdash.tiklive.transport import Timeouts, checked_base_url

R = TypeVar("R")
T = TypeVar("T")

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 20.0


def client_for(
    tenant_id: int,
    *,
    feature: str,
    priority: str,
    fresh_since: datetime | None = None,
    shared_within: timedelta = timedelta(),
    ports: Ports | None = None,
    base_url: str | None = None,
    timeouts: Timeouts | None = None,
) -> Client:
    """The client of a tenant. `feature` and `priority` say in each usage event what credits went to.

    Answers that were measured at or before `fresh_since` are not taken from the cache. With `shared_within`, what is
    about a creator is taken from, and kept for, all who use the shared key and ask so, for so long. Priority
    `interactive` is for people who wait: a little of each key is kept for them, and they are served without Redis, too.
    Ports, address and time-outs come from the settings unless given; ImproperlyConfigured without them.
    """
    if not feature or not priority:
        raise ValueError("feature and priority must say what the calls are for")
    return Client(
        tenant_id=tenant_id,
        feature=feature,
        priority=priority,
        fresh_since=fresh_since,
        shared_within=shared_within,
        ports=load_ports() if ports is None else ports,
        base_url=_base_url(base_url),
        timeouts=_timeouts() if timeouts is None else timeouts,
    )


class Client(Caller):
    """Typed calls to the upstream."""

    def userid(self, username: str) -> UserId:
        """The numeric id behind a handle: the cheapest probe."""
        return self.call(endpoints.USERID, {"username": username})

    def userinfo_by_username(self, username: str) -> UserInfo:
        """Profile and counters behind a handle."""
        return self.call(endpoints.USERINFO_BY_USERNAME, {"username": username})

    def userinfo_by_id(self, userid: str) -> UserInfo:
        """Profile and counters of a numeric id; finds an account under its new handle."""
        return self.call(endpoints.USERINFO_BY_ID, {"userid": userid})

    def user_posts(self, userid: str, *, count: int = 30, cursor: str = "0") -> PostPage:
        """One page of an account's posts, newest first after the pinned ones. `userid` is the numeric id.

        Here as in all pages: `count` is brought into the upstream's range; `cursor` is `"0"` or what the last page
        gave, unchanged.
        """
        return self.call(endpoints.USER_POSTS, {"userid": userid, "count": count, "cursor": cursor})

    def user_stories(self, userid: str, *, count: int = 30, cursor: str = "0") -> PostPage:
        """One page of an account's stories, which expire after a day."""
        return self.call(endpoints.USER_STORIES, {"userid": userid, "count": count, "cursor": cursor})

    def user_followers(self, userid: str, *, count: int = 200, time: str = "0") -> FollowPage:
        """One page of who follows an account; `time` is `"0"` or what the last page gave, unchanged."""
        return self.call(endpoints.USER_FOLLOWERS, {"userid": userid, "count": count, "time": time})

    def user_following(self, userid: str, *, count: int = 200, time: str = "0") -> FollowPage:
        """One page of whom an account follows; paged as followers are."""
        return self.call(endpoints.USER_FOLLOWING, {"userid": userid, "count": count, "time": time})

    def post_detail(self, url: str) -> PostDetail:
        """A post with its counters and files, by its address."""
        return self.call(endpoints.POST_DETAIL, {"url": url})

    def post_comments(self, url: str, *, count: int = 50, cursor: str = "0") -> CommentPage:
        """One page of the comments on the post at an address."""
        return self.call(endpoints.POST_COMMENTS, {"url": url, "count": count, "cursor": cursor})

    def download_video(self, url: str) -> DownloadLinks:
        """Addresses of the video file of a post; they expire, and are never to be kept."""
        return self.call(endpoints.DOWNLOAD_VIDEO, {"url": url})

    def challenge_info_by_name(self, name: str) -> Hashtag:
        """A hashtag with its counters, by its name with or without `#`."""
        return self.call(endpoints.CHALLENGE_INFO_NAME, {"name": name})

    def challenge_info_by_id(self, challenge_id: str) -> Hashtag:
        """A hashtag with its counters, by its numeric id."""
        return self.call(endpoints.CHALLENGE_INFO_ID, {"id": challenge_id})

    def challenge_posts(
        self, challenge_id: str, *, count: int = 35, cursor: str = "0", region: str | None = None
    ) -> PostPage:
        """One page of posts under a hashtag; `region` is a country code of two letters."""
        params = {"challenge_id": challenge_id, "count": count, "cursor": cursor}
        return self.call(endpoints.CHALLENGE_POSTS, params | _given(region=region))

    def music_info(self, music_id: str) -> Sound:
        """A sound, by its numeric id."""
        return self.call(endpoints.MUSIC_INFO, {"music_id": music_id})

    def playlist_info(self, playlist_id: str) -> Playlist:
        """A playlist; only its id is sure."""
        return self.call(endpoints.PLAYLIST_INFO, {"playlist_id": playlist_id})

    def collection_info(self, collection_id: str) -> Playlist:
        """A collection; only its id is sure."""
        return self.call(endpoints.COLLECTION_INFO, {"collection_id": collection_id})

    def search_video(
        self,
        keyword: str,
        *,
        count: int = 30,
        cursor: str = "0",
        publish_time: int | None = None,
        sort_by: int | None = None,
        region: str | None = None,
    ) -> PostPage:
        """One page of posts found by words. `publish_time` is 0 (all), 1, 7, 30, 90 or 180 days back.

        `sort_by` is 0 for relevance and 1 for likes; sources disagree whether 2 or 3 orders by date.
        """
        params = {"keyword": keyword, "count": count, "cursor": cursor}
        return self.call(
            endpoints.SEARCH_VIDEO, params | _given(publish_time=publish_time, sort_by=sort_by, region=region)
        )

    def walk_user_posts(self, userid: str, *, caps: Caps, count: int = 35, cursor: str = "0") -> Walk[Post]:
        """An account's posts, page after page as they are asked for; `Walk.stopped` says why no more came.

        Here as in all walks: errors of a page come out of the walk, and end it; `caps` bound what it may cost.
        """
        params = {"userid": userid, "count": count}
        return self._walk(endpoints.USER_POSTS, params, _posts, caps, cursor)

    def walk_user_stories(self, userid: str, *, caps: Caps, count: int = 30, cursor: str = "0") -> Walk[Post]:
        """An account's stories of the last day."""
        return self._walk(endpoints.USER_STORIES, {"userid": userid, "count": count}, _posts, caps, cursor)

    def walk_comments(self, url: str, *, caps: Caps, count: int = 50, cursor: str = "0") -> Walk[Comment]:
        """The comments on a post."""
        return self._walk(endpoints.POST_COMMENTS, {"url": url, "count": count}, _comments, caps, cursor)

    def walk_followers(self, userid: str, *, caps: Caps, count: int = 200, time: str = "0") -> Walk[Follow]:
        """Who follows an account."""
        return self._walk(endpoints.USER_FOLLOWERS, {"userid": userid, "count": count}, _follows, caps, time)

    def walk_followings(self, userid: str, *, caps: Caps, count: int = 200, time: str = "0") -> Walk[Follow]:
        """Whom an account follows."""
        return self._walk(endpoints.USER_FOLLOWING, {"userid": userid, "count": count}, _follows, caps, time)

    def walk_challenge_posts(
        self, challenge_id: str, *, caps: Caps, count: int = 35, cursor: str = "0", region: str | None = None
    ) -> Walk[Post]:
        """The posts under a hashtag."""
        params = {"challenge_id": challenge_id, "count": count} | _given(region=region)
        return self._walk(endpoints.CHALLENGE_POSTS, params, _posts, caps, cursor)

    def _walk(
        self,
        endpoint: Endpoint[T],
        params: dict[str, object],
        page_of: Callable[[T, int], Page[R]],
        caps: Caps,
        start: str,
    ) -> Walk[R]:
        """A walk that echoes what the endpoint calls its cursor, beginning at `start`."""
        echo = endpoint.paging or "cursor"

        def fetch(cursor: str) -> Page[R]:
            return page_of(self.call(endpoint, params | {echo: cursor}), endpoint.credits)

        return Walk(fetch, identify=attrgetter("id"), caps=caps, start=start, price=endpoint.credits)


def _given(**params: object) -> dict[str, object]:
    return {name: value for name, value in params.items() if value is not None}


def _posts(page: PostPage, credits: int) -> Page[Post]:
    return Page(page.videos, page.cursor, page.has_more, credits, page.dropped)


def _comments(page: CommentPage, credits: int) -> Page[Comment]:
    return Page(page.comments, page.cursor, page.has_more, credits, page.dropped, page.total)


def _follows(page: FollowPage, credits: int) -> Page[Follow]:
    return Page(page.users, page.time, page.has_more, credits, page.dropped, page.total)


def _base_url(given: str | None) -> str:
    url = getattr(settings, "TIKLIVE_BASE_URL", "") if given is None else given
    try:
        return checked_base_url(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"TIKLIVE_BASE_URL: {error}.") from None


def _timeouts() -> Timeouts:
    return Timeouts(
        connect_s=float(getattr(settings, "TIKLIVE_CONNECT_TIMEOUT_S", _CONNECT_TIMEOUT_S)),
        read_s=float(getattr(settings, "TIKLIVE_READ_TIMEOUT_S", _READ_TIMEOUT_S)),
    )
