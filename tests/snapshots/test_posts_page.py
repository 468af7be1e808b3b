"""The posts table pages by key: forwards and back, every post is met exactly once, whatever it is sorted by."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.posts import COLUMNS, ROWS_A_PAGE, PostRow, PostsPage, posts_page
from snapshots.models import Post, TrackedAccount
from tests.factories import make_account, make_post
from tikdash.errors import BadInput

POSTS = 3 * ROWS_A_PAGE + 7
SORTS = [way + key for key in COLUMNS for way in ("", "-")]


@pytest.fixture
def account(acme: TenantRef, noon: datetime) -> TrackedAccount:
    """82 posts with many ties and many counters that were never given; a second account to stay away from."""
    draw = random.Random(11)
    account, other = make_account("lena.bakes"), make_account()

    def count() -> int | None:
        return draw.choice([None, None, 0, 0, 1, 7, 7, 7, 2**40, draw.randrange(10)])

    for number in range(POSTS):
        make_post(
            account,
            # Down to the microsecond, and several posts at one moment.
            posted_at=noon - timedelta(hours=number // 3, microseconds=number // 3 * 7 + 1),
            play_count=count(),
            digg_count=count(),
            comment_count=count(),
            share_count=count(),
            collect_count=count(),
        )
    make_post(other, play_count=2**50)
    return account


def page(account: TrackedAccount, sort: str, **key: str) -> PostsPage:
    return posts_page(tenant_id=account.tenant_id, account_id=account.pk, handle=account.username, sort=sort, **key)


def value(row: PostRow, key: str) -> tuple[float, int]:
    """What a row is sorted by: none counts as the smallest, and the id makes it total."""
    found = row.posted_at.timestamp() if key == "posted_at" else getattr(row, key)
    return (-1 if found is None else found), row.id


@pytest.mark.parametrize("sort", SORTS)
def test_paging_forwards_and_back_meets_every_post_exactly_once_in_order(account: TrackedAccount, sort: str) -> None:
    forwards = [page(account, sort)]
    while forwards[-1].next_key:
        forwards.append(page(account, sort, after=forwards[-1].next_key))
    assert [len(each.rows) for each in forwards] == [25, 25, 25, 7]
    rows = [row for each in forwards for row in each.rows]
    in_order = sorted(rows, key=lambda row: value(row, sort.removeprefix("-")), reverse=sort.startswith("-"))
    assert [row.id for row in rows] == [row.id for row in in_order]
    assert {row.id for row in rows} == set(Post.objects.filter(account=account).values_list("pk", flat=True))
    assert {each.total for each in forwards} == {POSTS}
    assert forwards[0].previous_key is None

    back = [forwards[-1]]
    while back[-1].previous_key:
        back.append(page(account, sort, before=back[-1].previous_key))
    assert [each.rows for each in back[::-1]] == [each.rows for each in forwards]
    assert back[-1].next_key == forwards[0].next_key


def test_a_page_that_was_shared_shows_the_same_rows_after_new_posts_came(
    account: TrackedAccount, noon: datetime
) -> None:
    key = page(account, "-posted_at").next_key or ""
    shared = [row.id for row in page(account, "-posted_at", after=key).rows]
    for _ in range(30):
        make_post(account, posted_at=noon)
    assert [row.id for row in page(account, "-posted_at", after=key).rows] == shared


def test_a_row_knows_its_address_its_age_and_that_it_is_gone(acme: TenantRef, noon: datetime) -> None:
    account = make_account("lena.bakes")
    make_post(account, aweme_id="74", kind="photo", posted_at=noon - timedelta(days=2), deleted_at=noon, title="")
    [row] = page(account, "-plays").rows
    assert row.tiktok_url == "https://www.tiktok.com/@lena.bakes/photo/74"
    assert row.age_text.startswith("2") and row.deleted_at == noon and row.title == ""


@pytest.mark.parametrize("sort", ["", "title", "--plays", "plays desc", "play_count", "plays;--", "-" * 500])
def test_a_sort_that_does_not_exist_is_refused(account: TrackedAccount, sort: str) -> None:
    with pytest.raises(BadInput, match="Posts cannot be sorted by"):
        page(account, sort)


@pytest.mark.parametrize("sort", ["-plays", "posted_at"])
@pytest.mark.parametrize(
    "key",
    ["x", "5", "5.", ".5", "1.2.3", "1e9.4", "-.1", "9" * 30 + ".1", "5.-1", f"5.{2**63}", "9" * 5000 + ".1", "\x00.1"],
)
def test_a_key_that_no_page_gave_is_refused(account: TrackedAccount, sort: str, key: str) -> None:
    for name in ("after", "before"):
        with pytest.raises(BadInput, match="Start again from the first page"):
            page(account, sort, **{name: key})


@pytest.mark.parametrize("key", [f"{2**63 - 1}.1", f"{-(2**63)}.1"])
def test_a_moment_beyond_the_calendar_is_refused_too(account: TrackedAccount, key: str) -> None:
    with pytest.raises(BadInput, match="Start again from the first page"):
        page(account, "-posted_at", after=key)
