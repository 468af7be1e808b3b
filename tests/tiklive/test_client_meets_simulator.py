"""The two halves that share no code meet: what the client makes of the simulator's answers is the simulator's truth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulating import Caller
from tests.tiklive.ports import ListMeter, OneKey, client_to
from tikdash.tiklive.client import Client
from tikdash.tiklive.paging import Caps, Stop
from tikdash.tiklive.ports import ApiKey
from tikdash.tiklive.transport import Timeouts

HANDLE = "vanishing.vic"


SIMULATOR_KEY = ApiKey("simulator", "sim-meeting-key", "-key", per_minute=1_000_000, in_flight=1_000)


@pytest.fixture
def meter() -> ListMeter:
    return ListMeter()


@pytest.fixture
def client(simulator: Caller, meter: ListMeter) -> Iterator[Client]:
    yield client_to(simulator.base_url, meter, keys=OneKey(SIMULATOR_KEY), timeouts=Timeouts(3, 10))


@pytest.fixture
def userid(client: Client) -> str:
    return client.userid(HANDLE).id


def test_the_three_ways_to_a_profile_agree_with_the_truth(client: Client, simulator: Caller, userid: str) -> None:
    truth = simulator.look("truth/account", handle=HANDLE)
    for info in (client.userinfo_by_username(HANDLE), client.userinfo_by_id(userid)):
        assert info.user.id == userid == str(truth["id"])
        assert info.stats.follower_count == truth["followers"]
        assert info.stats.heart_count == truth["hearts"]


def test_walking_the_posts_meets_every_visible_post_once(client: Client, simulator: Caller, userid: str) -> None:
    truth = simulator.look("truth/posts", handle=HANDLE, limit=2000)["posts"]
    visible = {str(post["id"]) for post in truth if not post["deleted"]}
    walk = client.walk_user_posts(userid, caps=Caps(pages=100))
    met = [str(post.id) for post in walk]
    assert walk.stopped == Stop.END
    assert len(met) == len(set(met))
    assert visible == set(met)


def test_a_post_says_the_same_in_the_list_and_alone(client: Client, userid: str) -> None:
    listed = client.user_posts(userid).videos[0]
    url = f"https://www.tiktok.com/@{HANDLE}/video/{listed.id}"
    alone = client.post_detail(url)
    assert str(alone.id) == str(listed.id)
    assert alone.create_time == listed.create_time
    links = client.download_video(url)
    assert links.video
    assert links.video.startswith("http")


def test_walking_the_comments_meets_all_that_are_told(client: Client, simulator: Caller, userid: str) -> None:
    post = min(client.user_posts(userid).videos, key=lambda row: row.comment_count or 10**9)
    walk = client.walk_comments(f"https://www.tiktok.com/@{HANDLE}/video/{post.id}", caps=Caps(pages=200))
    comments = list(walk)
    truth = simulator.look("truth/comments", id=str(post.id), handle=HANDLE)
    assert len(comments) == truth["total"] == post.comment_count
    assert len({comment.id for comment in comments}) == len(comments)


def test_followers_and_followings_page_by_time(client: Client, simulator: Caller, userid: str) -> None:
    truth = simulator.look("truth/followers", handle=HANDLE, limit=250)
    walk = client.walk_followers(userid, caps=Caps(pages=5, items=250))
    sample = list(walk)
    assert len(sample) == 250
    assert walk.stopped == Stop.ITEM_CAP
    assert set(truth["newest_bots"]) <= {str(row.id) for row in sample}
    followings = client.walk_followings(userid, caps=Caps(pages=100))
    assert len(list(followings)) == truth["following"]


def test_hashtags_are_found_by_name_and_by_id(client: Client, simulator: Caller) -> None:
    tag = simulator.look("truth/hashtags", handle=HANDLE)["hashtags"][0]
    by_name, by_id = client.challenge_info_by_name(tag["name"]), client.challenge_info_by_id(tag["id"])
    assert by_name == by_id
    assert str(by_name.id) == tag["id"]
    assert by_name.view_count
    posts = client.challenge_posts(tag["id"])
    assert posts.videos
    assert client.search_video(tag["name"]).videos


def test_sounds_stories_and_lists_are_told(client: Client, simulator: Caller, userid: str) -> None:
    sound = simulator.look("truth/sounds", handle=HANDLE)["sounds"][0]
    told = client.music_info(sound["id"])
    assert (str(told.id), told.title) == (sound["id"], sound["title"])
    stories = simulator.look("truth/stories", handle=HANDLE)["stories"]
    assert {str(story.id) for story in client.user_stories(userid).videos} <= {str(story["id"]) for story in stories}
    assert str(client.playlist_info("7201234567890123456").id) == "7201234567890123456"
    assert str(client.collection_info("7201234567890123456").id) == "7201234567890123456"


def test_every_request_that_was_served_has_one_event(client: Client, simulator: Caller, meter: ListMeter) -> None:
    simulator.order("reset")
    userid = client.userid(HANDLE).id
    list(client.walk_user_posts(userid, caps=Caps(pages=3)))
    served = simulator.look("stats")
    assert len(meter.events) == served["requests"] == 4
    assert sum(event.credits for event in meter.events) == served["credits"]
