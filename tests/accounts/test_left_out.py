"""People of whom nothing is kept: known by keyed digests, refused where they are typed, sieved out of every answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import LeftOut, PrivacyRequest
from accounts.services.left_out import PersonIsLeftOut, leave_out, left_out, lost_peppers, refuse_left_out
from accounts.services.privacy import open_request
from tests.cast import Cast
from tikdash.tiklive.people import Person
from tikdash.tiklive.shapes import CommentPage, FollowPage, PostPage, Sound, UserId, UserInfo
from tikdash.tiklive.shapes.comments import Comment, Commenter
from tikdash.tiklive.shapes.follows import Follow
from tikdash.tiklive.shapes.posts import Author, MusicInfo, Post
from tikdash.tiklive.shapes.users import User, UserStats
from tikdash.tiklive.sieve import PersonLeftOut, sieved

ZOE = Person(frozenset({"zoe.private9", "tom"}), frozenset({"7001"}), frozenset({"MS4wLjABzoe"}))


@pytest.fixture
def request_of_zoe(cast: Cast) -> Iterator[PrivacyRequest]:
    left_out.forget()
    request = open_request(person=ZOE, kind="erasure", asked_by="person", basis="gdpr-17-1-c")
    leave_out(ZOE, request)
    yield request
    left_out.forget()


def test_nothing_that_is_kept_of_them_says_who_they_are(request_of_zoe: PrivacyRequest) -> None:
    rows = [str(row) for row in LeftOut.objects.values()] + [str(PrivacyRequest.objects.values())]
    assert len(rows) == 5
    for name in (*ZOE.handles, *ZOE.ids, *ZOE.sec_uids):
        assert not any(f"'{name}'" in row for row in rows)


def test_ids_and_sec_uids_lead_to_a_person_and_handles_where_no_other_id_stands_beside(
    request_of_zoe: PrivacyRequest,
) -> None:
    assert left_out.is_left_out(id="7001") and left_out.is_left_out(sec_uid="MS4wLjABzoe")
    assert left_out.is_left_out(handle="Zoe.Private9")
    assert left_out.is_left_out(id="7001", handle="another.name")
    # Somebody else has the handle by now.
    assert not left_out.is_left_out(id="7002", handle="zoe.private9")
    assert not left_out.is_left_out(id="7002", handle="lena.bakes", sec_uid="x")


def test_who_was_never_known_by_an_id_is_left_out_by_handle_alone(cast: Cast) -> None:
    left_out.forget()
    person = Person(handles=frozenset({"only.handle"}))
    leave_out(person, open_request(person=person, kind="erasure", asked_by="person", basis="other"))
    assert left_out.is_left_out(id="7002", handle="only.handle")
    left_out.forget()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("with @zoe.private9. Bye", "with [removed]. Bye"),
        ("ZOE.PRIVATE9 and #zoe.private9!", "[removed] and [removed]!"),
        ("@tom and tom", "[removed] and tom"),
        ("@tommy, zoe.private99, @zoe.private9.x", "@tommy, zoe.private99, @zoe.private9.x"),
        ("", ""),
    ],
)
def test_mentions_are_blanked(request_of_zoe: PrivacyRequest, text: str, left: str) -> None:
    assert left_out.without_names(text) == left


def test_every_shape_is_sieved(request_of_zoe: PrivacyRequest) -> None:
    stats = UserStats(follower_count=1)
    by_sec_uid = User(id="1", unique_id="tom2", sec_uid="MS4wLjABzoe")
    for about_her in (UserInfo(User(id="7001"), stats), UserInfo(by_sec_uid, stats), UserId("7001")):
        with pytest.raises(PersonLeftOut):
            sieved(about_her, left_out)
    other = UserInfo(User(id="5", unique_id="lena", signature="me & @zoe.private9"), stats)
    assert sieved(other, left_out).user.signature == "me & [removed]"
    page = FollowPage((Follow(id="7001", unique_id="x"), Follow(id="6", unique_id="y")), "1", False)
    assert [row.id for row in sieved(page, left_out).users] == ["6"]
    comments = CommentPage(
        (
            Comment(id="1", text="mine", user=Commenter(id="7001")),
            Comment(id="2", text="hi @tom", user=Commenter(id="8", unique_id="y")),
            Comment(id="3", text="hi", user=None),
        ),
        "0",
        False,
    )
    assert [row.text for row in sieved(comments, left_out).comments] == ["hi [removed]", "hi"]
    music = MusicInfo(id="9", title="original sound - zoe.private9", author="L")
    posts = PostPage(
        (Post(id="1", author=Author(id="7001")), Post(id="2", title="@tom!", music_info=music)), "0", False
    )
    [post] = sieved(posts, left_out).videos
    assert (post.title, post.music_info.title) == ("[removed]!", "original sound - [removed]")  # type: ignore[union-attr]
    assert sieved(Sound(id="1", author="zoe.private9"), left_out).author == "[removed]"
    untouched = FollowPage((Follow(id="6", unique_id="y"),), "1", False)
    assert sieved(untouched, left_out) is untouched


def test_a_handle_of_theirs_cannot_be_typed(request_of_zoe: PrivacyRequest) -> None:
    with pytest.raises(PersonIsLeftOut, match="No data is kept about this account"):
        refuse_left_out("zoe.private9")
    refuse_left_out("lena.bakes")


def test_an_entry_that_is_deleted_is_taken_back(request_of_zoe: PrivacyRequest) -> None:
    LeftOut.objects.all().delete()
    left_out.forget()
    assert left_out.is_nobody() and not left_out.is_left_out(id="7001")


def test_entries_outlive_a_new_pepper_and_one_that_is_lost_is_noticed(
    request_of_zoe: PrivacyRequest, settings: Any
) -> None:
    old = settings.TOKEN_PEPPERS
    settings.TOKEN_PEPPERS = {"new": "n" * 50} | old
    left_out.forget()
    assert left_out.is_left_out(id="7001") and lost_peppers() == set()
    settings.TOKEN_PEPPERS = {"new": "n" * 50}
    left_out.forget()
    assert not left_out.is_left_out(id="7001") and lost_peppers() == set(old)
