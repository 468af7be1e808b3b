"""The simulated world: deterministic, consistent in time, believable."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tikdash.tiklive.simulator import growth, rows
from tikdash.tiklive.simulator.cast import CAST, DAY
from tikdash.tiklive.simulator.creators import Creator, id_for_handle, is_known_id
from tikdash.tiklive.simulator.options import default_epoch
from tikdash.tiklive.simulator.schedule import counters_at
from tikdash.tiklive.simulator.world import Change, Overrides, PostChange, Rename, World

EPOCH = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
NOW = EPOCH + 45.5 * DAY
HANDLES = [role.handle for role in CAST if not role.renamed_to] + [f"someone{number}" for number in range(40)]


def world(seed: int = 7) -> World:
    return World(seed, EPOCH)


def creator(handle: str, at: float = NOW) -> Creator:
    found = world().find(handle, at)
    assert found is not None
    return found


def test_same_seed_gives_the_same_world() -> None:
    one, other = world(), world()
    for handle in HANDLES:
        first, second = one.find(handle, NOW), other.find(handle, NOW)
        assert first == second and first is not None
        assert one.counts(first, NOW) == other.counts(first, NOW)
        assert one.page(first, NOW, None, 35) == other.page(first, NOW, None, 35)


def test_another_seed_gives_another_world() -> None:
    assert id_for_handle(7, "lena.bakes") != id_for_handle(8, "lena.bakes")


def test_world_does_not_drift_between_versions() -> None:
    assert str(id_for_handle(7, "lena.bakes")) == "7283989594731492768"


@pytest.mark.parametrize("handle", ["Lena.Bakes", "@lena.bakes", "  lena.bakes "])
def test_handle_is_found_however_it_is_written(handle: str) -> None:
    assert creator(handle).handle == "lena.bakes"


@pytest.mark.parametrize(
    "handle",
    ["", "a", "123456", "no spaces", "ends.", "x" * 25, "emoji🥐", "deleted_one", "missing", "nobody.x"],
)
def test_handle_that_cannot_exist_is_not_found(handle: str) -> None:
    assert world().find(handle, NOW) is None


def test_id_alone_rebuilds_its_creator() -> None:
    asked, restarted = world(), world()
    for handle in ["someone1", "private.someone"]:
        known = asked.find(handle, NOW)
        assert known is not None
        again = restarted.by_id(known.id, NOW)
        assert again is not None and (again.id, again.private) == (known.id, known.private)
        assert restarted.find(again.handle, NOW) == again
        assert restarted.counts(again, NOW) == asked.counts(known, NOW)


def test_handles_file_keeps_names_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "handles"
    known = World(7, EPOCH, path).find("someone1", NOW)
    assert known is not None
    assert World(7, EPOCH, path).by_id(known.id, NOW) == known


def test_made_up_ids_are_unknown() -> None:
    assert not any(map(is_known_id, (0, 1, 123456789, 7_000_000_000_000_000_000, 2**63)))


def test_short_and_long_ids_both_occur() -> None:
    lengths = {len(str(id_for_handle(7, f"somebody{number}"))) for number in range(300)}
    assert 19 in lengths and min(lengths) < 12


def test_private_prefix_makes_a_private_account() -> None:
    assert creator("private.life").private and creator("private_life").private
    assert not creator("privateer").private


def test_hearts_videos_made_and_diggs_never_fall() -> None:
    here = world()
    for handle in HANDLES:
        found = creator(handle)
        days = [here.counts(found, NOW - day * DAY) for day in range(120, -1, -1)]
        assert all(after.hearts >= before.hearts for before, after in pairwise(days)), handle
        assert all(after.diggs >= before.diggs for before, after in pairwise(days)), handle


def test_followers_grow_monotone_enough() -> None:
    here = world()
    for handle in HANDLES:
        found = creator(handle)
        days = [here.counts(found, NOW - day * DAY).followers for day in range(120, -1, -1)]
        losses = sum(before - after for before, after in pairwise(days) if after < before)
        if found.curve in ("takeoff", "rising", "steady"):
            assert days[-1] > days[0] and losses <= 0.2 * (days[-1] - days[0]) + 50, handle
        assert all(abs(after - before) <= 0.12 * before + 20 for before, after in pairwise(days)), handle


def test_cast_has_the_characters_it_promises() -> None:
    here = world()

    def change(handle: str) -> float:
        found = creator(handle)
        return here.counts(found, NOW).followers / here.counts(found, NOW - 90 * DAY).followers - 1

    assert change("tinyfermenter") > 0.5
    assert abs(change("professor.bubbles")) < 0.01
    assert change("maxwellpranks") < -0.02
    assert 1_150_000 < here.counts(creator("lena.bakes"), NOW).followers < 1_400_000


def test_breakout_post_towers_over_the_others_and_brings_followers() -> None:
    here, lena = world(), creator("lena.bakes")
    posts = [post for post in here.posts(lena, NOW) if post.create_time > EPOCH - 20 * DAY]
    best, *others = sorted(posts, key=lambda post: post.views, reverse=True)
    assert best.views > 5 * sorted(post.views for post in others)[len(others) // 2]
    week = here.counts(lena, best.create_time + 7 * DAY).followers - here.counts(lena, best.create_time).followers
    assert week > 0.03 * here.counts(lena, best.create_time).followers


def test_posts_are_stable_while_time_moves() -> None:
    here, found = world(), creator("chai_aur_asha")
    then = {post.id: post for post in here.posts(found, NOW - 30 * DAY)}
    later = {post.id: post for post in here.posts(found, NOW)}
    assert then.items() <= later.items() and len(later) > len(then)


def test_posts_are_strictly_newest_first_and_never_in_the_future() -> None:
    here = world()
    for handle in HANDLES:
        times = [post.create_time for post in here.posts(creator(handle), NOW)]
        assert all(newer > older for newer, older in pairwise(times)), handle
        assert not times or times[0] <= NOW < times[0] + 60 * DAY, handle


def test_post_ids_embed_time_and_are_unique() -> None:
    here = world()
    posts = [post for handle in HANDLES[:20] for post in here.posts(creator(handle), NOW)]
    assert all(1 <= post.create_time - (post.id >> 32) <= 55 for post in posts)
    assert len({post.id for post in posts}) == len(posts)


def test_counters_of_a_post_rise_and_level_off() -> None:
    here, found = world(), creator("noor.kitchen")
    for post in list(here.posts(found, NOW))[:20]:
        plays = [counters_at(post, post.create_time + day * DAY)[0] for day in range(60)]
        assert all(after >= before for before, after in pairwise(plays))
        assert plays[3] - plays[0] > plays[59] - plays[30]


def test_video_count_is_the_number_of_visible_posts() -> None:
    here = world()
    for handle in ["vanishing.vic", "lena.bakes", "someone1", "someone2", "someone3"]:
        found = creator(handle)
        for at in (NOW - 80 * DAY, NOW - 7.3 * DAY, NOW):
            assert here.counts(found, at).videos == sum(here.visible(post, at) for post in here.posts(found, at))


def test_deleted_posts_vanish_and_some_return() -> None:
    here, vic = world(), creator("vanishing.vic")
    gone = [post for post in here.posts(vic, NOW) if post.deleted_at < NOW]
    returned = [post for post in gone if post.restored_at <= NOW]
    assert gone and returned and len(returned) < len(gone)
    post = returned[0]
    assert here.visible(post, post.deleted_at - 1)
    assert not here.visible(post, post.deleted_at)
    assert here.visible(post, post.restored_at)


def test_renamed_creator_keeps_id_and_loses_old_handle() -> None:
    here, moment = world(), EPOCH + 16.5 * DAY
    before, after = here.find("mara.codes", moment - 1), here.find("marabuilds", moment)
    assert before is not None and after is not None
    assert (before.id, before.handle, after.handle) == (after.id, "mara.codes", "marabuilds")
    assert here.find("marabuilds", moment - 1) is None and here.find("mara.codes", moment) is None
    by_id = here.by_id(after.id, moment)
    assert by_id == after
    assert [post.id for post in here.posts(before, moment)] == [post.id for post in here.posts(after, moment)]


def test_overrides_rename_hide_and_delete() -> None:
    here = world()
    post = next(here.posts(creator("someone1"), NOW))
    videos = here.counts(creator("someone1"), NOW).videos
    here.override(
        Overrides(
            renames=[Rename("someone2", "someone.new", NOW)],
            private=[Change("someone3", NOW)],
            deleted=[Change("someone4", NOW)],
            posts=[PostChange(str(post.id), NOW, NOW + DAY)],
        )
    )
    renamed, hidden = here.find("someone.new", NOW), here.find("someone3", NOW)
    assert renamed is not None and renamed.id == id_for_handle(7, "someone2")
    assert hidden is not None and hidden.private
    assert here.find("someone4", NOW) is None and here.find("someone4", NOW - 1) is not None
    assert not here.visible(post, NOW) and here.visible(post, NOW + DAY)
    assert here.counts(creator("someone1"), NOW).videos == videos - 1
    here.override(Overrides())
    assert here.find("someone4", NOW) is not None and here.visible(post, NOW)


def test_titles_cover_the_forms_that_break_naive_code() -> None:
    here = world()
    found = [creator(handle) for handle in HANDLES]
    titles = [
        json.loads(rows.post_row(each, post, NOW, False))["title"]
        for each in found
        for post in list(here.posts(each, NOW))[:60]
    ]
    texts = [title for title in titles if title]
    assert None in titles and "" in titles
    assert any(len(title) == 668 for title in texts)
    assert any(re.search(r"#\w+#\w+", title) for title in texts)
    assert any("\u200d" in title for title in texts) and any("##foryoupage# fyp" in title for title in texts)
    scripts = {
        "arabic": "؀-ۿ",
        "hindi": "ऀ-ॿ",
        "thai": "฀-๿",
        "burmese": "က-႟",
        "kana": "぀-ヿ",
        "cyrillic": "Ѐ-ӿ",
    }
    assert all(any(re.search(f"[{letters}]", title) for title in texts) for letters in scripts.values())


def test_rows_have_the_size_and_the_gaps_of_real_ones() -> None:
    here = world()
    bodies = [
        rows.post_row(each, post, NOW, False)
        for each in map(creator, HANDLES)
        for post in list(here.posts(each, NOW))[:60]
    ]
    decoded = [json.loads(body) for body in bodies]
    assert 2_000 < sum(map(len, bodies)) / len(bodies) < 3_600
    assert any("music_info" not in row for row in decoded)
    assert any("collect_count" not in row for row in decoded) and any("share_count" not in row for row in decoded)
    assert any(row.get("aweme_id", "").startswith("v0") for row in decoded)
    assert {type(row["music_info"]["duration"]) for row in decoded if row.get("music_info")} == {int, str}


def test_photo_account_posts_photos_only() -> None:
    here, found = world(), creator("stillframe.studio")
    for post in list(here.posts(found, NOW))[:10]:
        row = json.loads(rows.post_row(found, post, NOW, False))
        assert row["images"] and row["duration"] == 0 and row["size"] == 0 and ".mp3?" in row["play"]


@pytest.mark.parametrize(
    ("exact", "shown"), [(9_999, 9_999), (10_050, 10_000), (207_987, 207_900), (1_449_999, 1_400_000)]
)
def test_rounded_counts_look_like_tiktoks(exact: int, shown: int) -> None:
    assert rows.round_count(exact) == shown


def test_default_epoch_is_one_to_two_months_ago_and_moves_once_a_month() -> None:
    assert default_epoch(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) == EPOCH
    assert default_epoch(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) == EPOCH


def test_account_has_nothing_before_it_joined() -> None:
    found = creator("lena.bakes")
    assert world().find("lena.bakes", found.joined_at - 1) is None
    assert growth.followers_at(found, found.joined_at - 1, ()) == 0
