"""Tones of comments in five languages and emoji, pages of comments, and mentions by week."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.selectors import TenantRef
from snapshots.analytics.comments import comments, mentions, tones
from snapshots.analytics.sentiment import summary, tone_of
from snapshots.models import Comment
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_post
from tests.queries import statements_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput

DAY = timedelta(days=1)
POSITIVE = [
    "I love this so much",
    "AMAZING!!!",
    "sooo gooood",
    "not bad at all",
    "J'adore ta recette",
    "c’est génial",
    "GENIAL",
    "me encanta, muchas gracias",
    "Das ist so schön geworden",
    "gefällt mir",
    "que receita maravilhosa",
    "𝓁𝑜𝓋𝑒 this",
    "😍😍",
    "who made this? 🔥",
    "não é ruim",
]
NEGATIVE = [
    "this is awful",
    "not good",
    "I don't find it good",
    "don’t love it",
    "j'aime pas",
    "ce n'est pas bon",
    "no me encanta",
    "que asco",
    "das mag ich nicht",
    "das ist nicht schön",
    "achei horrível",
    "isso não é bom",
    "🤮",
]
UNKNOWN = [
    "",
    "first",
    "what flour is that?",
    "schon wieder montag",
    "groß",
    "ich lies das",
    "it looks like bread",
    "123 456",
    "パンです",
    "🥐",
    "no",
]
NEUTRAL = ["ok", "good but boring", "😍🤮", "meh"]


@pytest.mark.parametrize("text", POSITIVE)
def test_kind_comments(text: str) -> None:
    assert tone_of(text) == "positive"


@pytest.mark.parametrize("text", NEGATIVE)
def test_unkind_comments(text: str) -> None:
    assert tone_of(text) == "negative"


@pytest.mark.parametrize("text", UNKNOWN)
def test_comments_of_which_no_word_is_known(text: str) -> None:
    assert tone_of(text) == "unknown"


@pytest.mark.parametrize("text", NEUTRAL)
def test_comments_that_say_neither(text: str) -> None:
    assert tone_of(text) == "neutral"


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("not that it matters to me, beautiful", "positive"),
        ("never one two three four good", "positive"),
        ("never one two good", "negative"),
        ("bon mais pas pour moi", "positive"),
        ("No. Good!", "positive"),
        ("not mine but beautiful", "positive"),
    ],
)
def test_a_negation_reaches_three_words_within_its_clause(text: str, tone: str) -> None:
    assert tone_of(text) == tone


def test_shares_are_of_the_comments_that_could_be_judged() -> None:
    found = summary(["love it"] * 12 + ["awful"] * 6 + ["ok"] * 2 + ["first"] * 20)
    assert (found.n, found.judged, found.unknown) == (40, 20, 20)
    assert (found.positive_share, found.negative_share, found.coverage, found.reason) == (0.6, 0.3, 0.5, "")


def test_fewer_than_twenty_judged_comments_have_no_share() -> None:
    found = summary(["love it"] * 19 + ["first"] * 200)
    assert (found.positive_share, found.negative_share) == (None, None)
    assert found.reason == "Needs 20 comments with a known word; 19 of 219 have one."
    assert (summary([]).coverage, summary([]).positive_share) == (None, None)


def test_the_tones_of_an_account_and_of_a_post(acme: TenantRef) -> None:
    account = make_account()
    loved, other = make_post(account), make_post(account)
    for _ in range(20):
        make_comment(loved, "love it")
        make_comment(other, "boring")
    assert tones(post_id=loved.pk).sentiment.positive_share == 1.0
    whole = tones(account_id=account.pk)
    assert (whole.sentiment.positive_share, whole.sentiment.n, whole.as_of) == (0.5, 40, clock.now())
    assert (tones(post_id=make_post(account).pk).as_of, tones(post_id=0).sentiment.n) == (None, 0)


def pages(**arguments: object) -> list[str]:
    """The texts of all pages of three rows."""
    texts, after = [], ""
    while True:
        page = comments(after=after, most=3, **arguments)  # type: ignore[arg-type]
        texts += [row.text for row in page.rows]
        if page.next_key is None:
            return texts
        after = page.next_key


def test_pages_show_each_comment_once_the_newest_or_the_most_liked_first(acme: TenantRef) -> None:
    account = make_account()
    post, another = make_post(account), make_post(account)
    for number in range(8):
        make_comment(
            post if number % 2 else another,
            f"text {number}",
            digg_count=None if number == 3 else (number * 5) % 7,
            written_at=None if number == 6 else clock.now() - number // 2 * DAY,
        )
    newest = pages(account_id=account.pk)
    assert newest == [f"text {number}" for number in (6, 1, 0, 3, 2, 5, 4, 7)]
    liked = pages(account_id=account.pk, order="liked")
    counts = [Comment.objects.get(text=text).digg_count for text in liked]
    assert counts[0] is None and counts[1:] == sorted((each for each in counts if each is not None), reverse=True)
    assert sorted(liked) == sorted(newest)
    assert pages(post_id=post.pk) == [text for text in newest if int(text[-1]) % 2]


def test_pages_go_on_behind_comments_without_a_date_or_likes(acme: TenantRef) -> None:
    post = make_post(make_account())
    made = [
        make_comment(post, f"text {number}", written_at=None if number < 5 else clock.now(), digg_count=None).text
        for number in range(8)
    ]
    assert pages(post_id=post.pk) == [*reversed(made[:5]), *reversed(made[5:])]
    assert pages(post_id=post.pk, order="liked") == made[::-1]


def test_words_are_searched_in_an_account_and_in_a_post(acme: TenantRef) -> None:
    account = make_account()
    post = make_post(account)
    for text in ("Rival bread is better", "love the BREAD", "100% rye_bread", "nothing"):
        make_comment(post, text)
        make_comment(make_post(account), text + "!")
    for arguments, end in (({"post_id": post.pk}, ""), ({"account_id": account.pk}, "!")):
        found = pages(words=" bread  rival ", **arguments)
        assert f"Rival bread is better{end}" in found and all("Rival" in text for text in found)
        assert len(pages(words="%", **arguments)) == (2 if end else 1)
        assert len(pages(words="bread", order="liked", **arguments)) == (6 if end else 3)
    row = comments(post_id=post.pk, words="love").rows[0]
    assert (row.tone, row.post_id, row.as_of) == ("positive", post.pk, clock.now())


@pytest.mark.parametrize(
    "arguments",
    [{}, {"account_id": 1, "post_id": 1}, {"account_id": 1, "order": "oldest"}, {"account_id": 1, "after": "x.1"}],
)
def test_what_makes_no_page_is_refused(acme: TenantRef, arguments: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        comments(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["1", "..", "1.x", "99999999999999999999.1", "9000000000000000000.1", ".-1"])
def test_a_key_that_nobody_gave_is_refused(acme: TenantRef, key: str) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        comments(account_id=1, after=key)


def test_mentions_are_counted_by_week_with_empty_weeks(acme: TenantRef) -> None:
    ours, theirs, unasked = make_account(), make_account(), make_account()
    for account in (ours, theirs, unasked):
        post = make_post(account)
        make_comment(post, "have you tried Rivalbread?", written_at=clock.now())
        make_comment(post, "RIVALBREAD!", written_at=clock.now() - 15 * DAY)
        make_comment(post, "rivalbread", written_at=clock.now() - 80 * DAY)
        make_comment(post, "our bread", written_at=clock.now())
    found = mentions([ours.pk, theirs.pk], "rivalbread", weeks=4)
    # Noon is on Sunday, the 15th of November.
    mondays = [date(2026, 10, 19), date(2026, 10, 26), date(2026, 11, 2), date(2026, 11, 9)]
    assert found.weeks == list(zip(mondays, (0, 2, 0, 2), strict=True))
    assert (found.total, found.at_least, found.as_of) == (4, False, clock.now())
    assert len(statements_of(lambda: mentions([ours.pk, theirs.pk], "rivalbread"))) == 1


def test_mentions_of_nothing_are_refused_and_of_something_unheard_of_are_none(acme: TenantRef) -> None:
    with pytest.raises(BadInput, match="Type the word"):
        mentions([1], "  ")
    with pytest.raises(BadInput, match="53 weeks"):
        mentions([1], "bread", weeks=54)
    with pytest.raises(BadInput, match="at most 200 accounts"):
        mentions(range(201), "bread")
    assert mentions([1], "bread", weeks=2).total == 0


def test_another_tenant_reads_no_comment_of_ours(acme: TenantRef, cast: Cast) -> None:
    account = make_account()
    post = make_post(account)
    make_comment(post, "love it")
    with tenant_scope(cast.rival):
        for arguments in ({"account_id": account.pk}, {"post_id": post.pk}):
            for words in ("", "love"):
                assert comments(words=words, **arguments).rows == []  # type: ignore[arg-type]
        assert tones(account_id=account.pk).sentiment.n == 0
        assert mentions([account.pk], "love").total == 0


def test_a_page_is_one_statement_also_of_a_search(acme: TenantRef) -> None:
    account = make_account()
    post = make_post(account)
    for number in range(12):
        make_comment(post, f"love {number}")
    assert len(statements_of(lambda: comments(account_id=account.pk))) == 1
    assert len(statements_of(lambda: comments(account_id=account.pk, words="love"))) == 1
    assert len(statements_of(lambda: comments(post_id=post.pk, words="love"))) == 1
    assert len(statements_of(lambda: tones(account_id=account.pk))) == 1
