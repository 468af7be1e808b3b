"""A group of accounts at a glance: its numbers, who moved most, who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection

from snapshots.analytics.digests import POST_DAYS, Digest, digests, in_us
from snapshots.analytics.metrics import headline
from snapshots.analytics.windows import MOST_ACCOUNTS
from snapshots.models import TrackedAccount
from snapshots.picture_names import address_of
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.tiklive.text import clean_text
from tikdash.words import gettext

DAYS = 30
MOST_MOVERS = 5
#: Of fewer followers, a few people more are a large share.
FEWEST_FOLLOWERS = 100

#: The version is read before anything else of an account: what is computed afterwards is at least as new.
MEMBERS = """
    SELECT a.id, a.username, a.nickname, a.avatar_file, a.follower_count, a.measured_at,
           concat(v.version, '.', a.follower_count, '.', a.video_count), count(*) OVER ()
      FROM accounts a
      LEFT JOIN (SELECT account_id, bit_xor(mark)::text AS version FROM account_versions
                  WHERE tenant_id = %(tenant)s GROUP BY account_id) AS v ON v.account_id = a.id
     WHERE a.tenant_id = %(tenant)s
           AND (%(reason)s = '' OR a.tracked_reason = %(reason)s)
           AND (%(tag)s = '' OR a.tags @> ARRAY[%(tag)s]::varchar[])
     ORDER BY a.follower_count DESC NULLS LAST, a.id DESC
     LIMIT {most}
"""
TAGS = """
    SELECT DISTINCT tag FROM accounts, unnest(tags) AS tag WHERE tenant_id = %s ORDER BY tag LIMIT 200
"""


@dataclass(frozen=True)
class Member:
    """An account of the group with its newest sound followers. `version` is another one as
    soon as a post, a day or a counter of it was written."""

    id: int
    handle: str
    nickname: str
    avatar_url: str
    followers: int | None
    as_of: datetime | None
    version: str


@dataclass(frozen=True)
class Group:
    """The accounts of a group, the largest first; at most 500 of the `total`."""

    members: list[Member]
    total: int
    reason: str
    tag: str

    @property
    def ids(self) -> list[int]:
        return [member.id for member in self.members]

    @property
    def is_whole(self) -> bool:
        """Whether no account was left out by a filter or by the limit."""
        return not self.reason and not self.tag and self.total == len(self.members)


@dataclass(frozen=True)
class Mover:
    """An account whose followers moved: by `change`, which is `ratio` of what they were."""

    member: Member
    change: int
    ratio: float
    days: int


@dataclass(frozen=True)
class Totals:
    """The group in numbers.

    `followers` is a sum over `n_followers` accounts and `change` over the `n_change` of them whose growth over 30 days
    is known; `rate` is the median of the headline engagement rates of `n_rate` accounts. None where n is 0; `as_of` is
    the newest reading of each.
    """

    accounts: int
    followers: int | None
    n_followers: int
    followers_as_of: datetime | None
    change: int | None
    n_change: int
    posts: int
    rate: float | None
    rate_id: str
    n_rate: int
    rate_as_of: datetime | None


@dataclass(frozen=True)
class Overview:
    """`digests` are what it is made of, by account."""

    totals: Totals
    up: list[Mover]
    down: list[Mover]
    digests: dict[int, Digest]


def group_of(*, tenant_id: int, reason: str = "", tag: str = "") -> Group:
    """The accounts that are tracked for a reason and carry a tag, all without. Raises BadInput for another reason."""
    if reason and reason not in TrackedAccount.Reason.values:
        raise BadInput(
            gettext("There is no reason “{reason}”. Choose own, competitor or partner.").format(reason=reason[:20])
        )
    tag = clean_text(tag)[:40].strip()
    parameters: dict[str, Any] = {"tenant": tenant_id, "reason": reason, "tag": tag}
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS.format(most=MOST_ACCOUNTS), parameters)
        rows = cursor.fetchall()
    return Group([_member(row) for row in rows], rows[0][-1] if rows else 0, reason, tag)


def tags_of(*, tenant_id: int) -> list[str]:
    """The tags of the tenant's accounts in their order, at most 200."""
    with connection.cursor() as cursor:
        cursor.execute(TAGS, [tenant_id])
        return [row[0] for row in cursor.fetchall()]


def overview(*, tenant_id: int, group: Group, rate_id: str = "") -> Overview:
    """The numbers of a group and its movers over 30 days. Three statements for accounts that were read since the last
    look; none without such.

    Raises BadInput for a rate that cannot be the headline.
    """
    rate = headline(rate_id)
    versions = {member.id: member.version for member in group.members}
    found = digests(tenant_id=tenant_id, versions=versions, rate=rate)
    movers = _movers(group, found)
    return Overview(
        _totals(group, found, rate.id),
        sorted((one for one in movers if one.change > 0), key=lambda one: -one.ratio)[:MOST_MOVERS],
        sorted((one for one in movers if one.change < 0), key=lambda one: one.ratio)[:MOST_MOVERS],
        found,
    )


def _member(row: tuple[Any, ...]) -> Member:
    id, handle, nickname, avatar_file, followers, as_of, version, _ = row
    return Member(id, handle, nickname, address_of(avatar_file), followers, as_of, version)


def _movers(group: Group, found: dict[int, Digest]) -> list[Mover]:
    movers = []
    for member in group.members:
        of = found[member.id]
        if of.change is None or of.ratio is None or of.is_noise:
            continue
        if (member.followers or 0) - of.change >= FEWEST_FOLLOWERS:
            movers.append(Mover(member, of.change, of.ratio, DAYS))
    return movers


def _totals(group: Group, found: dict[int, Digest], rate_id: str) -> Totals:
    read = [member for member in group.members if member.followers is not None]
    week = in_us(clock.now() - timedelta(days=POST_DAYS))
    changes = [each.change for each in found.values() if each.change is not None]
    rated = [each for each in found.values() if each.rate is not None]
    return Totals(
        accounts=group.total,
        followers=sum(member.followers or 0 for member in read) if read else None,
        n_followers=len(read),
        followers_as_of=_newest([member.as_of for member in read]),
        change=sum(changes) if changes else None,
        n_change=len(changes),
        posts=sum(each.posts_since(week) for each in found.values()),
        rate=median(each.rate or 0 for each in rated) if rated else None,
        rate_id=rate_id,
        n_rate=len(rated),
        rate_as_of=_newest([each.rate_as_of for each in rated]),
    )


def _newest(moments: Sequence[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
