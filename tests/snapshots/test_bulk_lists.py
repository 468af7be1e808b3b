"""Lists of handles as people paste and upload them."""

from __future__ import annotations

import codecs

import pytest

from snapshots.handle_lists import MOST_ROWS, ListedRow, decode_list, read_list
from tikdash.errors import BadInput


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("lena.bakes", [(1, "lena.bakes", "", "")]),
        ("\n lena.bakes \n\n@vic\r\n", [(2, "lena.bakes", "", ""), (4, "@vic", "", "")]),
        ('lena,own,"bread, uk"\nvic', [(1, "lena", "own", "bread, uk"), (2, "vic", "", "")]),
        ("lena;own;bread\nvic;;x", [(1, "lena", "own", "bread"), (2, "vic", "", "x")]),
        ("lena\town\tbread", [(1, "lena", "own", "bread")]),
        ("handle\nlena", [(2, "lena", "", "")]),
        ("Tags,Name,Username\nbread,Lena,lena\n,,vic", [(2, "lena", "", "bread"), (3, "vic", "", "")]),
        ("\ufeffhandle,reason\nlena,own", [(2, "lena", "own", "")]),
        ("=1+1\n<b>x</b>", [(1, "=1+1", "", ""), (2, "<b>x</b>", "", "")]),
    ],
)
def test_a_list_may_be_lines_or_csv_with_or_without_a_head(text: str, rows: list[tuple[int, str, str, str]]) -> None:
    assert read_list(text) == [ListedRow(*row) for row in rows]


@pytest.mark.parametrize("text", ["", "  \n\n", "handle,reason\n"])
def test_an_empty_list_says_what_to_do(text: str) -> None:
    with pytest.raises(BadInput, match="The list is empty"):
        read_list(text)


def test_a_list_has_at_most_500_rows_and_is_not_read_further() -> None:
    assert len(read_list("\n".join(f"user{n}" for n in range(MOST_ROWS)))) == MOST_ROWS
    unreadable = '"' + "x" * 200_000
    with pytest.raises(BadInput, match="more than 500 handles"):
        read_list("\n".join([*(f"user{n}" for n in range(MOST_ROWS + 1)), unreadable]))


def test_what_is_no_csv_names_its_line() -> None:
    with pytest.raises(BadInput, match="Line 2 cannot be read as CSV"):
        read_list('lena\n"' + "x" * 200_000)


@pytest.mark.parametrize(
    "content",
    [
        "lena,é".encode(),
        codecs.BOM_UTF8 + "lena,é".encode(),
        codecs.BOM_UTF16_LE + "lena,é".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "lena,é".encode("utf-16-be"),
    ],
)
def test_utf_8_and_utf_16_with_its_mark_are_read(content: bytes) -> None:
    assert decode_list(content) == "lena,é"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("lena,é".encode("latin-1"), "not in UTF-8"),
        (codecs.BOM_UTF16_LE + b"a", "not in UTF-8"),
        ("lena".encode("utf-16-le"), "not a text file"),
        (b"PK\x03\x04rest", "a spreadsheet, not CSV"),
        (b"lena\n" * 300_000, "larger than 1 MB"),
    ],
)
def test_other_files_are_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        decode_list(content)
