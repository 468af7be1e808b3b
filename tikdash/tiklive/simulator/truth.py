"""`/_sim/truth/…`: what is true at simulator time, without any quirk of transport, for tests to compare with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from .answers_topics import find_sound
from .cast import DAY
from .clock import format_time, parse_time
from .comments import comment_count, comment_time
from .creators import Creator
from .people import bot_share, count_bots, is_bot, person_at
from .population import Query, tag_key
from .rows import COUNTERS
from .schedule import Plan, counters_at
from .sounds import has_music_info, row_draws, sound_of, video_count
from .stories import stories_between
from .writing import write_title

if TYPE_CHECKING:
    from .app import Simulator

Truth = Callable[["Simulator", dict[str, str], bytes], Any]
SHOWN = 100


def true_account(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """All counters of an account at simulator time, without any quirk of transport."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at)}
    counts = asdict(simulator.world.counts(creator, at))
    return {
        "exists": True,
        "at": format_time(at),
        "id": str(creator.id),
        "handle": creator.handle,
        "nickname": creator.nickname,
        "private": creator.private,
        "verified": creator.verified,
        "region": creator.region,
        "joined_at": creator.joined_at,
        "curve": creator.curve,
        "posts_per_week": creator.posts_per_week,
        **counts,
    }


def true_posts(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Every post made so far, newest first, deleted ones too; `limit` and `since` (ISO) shorten it."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at), "posts": []}
    since = parse_time(params["since"]) if "since" in params else -math.inf
    limit = int(params.get("limit", 1_000_000))
    pinned = {plan.id for plan in simulator.world.pinned(creator, at)}
    posts: list[dict[str, object]] = []
    for plan in simulator.world.posts(creator, at):
        if plan.create_time < since or len(posts) >= limit:
            break
        posts.append(_true_post(simulator, plan, at, pinned))
    return {"exists": True, "at": format_time(at), "id": str(creator.id), "posts": posts}


def _true_post(simulator: Simulator, plan: Plan, at: float, pinned: set[int]) -> dict[str, object]:
    return {
        "id": str(plan.id),
        "create_time": plan.create_time,
        "deleted": not simulator.world.visible(plan, at),
        "pinned": plan.id in pinned,
        **dict(zip(COUNTERS, counters_at(plan, at), strict=True)),
    }


def true_comments(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """How many comments the post `id` has, and when the first `limit` (100) of them were written."""
    at = simulator.clock.now()
    found = simulator.world.find_post(int(params.get("id", "")), at, params.get("handle", ""))
    if found is None:
        return {"exists": False, "at": format_time(at)}
    creator, plan = found
    total = comment_count(plan, at)
    shown = range(min(total, int(params.get("limit", SHOWN))))
    return {
        "exists": True,
        "at": format_time(at),
        "handle": creator.handle,
        "total": total,
        "create_times": [comment_time(plan, place, at) for place in shown],
    }


def true_followers(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """How many followers there are, how many of them are bots, and ids of bots among the newest `limit` (100)."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at)}
    counts = simulator.world.counts(creator, at)
    newest = range(counts.followers - 1, max(-1, counts.followers - 1 - int(params.get("limit", SHOWN))), -1)
    bots = (place for place in newest if is_bot(creator, place))
    return {
        "exists": True,
        "at": format_time(at),
        "hidden": creator.hides_follows,
        "followers": counts.followers,
        "following": counts.following,
        "bots": count_bots(creator, counts.followers),
        "bot_share": bot_share(creator),
        "newest_bots": [str(person_at(creator, "followers", place, True).id) for place in bots],
    }


def true_hashtags(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Hashtags of an account's visible posts with how many posts carry each, as written; `since` shortens it."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    plans = _visible(simulator, params, creator, at) if creator else ()
    counts = Counter(tag for plan in plans for tag in write_title(creator, plan.index).tags) if creator else Counter()
    known = [(simulator.upstream.hashtags.find(name), name, posts) for name, posts in counts.most_common()]
    return {
        "exists": creator is not None,
        "at": format_time(at),
        "hashtags": [{"name": name, "id": str(tag.id), "posts": posts} for tag, name, posts in known if tag],
    }


def true_hashtag(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """One hashtag by `name`: its counts and the ids of the posts that paging through it shows."""
    at = simulator.clock.now()
    hashtag = simulator.upstream.hashtags.find(params.get("name", ""))
    if hashtag is None:
        return {"exists": False, "at": format_time(at)}
    users, views = simulator.upstream.hashtags.counts(hashtag, at)
    found = simulator.upstream.population.search(Query(tag=tag_key(hashtag.name)), at)
    return {
        "exists": True,
        "at": format_time(at),
        "id": str(hashtag.id),
        "name": hashtag.name,
        "user_count": users,
        "view_count": views,
        "posts": [str(entry.plan.id) for entry in simulator.upstream.population.shown(found, at)],
    }


def true_sounds(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Sounds of an account's visible posts whose rows tell them, with how many posts use each."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    if creator is None:
        return {"exists": False, "at": format_time(at), "sounds": []}
    draws = [(plan, row_draws(creator, plan)) for plan in _visible(simulator, params, creator, at)]
    counts = Counter(sound_of(creator, plan, each) for plan, each in draws if has_music_info(each))
    return {
        "exists": True,
        "at": format_time(at),
        "sounds": [{**asdict(sound), "id": str(sound.id), "posts": posts} for sound, posts in counts.most_common()],
    }


def true_sound(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """One sound by `id`."""
    at = simulator.clock.now()
    sound = find_sound(simulator.upstream, int(params.get("id", "")), at)
    if sound is None:
        return {"exists": False, "at": format_time(at)}
    videos = video_count(simulator.world.seed, sound, at)
    return {"exists": True, "at": format_time(at), **asdict(sound), "id": str(sound.id), "video_count": videos}


def true_stories(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Stories since `since` (24 hours ago), newest first, expired ones too."""
    at = simulator.clock.now()
    creator = _creator(simulator, params, at)
    since = parse_time(params["since"]) if "since" in params else at - DAY
    stories = stories_between(creator, since, at) if creator else []
    return {
        "exists": creator is not None,
        "at": format_time(at),
        "stories": [{**_true_post(simulator, story, at, set()), "expires_at": story.deleted_at} for story in stories],
    }


def true_viral(simulator: Simulator, params: dict[str, str], body: bytes) -> Any:
    """Posts that ran at least five times as far as usual, newest first, of one account or of the cast and public."""
    at = simulator.clock.now()
    since = parse_time(params["since"]) if "since" in params else at - 90 * DAY
    if "handle" in params or "id" in params:
        creators = [_creator(simulator, params, at)]
    else:
        creators = [simulator.world.by_id(member, at) for member in simulator.upstream.population.members()]
    posts = [
        {"handle": creator.handle, **_true_post(simulator, plan, at, set()), "times_usual": round(times, 2)}
        for creator in creators
        if creator
        for plan, times in simulator.world.viral(creator, at, since)
    ]
    posts.sort(key=lambda post: str(post["id"]), reverse=True)
    return {"at": format_time(at), "posts": posts}


def _visible(simulator: Simulator, params: dict[str, str], creator: Creator, at: float) -> Iterator[Plan]:
    since = parse_time(params["since"]) if "since" in params else -math.inf
    recent = takewhile(lambda plan: plan.create_time >= since, simulator.world.posts(creator, at))
    return (plan for plan in recent if simulator.world.visible(plan, at))


def _creator(simulator: Simulator, params: dict[str, str], at: float) -> Creator | None:
    if params.get("id", "").isdecimal():
        return simulator.world.by_id(int(params["id"]), at)
    if "handle" not in params:
        raise ValueError("say handle or id")
    return simulator.world.find(params["handle"], at)


TRUTHS: dict[str, Truth] = {
    "account": true_account,
    "posts": true_posts,
    "comments": true_comments,
    "followers": true_followers,
    "hashtags": true_hashtags,
    "hashtag": true_hashtag,
    "sounds": true_sounds,
    "sound": true_sound,
    "stories": true_stories,
    "viral": true_viral,
}
