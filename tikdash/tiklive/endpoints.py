"""The catalogue of the upstream's endpoints as data; facts are in upstream-api.md §4, times to live in F7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from tikdash.tiklive.errors import error_for
from tikdash.tiklive.shapes import (
    CommentPage,
    DownloadLinks,
    FollowPage,
    Hashtag,
    Playlist,
    PostDetail,
    PostPage,
    Sound,
    UserId,
    UserInfo,
    decode_collection,
    decode_comment_page,
    decode_download,
    decode_followers,
    decode_followings,
    decode_hashtag,
    decode_playlist,
    decode_post_detail,
    decode_post_page,
    decode_sound,
    decode_userid,
    decode_userinfo,
    plain_post_page,
)

T = TypeVar("T")

_TEN_MINUTES_S = 10 * 60
_FOURTEEN_DAYS_S = 14 * 24 * 60 * 60


class RawAnswer(Protocol):
    """An answer as it came. It travels as one object that does not show what is in it: error reports print locals."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """One path of the upstream.

    `result_key` names the list in the answer (None: a flat object), `paging` the parameter that is echoed
    from page to page, `page_size_max` the largest `count`. `ttl_s` is how long an answer may be reused,
    None for never; `cache_scope` is `shared` for metadata that is the same for everybody; `of_creator` says that
    several tenants which track the same creator may use one answer, if both callers agree to. `feature` is the
    part of the product that it serves, `credits` the price of one answer, `decode` makes the typed value of
    a body; `plain` does the same faster, and gives None for a body that has to be looked at closely.
    """

    slug: str
    required: tuple[str, ...]
    feature: str
    decode: Callable[[bytes], T]
    optional: tuple[str, ...] = ()
    result_key: str | None = None
    paging: Literal["cursor", "time"] | None = None
    page_size_max: int | None = None
    ttl_s: int | None = None
    cache_scope: Literal["tenant", "shared"] = "tenant"
    of_creator: bool = False
    credits: int = 1
    plain: Callable[[bytes], T | None] | None = None

    @property
    def path(self) -> str:
        """The path under the base address, with both slashes."""
        return f"/{self.slug}/"

    def value(self, answer: RawAnswer, *, secret: str = "") -> T:
        """What an answer says; the TikLiveError that it stands for is raised. `secret` is taken out of what is quoted.

        A page without flaws is read in one pass instead of two.
        """
        if self.plain is not None and 200 <= answer.status < 300 and (value := self.plain(answer.body)) is not None:
            return value
        error = error_for(self.slug, answer.status, answer.headers, answer.body, secret=secret)
        if error is not None:
            raise error
        return self.decode(answer.body)

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
    of_creator=True,
    decode=decode_userinfo,
)
USERINFO_BY_ID: Endpoint[UserInfo] = Endpoint(
    "userinfo-by-id",
    required=("userid",),
    feature="profile",
    ttl_s=_TEN_MINUTES_S,
    of_creator=True,
    decode=decode_userinfo,
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
    of_creator=True,
    decode=decode_post_page,
    plain=plain_post_page,
)
POST_DETAIL: Endpoint[PostDetail] = Endpoint(
    "post-detail", required=("url",), feature="posts", decode=decode_post_detail
)
POST_COMMENTS: Endpoint[CommentPage] = Endpoint(
    "post-comments",
    required=("url",),
    optional=("count", "cursor"),
    result_key="comments",
    paging="cursor",
    page_size_max=50,
    feature="comments",
    of_creator=True,
    decode=decode_comment_page,
)
USER_FOLLOWERS: Endpoint[FollowPage] = Endpoint(
    "user-followers",
    required=("userid",),
    optional=("count", "time"),
    result_key="followers",
    paging="time",
    page_size_max=200,
    feature="audience",
    of_creator=True,
    decode=decode_followers,
)
USER_FOLLOWING: Endpoint[FollowPage] = Endpoint(
    "user-following",
    required=("userid",),
    optional=("count", "time"),
    result_key="followings",
    paging="time",
    page_size_max=200,
    feature="audience",
    of_creator=True,
    decode=decode_followings,
)
CHALLENGE_INFO_NAME: Endpoint[Hashtag] = Endpoint(
    "challenge-info-name",
    required=("name",),
    feature="hashtags",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
    decode=decode_hashtag,
)
CHALLENGE_INFO_ID: Endpoint[Hashtag] = Endpoint(
    "challenge-info-id",
    required=("id",),
    feature="hashtags",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
    decode=decode_hashtag,
)
CHALLENGE_POSTS: Endpoint[PostPage] = Endpoint(
    "challenge-posts",
    required=("challenge_id",),
    optional=("count", "cursor", "region"),
    result_key="videos",
    paging="cursor",
    page_size_max=35,
    feature="hashtags",
    ttl_s=_TEN_MINUTES_S,
    decode=decode_post_page,
    plain=plain_post_page,
)
MUSIC_INFO: Endpoint[Sound] = Endpoint(
    "music-info",
    required=("music_id",),
    feature="sounds",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
    decode=decode_sound,
)
SEARCH_VIDEO: Endpoint[PostPage] = Endpoint(
    "search-video",
    required=("keyword",),
    optional=("count", "cursor", "publish_time", "sort_by", "region"),
    result_key="videos",
    paging="cursor",
    page_size_max=30,
    feature="search",
    decode=decode_post_page,
    plain=plain_post_page,
)
USER_STORIES: Endpoint[PostPage] = Endpoint(
    "user-stories",
    required=("userid",),
    optional=("count", "cursor"),
    result_key="videos",
    paging="cursor",
    feature="stories",
    of_creator=True,
    decode=decode_post_page,
    plain=plain_post_page,
)
PLAYLIST_INFO: Endpoint[Playlist] = Endpoint(
    "playlist-info",
    required=("playlist_id",),
    feature="playlists",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
    decode=decode_playlist,
)
COLLECTION_INFO: Endpoint[Playlist] = Endpoint(
    "collection-info",
    required=("collection_id",),
    feature="playlists",
    ttl_s=_FOURTEEN_DAYS_S,
    cache_scope="shared",
    decode=decode_collection,
)
DOWNLOAD_VIDEO: Endpoint[DownloadLinks] = Endpoint(
    "download-video", required=("url",), feature="downloads", decode=decode_download
)

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
