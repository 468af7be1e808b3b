"""What somebody types into the search of a list, as conditions that indexes answer: whole words or their beginnings.

The database is asked for the tenants and accounts that a word may mean, and the list then by their ids: an index that
leads with the tenant serves it however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Tenant
from snapshots.ingest.hashtags import fold
from snapshots.models import Hashtag, Sound, Story, TrackedAccount

#: Of one word so many tenants are taken, and so many accounts, hashtags or sounds.
MOST_TENANTS, MOST_ACCOUNTS = 50, 200
MOST_WORDS = 4
#: TikTok's ids of posts and people have so many digits at least; ids of ours have fewer.
DIGITS_OF_TIKTOK = 15
#: As long is no handle: it is an account's `sec_uid`.
LONGEST_HANDLE = 64
#: PostgreSQL skips from tenant to tenant through `posts_once`, which is there anyway: 23 ms with 10,000 tenants and ten
#: million posts. An index of the ids alone would be one more to write to at every reading of every post.
POSTS_BY_ID = "SELECT id FROM posts WHERE aweme_id = %s LIMIT 50"


def words(text: str) -> list[str]:
    """The words of a search, without the @ of handles; NUL, which PostgreSQL does not take, is none."""
    return [word.lstrip("@") for word in text.replace("\0", " ").split() if word.strip("@")][:MOST_WORDS]


def tenants_of(word: str) -> list[int]:
    """Tenants whose address begins with the word."""
    return list(Tenant.objects.filter(slug__startswith=word.lower()).values_list("pk", flat=True)[:MOST_TENANTS])


def account_condition(word: str) -> Q:
    """Accounts whose handle begins with the word, or whose id at TikTok it is, or whose tenant's address it begins."""
    return _account_named(word) | Q(tenant_id__in=tenants_of(word))


def of_accounts(word: str) -> Q:
    """Rows of those accounts, and of those tenants."""
    found = TrackedAccount.objects.filter(_account_named(word)).order_by("pk")
    ids = list(found.values_list("tenant_id", "pk")[:MOST_ACCOUNTS])
    condition = Q(tenant_id__in=tenants_of(word))
    if ids:
        condition |= Q(tenant_id__in={tenant for tenant, _ in ids}, account_id__in=[pk for _, pk in ids])
    return condition


def post_condition(word: str) -> Q:
    """Posts by TikTok's id, or of accounts and tenants."""
    if word.isdecimal() and len(word) >= DIGITS_OF_TIKTOK:
        with connection.cursor() as cursor:
            cursor.execute(POSTS_BY_ID, [word])
            return Q(pk__in=[row[0] for row in cursor.fetchall()])
    return of_accounts(word)


def job_condition(word: str) -> Q:
    """Jobs by our id, by what they died of, or of accounts and tenants."""
    if word.isdecimal() and len(word) < DIGITS_OF_TIKTOK:
        return Q(pk=int(word))
    return of_accounts(word) | Q(state="dead", error_code=word)


def story_condition(word: str) -> Q:
    """Stories by TikTok's id, or of accounts and tenants."""
    if word.isdecimal() and len(word) >= DIGITS_OF_TIKTOK:
        return Q(pk__in=_ids(Story.objects.filter(aweme_id=word)))
    return of_accounts(word)


def tag_condition(word: str) -> Q:
    """Hashtags by their whole name, or of tenants."""
    named = _ids(Hashtag.objects.filter(name=fold(word.lstrip("#"))))
    return Q(pk__in=named) | Q(tenant_id__in=tenants_of(word))


def sound_condition(word: str) -> Q:
    """Sounds by TikTok's id, or of tenants."""
    if word.isdecimal() and len(word) >= DIGITS_OF_TIKTOK:
        return Q(pk__in=_ids(Sound.objects.filter(music_id=word)))
    return Q(tenant_id__in=tenants_of(word))


def first_where(rows: QuerySet[Any], text: str, where: Callable[[str], Q], what: Callable[[str], Q]) -> QuerySet[Any]:
    """Rows of the place that the first word names. What no index answers for all tenants is looked for there only: by
    the words behind it, of which each may also name another place that has to hold, too.
    """
    for number, word in enumerate(words(text)):
        rows = rows.filter(where(word) | what(word) if number else where(word))
    return rows


def every_word(rows: QuerySet[TrackedAccount], text: str, condition: object) -> QuerySet[TrackedAccount]:
    """Rows for which every word holds."""
    for word in words(text):
        rows = rows.filter(condition(word))  # type: ignore[operator]
    return rows


def _ids(rows: QuerySet[Any]) -> list[int]:
    """From tenant to tenant through the index that leads with it, as with posts; in no order, which would be another
    way to them."""
    return list(rows.order_by().values_list("pk", flat=True)[:MOST_ACCOUNTS])


def _account_named(word: str) -> Q:
    if len(word) > LONGEST_HANDLE:
        return Q(sec_uid=word)
    named = Q(username__startswith=word.lower()) | Q(sec_uid=word)
    return named | Q(tiktok_user_id=word) if word.isdecimal() else named
