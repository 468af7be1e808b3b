"""The upstream's endpoints as a table: a path, its parameters and the function that answers."""

from __future__ import annotations

from .answers_accounts import user_posts, user_stories, userid, userinfo_by_id, userinfo_by_username
from .answers_follows import user_followers, user_following
from .answers_posts import download_video, post_comments, post_detail
from .answers_topics import (
    challenge_info_id,
    challenge_info_name,
    challenge_posts,
    collection_info,
    music_info,
    playlist_info,
    search_video,
)
from .upstream import Endpoint

ENDPOINTS = {
    endpoint.slug: endpoint
    for endpoint in (
        Endpoint("userid", ("username",), userid),
        Endpoint("userinfo-by-username", ("username",), userinfo_by_username),
        Endpoint("userinfo-by-id", ("userid",), userinfo_by_id),
        Endpoint("user-posts", ("userid",), user_posts),
        Endpoint("post-detail", ("url",), post_detail),
        Endpoint("post-comments", ("url",), post_comments),
        Endpoint("user-followers", ("userid",), user_followers),
        Endpoint("user-following", ("userid",), user_following),
        Endpoint("challenge-info-name", ("name",), challenge_info_name),
        Endpoint("challenge-info-id", ("id",), challenge_info_id),
        Endpoint("challenge-posts", ("challenge_id",), challenge_posts),
        Endpoint("music-info", ("music_id",), music_info),
        Endpoint("search-video", ("keyword",), search_video),
        Endpoint("user-stories", ("userid",), user_stories),
        Endpoint("playlist-info", ("playlist_id",), playlist_info),
        Endpoint("collection-info", ("collection_id",), collection_info),
        Endpoint("download-video", ("url",), download_video),
    )
}
