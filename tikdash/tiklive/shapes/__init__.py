"""The upstream's answers as typed values, decoded from bytes; facts and variations are in upstream-api.md §3 and §4.

A strict typed decode comes first, for speed. Only when it refuses the body, or the body may hold control
characters, each row is read field by field: what cannot be used in a field becomes None there, never a
zero. Info objects are small and come in several wrappings, so they are always read field by field.
"""

from __future__ import annotations

from tikdash.tiklive.shapes.comments import Comment, Commenter, CommentPage, decode_comment_page
from tikdash.tiklive.shapes.downloads import DownloadLinks, decode_download
from tikdash.tiklive.shapes.follows import Follow, FollowPage, decode_followers, decode_followings
from tikdash.tiklive.shapes.lenient import first_numeric_id, numeric_id
from tikdash.tiklive.shapes.lists import Playlist, decode_collection, decode_playlist
from tikdash.tiklive.shapes.posts import (
    Author,
    MusicInfo,
    Post,
    PostDetail,
    PostPage,
    decode_post_detail,
    decode_post_page,
    plain_post_page,
)
from tikdash.tiklive.shapes.sounds import Sound, decode_sound
from tikdash.tiklive.shapes.tags import Hashtag, decode_hashtag
from tikdash.tiklive.shapes.users import User, UserId, UserInfo, UserStats, decode_userid, decode_userinfo
from tikdash.tiklive.text import clean_text

__all__ = [
    "Author",
    "Comment",
    "CommentPage",
    "Commenter",
    "DownloadLinks",
    "Follow",
    "FollowPage",
    "Hashtag",
    "MusicInfo",
    "Playlist",
    "Post",
    "PostDetail",
    "PostPage",
    "Sound",
    "User",
    "UserId",
    "UserInfo",
    "UserStats",
    "clean_text",
    "decode_collection",
    "decode_comment_page",
    "decode_download",
    "decode_followers",
    "decode_followings",
    "decode_hashtag",
    "decode_playlist",
    "decode_post_detail",
    "decode_post_page",
    "decode_sound",
    "decode_userid",
    "decode_userinfo",
    "first_numeric_id",
    "numeric_id",
    "plain_post_page",
]
