"""Hashtags are found in every script, whatever stands around them, and equal ones are equal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snapshots.ingest.hashtags import (
    LONGEST_HASHTAG,
    MOST_HASHTAGS,
    asked_as,
    fold,
    hashtags_in,
    uses_in,
)

FAMILY = "👩\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbeng") + "\U000e007f"
#: Letters, marks, joiners, signs and pictures that mean something to the rules, close together.
TITLES = st.text(
    st.one_of(
        st.sampled_from("##＃﹟ aBßİıiſ\u0307_·・་\u200c\u200d\ufe0f\u20e3🐺👍🏽१क्िทำ漢ㅋᄏև①½"),
        st.characters(codec="utf-8"),
    )
)


@pytest.mark.parametrize(
    ("title", "tags"),
    [
        ("wait for the end #fyp #storytime", ["fyp", "storytime"]),
        ("आज #हिंदी #सीखो_मुफ्त #ज़िंदगी", ["हिंदी", "सीखो_मुफ्त", "ज़िंदगी"]),
        ("#বাংলা #রান্নাঘর #ক্ষমা", ["বাংলা", "রান্নাঘর", "ক্ষমা"]),
        ("#อาหารไทย #ของอร่อยบอกต่อ", ["อาหารไทย", "ของอร่อยบอกต่อ"]),
        ("မနက် #ဟင်းချက်နည်း #မြန်မာ", ["ဟင်းချက်နည်း", "မြန်မာ"]),
        ("#ភាសាខ្មែរ #ស្រឡាញ់", ["ភាសាខ្មែរ", "ស្រឡាញ់"]),
        ("#தமிழ் #తెలుగు #ಕನ್ನಡ #മലയാളം #සිංහල", ["தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල"]),
        ("東京 #渋谷スカイ #猫のいる暮らし", ["渋谷スカイ", "猫のいる暮らし"]),
        ("#서울 #먹방 #人工智能", ["서울", "먹방", "人工智能"]),
        ("#yüksekova #ẩmthực #своимируками #Ελλάδα", ["yüksekova", "ẩmthực", "своимируками", "ελλάδα"]),
        ("#اكسبلور #قهوة_الصباح #ترند🔥", ["اكسبلور", "قهوة_الصباح", "ترند🔥"]),
        ("#עברית #ጤና #ქართული #བོད་ཡིག", ["עברית", "ጤና", "ქართული", "བོད་ཡིག"]),
    ],
)
def test_a_tag_is_whole_in_every_script(title: str, tags: list[str]) -> None:
    assert list(hashtags_in(title)) == [unicodedata.normalize("NFKC", tag) for tag in tags]


@pytest.mark.parametrize(
    ("title", "tags"),
    [
        ("#challenge#comedia", ["challenge", "comedia"]),
        ("text#glued and #two.", ["glued", "two"]),
        ("##foryoupage# fyp", ["foryoupage"]),
        ("##x ###y", ["x", "y"]),
        ("# x", []),
        ("#", []),
        ("", []),
        ("no tag, 5 # of them #", []),
        ('#a\'s #b. #c,d (#e) #f-g #h/i #j&k "#l" #m!', ["a", "b", "c", "e", "f", "h", "j", "l", "m"]),
        ("#line\n#break\t#tab\u3000#wide\u00a0#hard", ["line", "break", "tab", "wide", "hard"]),
        ("#snake_case #_private #trailing_", ["snake_case", "_private", "trailing_"]),
        ("＃全角 ﹟small #Ｆｕｌｌ＿ｗｉｄｔｈ", ["全角", "small", "full_width"]),
    ],
)
def test_a_tag_begins_at_a_number_sign_and_ends_where_the_word_does(title: str, tags: list[str]) -> None:
    assert list(hashtags_in(title)) == tags


@pytest.mark.parametrize(
    ("title", "tags"),
    [
        ("#🐺 #🐺🌕", ["🐺", "🐺🌕"]),
        ("#👍🏽 #🇩🇪", ["👍🏽", "🇩🇪"]),
        (f"#{FAMILY}", [FAMILY]),
        (f"#{ENGLAND}", [ENGLAND]),
        ("#❤\ufe0f #❤", ["❤"]),
        ("#love❤\ufe0f🔥", ["love❤🔥"]),
        ("#\ufe0f\u20e3fyp", []),
        ("#1\ufe0f\u20e3", ["1\u20e3"]),
        ("#\U0001fadf", ["\U0001fadf"]),
    ],
    ids=["pictures", "skin and flags", "family", "england", "with and without colours", "at the end", "keycap of #",
         "keycap of 1", "newer than our Unicode"],
)  # fmt: skip
def test_emoji_are_part_of_tags_but_the_keycap_is_a_picture(title: str, tags: list[str]) -> None:
    assert list(hashtags_in(title)) == tags


def test_joiners_stay_inside_of_a_word_and_fall_off_at_its_ends() -> None:
    assert list(hashtags_in("#می\u200cخواهم #র\u200d্যাব")) == ["می\u200cخواهم", "র\u200d্যাব"]
    assert list(hashtags_in("#fyp\u200d #\u200cfyp #fyp\u200c\u200c")) == ["fyp"]
    assert list(hashtags_in("#col·lecció #レオ・ナルド #a· #a・・b #·b")) == ["col·lecció", "レオ・ナルド", "a"]


def test_invisible_characters_around_arabic_do_not_make_another_tag() -> None:
    assert hashtags_in("#\u200fخبز\u200f \u2067#خبز\u2069 #خب\u200eز") == {"خبز": 3}


def test_the_space_without_width_ends_a_tag_and_a_blank_letter_is_none() -> None:
    assert list(hashtags_in("#ខ្មែរ\u200bស្អាត #\u3164 #a\u3164b")) == ["ខ្មែរ", "a"]


@pytest.mark.parametrize(("title", "tags"), [("#2026 #75 #٧", ["2026", "75", "٧"]), ("#_ #___", [])])
def test_digits_alone_are_a_tag_and_underscores_alone_are_none(title: str, tags: list[str]) -> None:
    assert list(hashtags_in(title)) == tags


@pytest.mark.parametrize(
    "forms",
    [
        ["FYP", "fyp", "Fyp", "ｆｙｐ", "𝓯𝔂𝓹", "𝗙𝗬𝗣", "ℱ𝓎𝓅"],
        ["İstanbul", "ISTANBUL", "istanbul", "I\u0307stanbul", "i\u0307stanbul"],
        ["straße", "STRASSE", "Straẞe"],
        ["ΟΔΟΣ", "οδος", "οδοσ"],
        ["café", "cafe\u0301", "CAFÉ"],
        ["น้ำ", "น้\u0e4d\u0e32"],
        ["ガ", "ｶﾞ"],
        ["ﬁt", "fit"],
    ],
    ids=lambda forms: forms[0],
)
def test_ways_of_writing_one_tag_are_one_tag(forms: list[str]) -> None:
    [count] = hashtags_in(" ".join(f"#{form}" for form in forms)).values()
    assert count == len(forms)


@pytest.mark.parametrize(("one", "other"), [("ısparta", "isparta"), ("ñ", "n"), ("сасha", "cacha"), ("हिंदी", "हदी")])
def test_letters_that_are_others_make_other_tags(one: str, other: str) -> None:
    assert len(hashtags_in(f"#{one} #{other}")) == 2


def test_every_occurrence_counts() -> None:
    assert hashtags_in("#fyp #a #FYP#fyp text #b#B") == {"fyp": 3, "a": 1, "b": 2}


def test_a_tag_is_shown_as_it_is_written_first_and_in_plain_letters() -> None:
    shown = {name: use.shown for name, use in uses_in("#CaféParis #caféparis #𝓗𝓲 #ทำ #ㅋㅋ #և").items()}
    assert list(shown.values()) == ["CaféParis", "Hi", "ทำ", "ㅋㅋ", "և"]


@pytest.mark.parametrize(
    ("shown", "asked"),
    [
        ("FYP", "fyp"),
        ("Straße", "straße"),
        ("İstanbul", "istanbul"),
        ("ทำ", "ทำ"),
        ("ㅋㅋㅋ", "ㅋㅋㅋ"),
        ("ترند🔥", "ترند🔥"),
    ],
)
def test_tiktok_is_asked_in_the_letters_of_the_language(shown: str, asked: str) -> None:
    assert asked_as(shown) == asked


def test_a_tag_of_more_than_100_characters_is_cut_and_the_61st_tag_is_left_out() -> None:
    assert list(hashtags_in("#" + "ab" * 200)) == ["ab" * 50]
    many = " ".join(f"#tag{number}" for number in range(100)) + " #tag0"
    found = hashtags_in(many)
    assert len(found) == MOST_HASHTAGS == 60
    assert found["tag0"] == 2 and "tag59" in found and "tag60" not in found


@settings(max_examples=500)
@given(TITLES)
@example("#i\u0307\u0301 #\u0345\u0308")
@example("#ǰ\u0323 #ΐ #ŉ")
def test_what_is_found_is_a_tag_and_is_found_again(title: str) -> None:
    found = uses_in(title)
    assert sum(use.occurrences for use in found.values()) <= sum(map(title.count, "#＃﹟"))
    for name, use in found.items():
        assert 0 < len(name) <= LONGEST_HASHTAG and 0 < len(use.shown) <= LONGEST_HASHTAG
        assert "#" not in name and not any(character.isspace() for character in name)
        assert fold(name) == name
        assert hashtags_in("#" + name) == {name: 1}
        assert hashtags_in("#" + use.shown) == {name: 1}


@settings(max_examples=300)
@given(st.text("#＃aBéßสระำकि्ষΣ🔥_ 1"))
def test_composed_decomposed_and_capital_letters_make_no_difference(title: str) -> None:
    found = hashtags_in(title)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert hashtags_in(unicodedata.normalize(form, title)) == found
    assert hashtags_in(title.upper()) == found


@given(st.lists(st.sampled_from(["fyp", "हिंदी", "渋谷スカイ", "🐺", "ترند🔥", "a_b", "น้ํา", FAMILY]), unique=True))
def test_glued_tags_are_the_same_as_separate_ones(names: list[str]) -> None:
    glued, separate = "".join(f"#{name}" for name in names), " ".join(f"#{name}" for name in names)
    assert list(hashtags_in(glued)) == list(hashtags_in(separate)) == names


def test_no_single_character_breaks_the_rules() -> None:
    """All of Unicode, one by one: folding twice is folding once, and a folded tag is a tag."""
    for code in (*range(0xD800), *range(0xE000, 0x32000), *range(0xE0000, 0xE01F0)):
        for name in hashtags_in(f"#a{chr(code)}b #{chr(code)}"):
            assert hashtags_in("#" + name) == {name: 1}, hex(code)
