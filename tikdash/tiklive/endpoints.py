"""The catalogue of the upstream's endpoints as data; facts are in upstream-api.md §4, times to live in F7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from tikdash.tiklive.shapes import (
    PostPage,
    UserId,
    UserInfo,
    decode_post_page,
    decode_userid,
    decode_userinfo,
)

T = TypeVar("T")

_TEN_MINUTES_S = 10 * 60
_FOURTEEN_DAYS_S = 14 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """One path of the upstream.

    `result_key` names the list in the answer (None: a flat object), `paging` the parameter that is echoed
    from page to page, `page_size_max` the largest `count`. `ttl_s` is how long an answer may be reused,
    None for never; `cache_scope` is `shared` for metadata that is the same for everybody. `feature` is the
    part of the product that it serves, `credits` the price of one answer, `decode` makes the typed value of
    a body.
    """

    slug: str
    required: tuple[str, ...]
    feature: str
    optional: tuple[str, ...] = ()
    result_key: str | None = None
    paging: Literal["cursor", "time"] | None = None
    page_size_max: int | None = None
    ttl_s: int | None = None
    cache_scope: Literal["tenant", "shared"] = "tenant"
    credits: int = 1
    decode: Callable[[bytes], T] | None = None

    @property
    def path(self) -> str:
        """The path under the base address, with both slashes."""
        return f"/{self.slug}/"

    def check(self, params: Mapping[str, object]) -> None:
        """ValueError when `params` lacks a required name or has one that the endpoint does not know."""
        missing = [name for name in self.required if name not in params]
        unknown = [name for name in params if name not in self.required + self.optional]
        if missing or unknown:
            raise ValueError(f"{self.slug}: missing parameters {missing}, unknown parameters {unknown}")


USERID: Endpoint[UserId] = Endpoint(
    "userid", required=("username",), feature="profile", ttl_s=_TEN_MINUTES_S, decode=decode_userid
)
USERINFO_BY_USERNAME: Endpoint[UserInfo] = Endpoint(
    "userinfo-by-username",
    required=("username",),
    feature="profile",
    ttl_s=_TEN_MINUTES_S,
    decode=decode_userinfo,
)
USERINFO_BY_ID: Endpoint[Any] = Endpoint(
    "userinfo-by-id", required=("userid",), feature="profile", ttl_s=_TEN_MINUTES_S
)
USER_POSTS: Endpoint[PostPage] = Endpoint(
    "user-posts",
    required=("userid",),
    optional=("count", "cursor"),
    result_key="videos",
    paging="cursor",
    page_size_max=35,
    feature="posts",
    ttl_s=_TEN_MINUTES_S,
    decode=decode_post_page,
)
POST_DETAIL: Endpoint[Any] = Endpoint("post-detail", required=("url",), feature="posts")
POST_COMMENTS: Endpoint[Any] = Endpoint(
    "post-comments",
    required=("url",),
    optional=("count", "cursor"),
    result_key="comments",
    paging="cursor",
    page_size_max=50,
    feature="comments",
)
USER_FOLLOWERS: Endpoint[Any] = Endpoint(
    "user-followers",
    required=("userid",),
    optional=("count", "time"),
    result_key="followers",
    paging="time",
    page_size_max=200,
    feature="audience",
)
USER_FOLLOWING: Endpoint[Any] = Endpoint(
    "user-following",
    required=("userid",),
    optional=("count", "time"),
    result_key="followings",
    paging="time",
    page_size_max=200,
    feature="audience",
)
CHALLENGE_INFO_NAME: Endpoint[Any] = Endpoint(
    "challenge-info-name",
    required=("name",),
    feature="hashtags",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
)
CHALLENGE_INFO_ID: Endpoint[Any] = Endpoint(
    "challenge-info-id", required=("id",), feature="hashtags", ttl_s=_FOURTEEN_DAYS_S, cache_scope="shared"
)
CHALLENGE_POSTS: Endpoint[Any] = Endpoint(
    "challenge-posts",
    required=("challenge_id",),
    optional=("count", "cursor", "region"),
    result_key="videos",
    paging="cursor",
    page_size_max=35,
    feature="hashtags",
    ttl_s=_TEN_MINUTES_S,
)
MUSIC_INFO: Endpoint[Any] = Endpoint(
    "music-info", required=("music_id",), feature="sounds", ttl_s=_FOURTEEN_DAYS_S, cache_scope="shared"
)
SEARCH_VIDEO: Endpoint[Any] = Endpoint(
    "search-video",
    required=("keyword",),
    optional=("count", "cursor", "publish_time", "sort_by", "region"),
    result_key="videos",
    paging="cursor",
    page_size_max=30,
    feature="search",
)
USER_STORIES: Endpoint[Any] = Endpoint(
    "user-stories",
    required=("userid",),
    optional=("count", "cursor"),
    result_key="videos",
    paging="cursor",
    feature="stories",
)
PLAYLIST_INFO: Endpoint[Any] = Endpoint(
    "playlist-info",
    required=("playlist_id",),
    feature="playlists",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
)
COLLECTION_INFO: Endpoint[Any] = Endpoint(
    "collection-info",
    required=("collection_id",),
    feature="playlists",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
)
DOWNLOAD_VIDEO: Endpoint[Any] = Endpoint("download-video", required=("url",), feature="downloads")

CATALOGUE: dict[str, Endpoint[Any]] = {
    endpoint.slug: endpoint
    for endpoint in (
        USERID,
        USERINFO_BY_USERNAME,
        USERINFO_BY_ID,
        USER_POSTS,
        POST_DETAIL,
        POST_COMMENTS,
        USER_FOLLOWERS,
        USER_FOLLOWING,
        CHALLENGE_INFO_NAME,
        CHALLENGE_INFO_ID,
        CHALLENGE_POSTS,
        MUSIC_INFO,
        SEARCH_VIDEO,
        USER_STORIES,
        PLAYLIST_INFO,
        COLLECTION_INFO,
        DOWNLOAD_VIDEO,
    )
}
