"""Hashtags and sounds of posts that are stored already."""

from __future__ import annotations

from django.db import transaction

from snapshots.ingest.normalise import SoundRow
from snapshots.ingest.tags import link_hashtags, make_sounds_known
from snapshots.models import Post, TrackedAccount
from tikdash import clock
from tikdash.tiklive.shapes import first_numeric_id

POSTS_AT_ONCE = 500


def relink_posts() -> int:
    """Reads the hashtags of all posts of the tenant of the present scope anew; returns how many posts that were.

    For posts that were stored before their hashtags and sounds were kept, and after a change of the rules by which a
    hashtag is found. Spends no credits; the texts of sounds come with their weekly refresh. Again, it changes nothing.
    """
    return sum(_relink(account_id) for account_id in TrackedAccount.objects.order_by("id").values_list("pk", flat=True))


def _relink(account_id: int) -> int:
    done, last = 0, ""
    while True:
        with transaction.atomic():
            # In the order in which pages of posts are stored, so that this and a worker wait for each other.
            posts = list(
                Post.objects.select_for_update(no_key=True)
                .filter(account_id=account_id, aweme_id__gt=last)
                .order_by("aweme_id")
                .only("aweme_id", "title", "sound_id")[:POSTS_AT_ONCE]
            )
            if not posts:
                return done
            titles = {post.pk: post.title for post in posts}
            sounds = {post.sound_id for post in posts if first_numeric_id(post.sound_id)}
            link_hashtags(account_id, titles, list(titles), seen_at=clock.now())
            make_sounds_known([SoundRow(sound_id, "", "", None, None) for sound_id in sounds], seen_at=clock.now())
        done, last = done + len(posts), posts[-1].aweme_id
