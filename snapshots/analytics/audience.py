"""Who follows an account: the share of rows that look like bots, with its interval, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from snapshots.analytics.intervals import wilson
from tikdash.db.scope import current_tenant_id
from tikdash.errors import NotFound
from tikdash.words import gettext

#: Of a smaller sample nothing is said: 2 of 10 may be anything from 6 to 51 %.
FEWEST_ROWS = 50
MOST_EXAMPLES = 20
MOST_SAMPLES = 24

#: Half a dozen rows an account; whoever bears all three signs is shown first.
SAMPLES = """
    SELECT a.follower_count, a.following_count, a.measured_at, s.id, s.direction, s.sampled_at, s.size, s.total, s.flags
      FROM accounts a
      LEFT JOIN LATERAL (
           SELECT * FROM audience_samples
            WHERE tenant_id = %(tenant)s AND account_id = a.id AND direction = 'followers'
            ORDER BY sampled_at DESC LIMIT %(most)s) s ON true
     WHERE a.tenant_id = %(tenant)s AND a.id = %(account)s
     ORDER BY s.sampled_at DESC
"""
EXAMPLES = """
    SELECT username, nickname, region, video_count, follower_count, following_count, flags
      FROM audience_members
     WHERE tenant_id = %(tenant)s AND sample_id = %(sample)s
           AND flags && ARRAY['bot', 'no_posts', 'default_avatar', 'generated_handle']::varchar[]
     ORDER BY cardinality(array_remove(array_remove(flags, 'private'), 'verified')) DESC, id
     LIMIT %(most)s
"""


@dataclass(frozen=True)
class BotShare:
    """Rows with all three signs of a bot over rows read, with its 95 % interval (Wilson); from 0 to 1.

    All three are None, with a `reason`, where fewer than 50 rows were read.
    """

    value: float | None
    low: float | None
    high: float | None
    k: int
    n: int
    reason: str = ""


@dataclass(frozen=True)
class Sample:
    """One reading of followers: how many rows of `size` bear each sign; `total` is how many TikTok says there are."""

    id: int
    sampled_at: datetime
    size: int
    total: int | None
    no_posts: int
    default_avatar: int
    generated_handle: int
    all_three: int
    private: int
    verified: int
    bot_share: BotShare


@dataclass(frozen=True)
class Example:
    """A follower that bears signs of a bot; counters are None where TikTok gave none."""

    username: str
    nickname: str
    region: str
    videos: int | None
    followers: int | None
    following: int | None
    flags: list[str]


@dataclass(frozen=True)
class FollowRatio:
    """Followers over followings; None with a reason where one is not known or nobody is followed."""

    value: float | None
    followers: int | None
    following: int | None
    as_of: datetime | None
    reason: str = ""


@dataclass(frozen=True)
class Audience:
    """The newest sample that has rows, with examples of it; all samples, the newest first.

    `newest` is None and `reason` says why where there is none to judge; `reason` is also given where the last reading
    showed nobody.
    """

    newest: Sample | None
    examples: list[Example]
    history: list[Sample]
    follow_ratio: FollowRatio
    reason: str


def bot_share(k: int, n: int) -> BotShare:
    """The share of `k` bots among `n` rows, refused below 50 rows."""
    if n < FEWEST_ROWS:
        return BotShare(
            None,
            None,
            None,
            k,
            n,
            gettext("Needs a sample of at least {fewest_rows} followers; it has {n}.").format(
                fewest_rows=FEWEST_ROWS, n=n
            ),
        )
    return BotShare(k / n, *wilson(k, n), k, n)


def follow_ratio(followers: int | None, following: int | None, as_of: datetime | None) -> FollowRatio:
    """Followers over followings."""
    if followers is None or following is None:
        return FollowRatio(None, followers, following, as_of, gettext("TikTok has not told both numbers."))
    if following == 0:
        return FollowRatio(None, followers, following, as_of, gettext("The account follows nobody."))
    return FollowRatio(followers / following, followers, following, as_of)


def audience(account_id: int) -> Audience:
    """The audience of an account. Two statements. Raises NotFound."""
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(SAMPLES, {"tenant": tenant_id, "account": account_id, "most": MOST_SAMPLES})
        rows = cursor.fetchall()
        if not rows:
            raise NotFound(gettext("There is no such account in this workspace."))
        history = [_sample(row[3:]) for row in rows if row[3] is not None]
        newest = next((sample for sample in history if sample.size), None)
        examples = []
        if newest is not None:
            cursor.execute(EXAMPLES, {"tenant": tenant_id, "sample": newest.id, "most": MOST_EXAMPLES})
            examples = [Example(*row) for row in cursor.fetchall()]
    return Audience(newest, examples, history, follow_ratio(*rows[0][:3]), _reason(history, newest))


def _sample(row: tuple[Any, ...]) -> Sample:
    sample_id, _, sampled_at, size, total, stored = row
    flags = json.loads(stored)
    counted = {name: int(flags.get(name, 0)) for name in ("no_posts", "default_avatar", "generated_handle")}
    bots = int(flags.get("bot", 0))
    return Sample(
        id=sample_id,
        sampled_at=sampled_at,
        size=size,
        total=total,
        **counted,
        all_three=bots,
        private=int(flags.get("private", 0)),
        verified=int(flags.get("verified", 0)),
        bot_share=bot_share(bots, size),
    )


def _reason(history: list[Sample], newest: Sample | None) -> str:
    if not history:
        return gettext("No followers have been sampled yet.")
    if newest is None:
        return gettext("The account hides its followers: no sample has a row.")
    if newest is not history[0]:
        return gettext("The newest sample shows nobody: the account may hide its followers now. An older one is shown.")
    return newest.bot_share.reason
