"""Whatever a person pastes into the form is either one handle or a sentence that says what to type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.handles import HANDLE, clean_handle
from tikdash.errors import BadInput


@pytest.mark.parametrize(
    "typed",
    [
        "lena.bakes",
        "@lena.bakes",
        "  @Lena.Bakes \n",
        "@ lena.bakes",
        "\ufefflena.bakes\u200b",
        "LENA.BAKES",
        "https://www.tiktok.com/@lena.bakes",
        "http://tiktok.com/@lena.bakes/",
        "https://m.tiktok.com/@lena.bakes?lang=en&is_copy_url=1",
        "HTTPS://WWW.TikTok.com/@Lena.Bakes#top",
        "www.tiktok.com/@lena.bakes",
        "tiktok.com/@lena.bakes/video/7412345678901234567",
        "https://www.tiktok.com/@lena.bakes/photo/7412345678901234567?is_from_webapp=1",
        "https://www.tiktok.com:443/@lena.bakes",
    ],
)
def test_every_spelling_and_address_of_a_profile_gives_its_handle(typed: str) -> None:
    assert clean_handle(typed) == "lena.bakes"


@pytest.mark.parametrize("handle", ["a1", "__", "user_9", "1234567890", "x" * 24, "a.b.c", "..a"])
def test_a_handle_has_2_to_24_letters_digits_dots_and_underscores(handle: str) -> None:
    assert clean_handle(handle) == handle


@pytest.mark.parametrize("typed", ["", "   ", "\n\t", "\u200b"])
def test_nothing_typed_asks_for_a_handle(typed: str) -> None:
    with pytest.raises(BadInput, match="Type a TikTok handle, for example"):
        clean_handle(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "@",
        "a",
        "x" * 25,
        "lena.",
        "lena bakes",
        "lena-bakes",
        "lena@bakes",
        "léna",
        "ле́на",
        "レナ",
        "lena\x00bakes",
        "lena\nbakes",
        "lena'; DROP TABLE accounts",
        "<script>alert(1)<",
        "%40lena",
        "１２３",
        "lena.bakes\u0130",
    ],
)
def test_what_cannot_be_a_handle_is_refused_with_the_rule(typed: str) -> None:
    with pytest.raises(BadInput, match=r"is not a TikTok handle: 2–24 letters, digits, dots and underscores"):
        clean_handle(typed)


@pytest.mark.parametrize(
    "typed",
    ["https://vm.tiktok.com/ZMabc123/", "vt.tiktok.com/ZSabc/", "https://www.tiktok.com/t/ZTabc/"],
)
def test_a_short_link_is_refused_because_it_names_nobody(typed: str) -> None:
    with pytest.raises(BadInput, match="Short links do not say whose they are"):
        clean_handle(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "https://www.instagram.com/lena.bakes",
        "https://www.tiktok.com.evil.example/@lena.bakes",
        "https://eviltiktok.com/@lena.bakes",
        "https://evil.example/@lena.bakes?tiktok.com",
        "https://www.tiktok.com@evil.example/@lena.bakes",
        "https://www.tiktok.com/",
        "https://www.tiktok.com/tag/baking",
        "https://www.tiktok.com/discover/@lena.bakes",
        "lena/bakes",
        "/",
        "//",
        "https://[/@lena.bakes",
        "javascript://www.tiktok.com/lena",
    ],
)
def test_an_address_of_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(BadInput, match="This is not the address of a TikTok profile"):
        clean_handle(typed)


def test_the_sentence_repeats_no_more_than_40_characters() -> None:
    with pytest.raises(BadInput) as refused:
        clean_handle("y" * 5000)
    assert "y" * 40 in str(refused.value) and "y" * 41 not in str(refused.value)


@given(st.text(max_size=60) | st.text(alphabet="@/.:tiktokcom aZ_0\u200b", max_size=40))
def test_any_text_gives_a_handle_or_a_sentence_and_a_handle_stays_itself(typed: str) -> None:
    try:
        handle = clean_handle(typed)
    except BadInput:
        return
    assert HANDLE.match(handle) and clean_handle(f"@{handle}") == handle
