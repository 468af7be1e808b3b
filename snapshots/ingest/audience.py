"""Samples of who follows an account and whom it follows: the flags of each row, and storing a sample.

A flag is set where the row says so; what a row does not tell sets none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from snapshots.ingest.normalise import LONGEST_NAME
from tikdash.tiklive.shapes import Follow

FLAGS = ("no_posts", "default_avatar", "generated_handle", "bot", "private", "verified")
SIGNS_OF_A_BOT = frozenset({"no_posts", "default_avatar", "generated_handle"})
GENERATED_HANDLE = re.compile(r"user\d{6,}", re.ASCII)
#: The name of the file that TikTok shows for everybody without a picture, whatever the server, size and signature.
DEFAULT_PICTURE = "1594805258216454"
SAMPLES_KEPT = 12
LONGEST_HANDLE, LONGEST_REGION = 64, 8

NEW_SAMPLE = """
    INSERT INTO audience_samples (account_id, direction, sampled_at, size, total, flags)
    VALUES (%(account)s, %(direction)s, %(sampled_at)s, %(size)s, %(total)s, %(flags)s::jsonb)
    ON CONFLICT (tenant_id, account_id, direction, sampled_at) DO NOTHING
    RETURNING id
"""
NEW_MEMBERS = """
    INSERT INTO audience_members (account_id, sample_id, tiktok_user_id, username, nickname, region, video_count,
                                  follower_count, following_count, heart_count, verified, default_avatar, flags)
    SELECT %(account)s, %(sample)s, member.*
      FROM jsonb_to_recordset(%(members)s::jsonb) AS member(
               tiktok_user_id text, username text, nickname text, region text, video_count bigint,
               follower_count bigint, following_count bigint, heart_count bigint, verified boolean,
               default_avatar boolean, flags text[])
"""
#: Samples that showed nobody are counted apart: a list that is hidden for weeks pushes out none that has rows.
DELETE_OLD_SAMPLES = """
    WITH placed AS (
        SELECT id, row_number() OVER (PARTITION BY size > 0 ORDER BY sampled_at DESC) AS place
          FROM audience_samples WHERE account_id = %(account)s AND direction = %(direction)s
    ), old AS (
        DELETE FROM audience_samples WHERE id IN (SELECT id FROM placed WHERE place > %(kept)s) RETURNING id
    )
    DELETE FROM audience_members WHERE sample_id IN (SELECT id FROM old)
"""


@dataclass(frozen=True)
class MemberRow:
    """One row of a sample as it is stored; counters are None where the upstream gave none."""

    tiktok_user_id: str
    username: str
    nickname: str
    region: str
    video_count: int | None
    follower_count: int | None
    following_count: int | None
    heart_count: int | None
    verified: bool | None
    default_avatar: bool
    flags: list[str]


def member_rows(follows: Sequence[Follow]) -> list[MemberRow]:
    """The stored form of a list's rows; somebody who comes twice is taken once."""
    return list({row.tiktok_user_id: row for row in map(_member_row, follows)}.values())


def flags_of(follow: Follow) -> list[str]:
    """The flags of a row, in the order of `FLAGS`; `bot` is for those who bear all three signs of one."""
    borne = {
        "no_posts": follow.aweme_count == 0,
        "default_avatar": has_default_avatar(follow.avatar),
        "generated_handle": GENERATED_HANDLE.fullmatch(follow.unique_id or "") is not None,
        "private": bool(follow.secret),
        "verified": bool(follow.verified),
    }
    borne["bot"] = all(borne[sign] for sign in SIGNS_OF_A_BOT)
    return [flag for flag in FLAGS if borne[flag]]


def has_default_avatar(address: str | None) -> bool:
    """Whether the address of an avatar says that there is none of its owner's.

    It does when it is empty or names TikTok's own picture; a row without the field tells nothing.
    """
    if address is None:
        return False
    return not address.strip() or DEFAULT_PICTURE in address.partition("?")[0]


def counted_flags(rows: Sequence[MemberRow]) -> dict[str, int]:
    """How many rows bear each flag."""
    return {flag: sum(flag in row.flags for row in rows) for flag in FLAGS}


def store_sample(
    account_id: int, direction: str, rows: list[MemberRow], *, total: int | None, sampled_at: datetime
) -> bool:
    """Stores a sample with its rows and forgets all but the newest; False when that moment has one already.

    `total` is how many the upstream says there are in all.
    """
    of_account: dict[str, Any] = {"account": account_id, "direction": direction}
    flags = orjson.dumps(counted_flags(rows)).decode()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            NEW_SAMPLE,
            of_account | {"sampled_at": sampled_at, "size": len(rows), "total": _count(total), "flags": flags},
        )
        sample = cursor.fetchone()
        if sample is None:
            return False
        members = orjson.dumps([asdict(row) for row in rows]).decode()
        cursor.execute(NEW_MEMBERS, {"account": account_id, "sample": sample[0], "members": members})
        cursor.execute(DELETE_OLD_SAMPLES, of_account | {"kept": SAMPLES_KEPT})
    return True


def _member_row(follow: Follow) -> MemberRow:
    return MemberRow(
        tiktok_user_id=str(follow.id),
        username=(follow.unique_id or "").lower()[:LONGEST_HANDLE],
        nickname=(follow.nickname or "")[:LONGEST_NAME],
        region=(follow.region or "")[:LONGEST_REGION],
        video_count=_count(follow.aweme_count),
        follower_count=_count(follow.follower_count),
        following_count=_count(follow.following_count),
        heart_count=_count(follow.total_favorited),
        verified=follow.verified,
        default_avatar=has_default_avatar(follow.avatar),
        flags=flags_of(follow),
    )


def _count(value: int | None) -> int | None:
    return value if value is not None and value >= 0 else None
