"""Hashtags and sounds come with the page of posts: once, for good, and at no cost where nothing has changed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from accounts.selectors import TenantRef
from snapshots.ingest.hashtags import fold
from snapshots.ingest.normalise import POST_COUNTERS, PostRow, SoundRow, post_rows
from snapshots.ingest.upsert import store_posts
from snapshots.models import Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import track_now
from tests.cast import Cast
from tests.factories import make_account
from tests.queries import assert_at_most, statements_of
from tests.simulating import Caller
from tests.snapshots.conftest import broken_table
from tests.threads import at_once
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.shapes import MusicInfo, decode_post_page

TABLES = ("hashtags", "post_hashtags", "sounds")


def row(number: int, title: str = "", sound: SoundRow | None = None, plays: int = 10_001) -> PostRow:
    return PostRow(
        aweme_id=str(7_400_000_000_000_000_000 + number),
        title=title,
        cover_url="",
        duration_s=30,
        kind="video",
        pinned=False,
        sound_id=sound.music_id if sound else "",
        posted_at=clock.now() - timedelta(hours=number),
        counters=dict.fromkeys(POST_COUNTERS, plays),
        music=sound and MusicInfo(sound.music_id, sound.title, sound.author, sound.original, sound.duration_s),
    )


def sound(number: int = 1, title: str = "Bakery song", author: str = "The Loaves", **facts: Any) -> SoundRow:
    return SoundRow(
        str(6_900_000_000_000_000_000 + number), title, author, **{"original": False, "duration_s": 31} | facts
    )


def store(account: TrackedAccount, *rows: PostRow) -> None:
    store_posts(account.pk, list(rows), measured_at=clock.now())


def links(account: TrackedAccount) -> dict[str, dict[str, int]]:
    """The hashtags of each post, by the last digits of its id, with their occurrences."""
    found: dict[str, dict[str, int]] = {}
    for use in PostHashtag.objects.filter(account=account).select_related("post", "hashtag"):
        found.setdefault(use.post.aweme_id[-3:].lstrip("0"), {})[use.hashtag.name] = use.occurrences
    return found


def whole_tables() -> list[Any]:
    """Every column of every row of tags, and the transaction that last wrote it."""
    found: list[Any] = []
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT t.xmin::text, t.* FROM {table} t ORDER BY 2, 3, 4")
            found.append(cursor.fetchall())
    return found


# --- what is true upstream -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", ["lena.bakes", "chai_aur_asha", "hikaru_no_neko", "mingalar.may", "dima.chinit"])
def test_a_creators_hashtags_and_sounds_are_those_of_the_posts_upstream(
    acme: TenantRef, upstream: Caller, handle: str
) -> None:
    track_now(acme, clean_wish(handle=handle, reason="own", tags=""))
    # Pinned posts may be far older than all others.
    oldest = Post.objects.filter(pinned=False).earliest("posted_at").posted_at
    since = {"handle": handle, "since": oldest.isoformat()}
    posts = Post.objects.filter(posted_at__gte=oldest)
    true_tags: Counter[str] = Counter()
    for tag in upstream.look("truth/hashtags", **since)["hashtags"]:
        true_tags[fold(tag["name"])] += tag["posts"]
    assert len(true_tags) > 3
    assert Counter(posts.filter(hashtags__isnull=False).values_list("hashtags__hashtag__name", flat=True)) == true_tags
    true_sounds = {each["id"]: each for each in upstream.look("truth/sounds", **since)["sounds"]}
    used = Counter(posts.exclude(sound_id="").values_list("sound_id", flat=True))
    assert used == {music_id: each["posts"] for music_id, each in true_sounds.items()}
    stored = {
        each.music_id: (each.title, each.author, each.original, each.duration_s)
        for each in Sound.objects.filter(music_id__in=used)
    }
    assert stored == {
        music_id: (each["title"], each["author"], each["original"], each["seconds"])
        for music_id, each in true_sounds.items()
    }


# --- hashtags --------------------------------------------------------------------------------------------------------


def test_a_post_has_its_hashtags_with_their_raw_occurrences(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    store(account, row(1, "#Brot #brot ＃ＢＲＯＴ #हिंदी#🐺"), row(2, "no tags"), row(3, "#हिंदी again"))
    assert links(account) == {"1": {"brot": 3, "हिंदी": 1, "🐺": 1}, "3": {"हिंदी": 1}}
    bread = Hashtag.objects.get(name="brot")
    assert (bread.cha_name, bread.first_seen_at, bread.measured_at, bread.looked_at) == ("Brot", noon, None, None)


def test_the_same_page_again_writes_no_row(real_acme: TenantRef) -> None:
    account = make_account()
    page = [row(number, f"#fyp #tag{number % 7}", sound(number % 3)) for number in range(30)]
    store(account, *page)
    before = whole_tables()
    assert [len(rows) for rows in before] == [8, 60, 3]
    store(account, *reversed(page))
    store(account, *[row(number, f"#fyp #tag{number % 7}", sound(number % 3), plays=10_002) for number in range(30)])
    assert whole_tables() == before


def test_an_edited_title_takes_its_old_hashtags_away_and_leaves_those_of_others(acme: TenantRef) -> None:
    account = make_account()
    store(account, row(1, "#a #b #b #c"), row(2, "#a #c"))
    store(account, row(1, "#b #d"), row(2, "#a #c"))
    assert links(account) == {"1": {"b": 1, "d": 1}, "2": {"a": 1, "c": 1}}
    store(account, row(1, ""))
    assert links(account) == {"2": {"a": 1, "c": 1}}
    store(account, row(1, "#a back"))
    assert links(account) == {"1": {"a": 1}, "2": {"a": 1, "c": 1}}


def test_a_hashtag_keeps_what_tiktok_has_told_of_it_when_another_post_uses_it(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    store(account, row(1, "#brot"))
    Hashtag.objects.update(cha_name="Brot", view_count=7, looked_at=noon, measured_at=noon)
    with clock.at(noon + timedelta(days=1)):
        store(account, row(2, "#BROT"))
    tag = Hashtag.objects.get()
    assert (tag.cha_name, tag.view_count, tag.looked_at, tag.first_seen_at) == ("Brot", 7, noon, noon)


def test_a_title_of_4000_characters_in_tags_is_stored_within_the_rules(acme: TenantRef) -> None:
    account = make_account()
    store(account, row(1, "#" + "長" * 3999), row(2, "".join(f"#t{number}" for number in range(1000))[:4000]))
    assert links(account)["1"] == {"長" * 100: 1}
    assert len(links(account)["2"]) == 60


def test_texts_that_look_like_syntax_are_only_texts(acme: TenantRef) -> None:
    account = make_account()
    store(account, row(1, '#a\'; --{},"x" #NULL #null\\ #{b} %s #100%'))
    assert links(account) == {"1": {"a": 1, "null": 2, "100": 1}}


# --- sounds ----------------------------------------------------------------------------------------------------------


def test_what_a_post_does_not_tell_of_a_sound_stays_as_an_earlier_one_told_it(acme: TenantRef) -> None:
    account = make_account()
    store(account, row(1, sound=sound()), row(2, sound=sound(2, "", "", original=None, duration_s=None)))
    store(account, row(3, sound=sound(1, "", "", original=None, duration_s=None)), row(4, sound=sound(2, "Known now")))
    facts = {each.title: each for each in Sound.objects.all()}
    assert set(facts) == {"Bakery song", "Known now"}
    for each in facts.values():
        assert (each.author, each.original, each.duration_s) == ("The Loaves", False, 31)


def test_posts_of_one_page_tell_of_one_sound_together(acme: TenantRef) -> None:
    account = make_account()
    half = sound(1, "", "The Loaves", original=None)
    store(account, row(1, sound=half), row(2, sound=sound(1, "Bakery song", "", duration_s=None)), row(3, sound=half))
    [stored] = Sound.objects.all()
    assert (stored.title, stored.author, stored.original, stored.duration_s) == ("Bakery song", "The Loaves", False, 31)


def test_a_post_that_gets_another_sound_makes_it_known(acme: TenantRef) -> None:
    account = make_account()
    store(account, row(1, sound=sound(1)))
    store(account, row(1, sound=sound(2, "New")))
    assert set(Sound.objects.values_list("title", flat=True)) == {"Bakery song", "New"}
    assert Post.objects.get().sound_id == sound(2).music_id


@pytest.mark.parametrize(
    ("music", "stored"),
    [
        ({"id": "69", "title": "T" * 5000, "author": "A" * 5000}, ("69", "T" * 400, "A" * 200, None)),
        ({"id": "69", "title": None, "duration": "31", "original": True}, ("69", "", "", 31)),
        ({"id": 69, "duration": -5}, ("69", "", "", None)),
        ({"id": "69", "duration": 10**12}, ("69", "", "", None)),
        ({"id": "v0f025gc0000", "title": "a file"}, None),
        ({"id": "9" * 5000, "title": "too long for a number"}, None),
        ({"id": "", "title": "none"}, None),
        (None, None),
    ],
)
def test_a_sound_is_stored_by_its_number_with_what_its_columns_hold(
    acme: TenantRef, noon: datetime, music: dict[str, Any] | None, stored: tuple[Any, ...] | None
) -> None:
    video = {"video_id": "7400000000000000001", "create_time": int(noon.timestamp()), "music_info": music}
    body = orjson.dumps({"videos": [video], "cursor": "0", "hasMore": False})
    store(make_account(), *post_rows(decode_post_page(body), author_id="1", now=noon).rows)
    assert list(Sound.objects.values_list("music_id", "title", "author", "duration_s")) == ([stored] if stored else [])
    assert Post.objects.get().sound_id == (stored[0] if stored else "")


# --- cost, order, tenants --------------------------------------------------------------------------------------------


def test_a_known_page_costs_no_statement_more_and_a_new_one_as_many_for_3_posts_as_for_30(acme: TenantRef) -> None:
    def page(posts: int, plays: int, text: str = "#fyp #tag{}") -> list[PostRow]:
        return [row(number, text.format(number), sound(number), plays) for number in range(posts)]

    few, many, plain = make_account(), make_account(), make_account()
    store(plain, row(500))
    with_nothing = statements_of(lambda: store(plain, row(500, plays=10_500)))
    new = {len(statements_of(lambda a=a, n=n: store(a, *page(n, 10_001)))) for a, n in ((few, 3), (many, 30))}
    assert new == {len(with_nothing)}, "the tags travel with their posts"
    known = statements_of(lambda: store(many, *page(30, 10_500)))
    assert len(known) == len(with_nothing)
    assert not [sql for sql in known if "hashtag" in sql or "sounds" in sql]
    edited = statements_of(lambda: store(many, *page(30, 10_501, "#other{}")))
    # A savepoint and its end, links, and those that go.
    assert_at_most(len(with_nothing) + 4, edited)


def test_workers_with_the_same_hashtags_and_sounds_in_any_order_do_not_dead_lock(committed_db: Cast) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        accounts = [make_account() for _ in range(4)]

    def worker(number: int, round_: int) -> None:
        way = 1 if number % 2 else -1
        names = [f"#round{round_}x{place:04}" for place in range(1200)][::way]
        sounds = [sound(1000 * round_ + place) for place in range(30)][::way]
        page = [row(post, " ".join(names[40 * post : 40 * post + 40]), sounds[post]) for post in range(30)]
        with tenant_scope(acme):
            store(accounts[number], *page)

    for round_ in range(8):
        at_once([lambda number=number, round_=round_: worker(number, round_) for number in range(4)])
    with tenant_scope(acme):
        assert (Hashtag.objects.count(), Sound.objects.count()) == (8 * 1200, 8 * 30)
        # Each edit has taken the links of the round before away.
        assert Counter(PostHashtag.objects.values_list("account_id", flat=True)) == {each.pk: 1200 for each in accounts}


def test_workers_on_one_account_at_once_link_each_post_once(committed_db: Cast) -> None:
    acme = committed_db.acme
    with tenant_scope(acme):
        account = make_account()

    def worker() -> None:
        with tenant_scope(acme):
            store(account, *[row(number, "#same #both") for number in range(50)])

    for _ in range(3):
        at_once([worker] * 3)
    with tenant_scope(acme):
        assert links(account) == {(f"{number:03}").lstrip("0"): {"same": 1, "both": 1} for number in range(50)}


def test_a_page_that_cannot_be_stored_leaves_no_hashtag_behind(real_acme: TenantRef) -> None:
    account = make_account()
    with broken_table(real_acme.schema_name, "sounds"), pytest.raises(IntegrityError):
        store(account, row(1, "#fyp", sound()))
    assert (Post.objects.count(), Hashtag.objects.count(), PostHashtag.objects.count()) == (0, 0, 0)


def test_two_tenants_have_the_same_hashtag_and_sound_each_for_itself(cast: Cast, noon: datetime) -> None:
    for tenant, title in ((cast.acme, "#FYP #acme"), (cast.rival, "#fyp"), (cast.globex, "#fyp")):
        with tenant_scope(tenant), clock.at(noon):
            store(make_account(tiktok_user_id="6950000000000000001"), row(1, title, sound(title=tenant.slug)))
    for tenant, shown in ((cast.acme, ["FYP", "acme"]), (cast.rival, ["fyp"]), (cast.globex, ["fyp"])):
        with tenant_scope(tenant):
            assert sorted(Hashtag.objects.values_list("cha_name", flat=True)) == shown
            assert Sound.objects.get().title == tenant.slug
            assert PostHashtag.objects.count() == len(shown)
            assert {use.hashtag.cha_name for use in PostHashtag.objects.select_related("hashtag")} == set(shown)


# --- posts that were there before ------------------------------------------------------------------------------------


def relink(*slugs: str) -> Any:
    said = StringIO()
    call_command("relink", *slugs, "--json", stdout=said)
    return orjson.loads(said.getvalue())


def test_relink_gives_posts_that_were_stored_before_their_hashtags_and_sounds(cast: Cast, noon: datetime) -> None:
    for tenant in cast.tenants:
        with tenant_scope(tenant), clock.at(noon):
            for account in (make_account(), make_account()):
                store(account, *[row(number, f"#fyp #tag{number}", sound(number)) for number in range(3)])
            before = links(account)
            Post.objects.filter(account=account, aweme_id__endswith="2").update(sound_id="file-id")
            PostHashtag.objects.exclude(post__aweme_id__endswith="1").delete()
            Sound.objects.all().delete()
    with tenant_scope(cast.rival):
        Post.objects.filter(aweme_id__endswith="1").update(title="#changed")
    assert relink("acme") == {"acme": 6}
    with tenant_scope(cast.acme):
        assert links(TrackedAccount.objects.order_by("-id")[0]) == before
        assert Sound.objects.count() == 3
    with tenant_scope(cast.rival):
        assert Sound.objects.count() == 0, "of another tenant nothing is touched"
    assert relink() == {"acme": 6, "rival": 6, "globex": 6}
    with tenant_scope(cast.rival):
        assert links(TrackedAccount.objects.order_by("id")[0])["1"] == {"changed": 1}


def test_relink_of_many_posts_takes_them_in_parts_and_again_changes_nothing(
    acme: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshots.services.tags.POSTS_AT_ONCE", 4)
    account = make_account()
    store(account, *[row(number, f"#fyp #tag{number}", sound(number)) for number in range(10)])
    tables = whole_tables()
    assert relink("acme") == {"acme": 10}
    assert [[each[1:] for each in rows] for rows in whole_tables()] == [[each[1:] for each in rows] for rows in tables]
