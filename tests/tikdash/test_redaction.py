"""Secrets of this process: gone from texts in every way of writing, and nothing else is touched."""

from __future__ import annotations

import json
import logging
import timeit
from collections import OrderedDict
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tikdash import redaction
from tikdash.redaction import hide, redacted, redacted_value
from tikdash.tiklive.ports import ApiKey

KEY = "sk-live-51-Zq8wNfR2vXy7"
AWKWARD = 'a"b\\c/d+e=f ü%'
LINE = json.dumps({"event": "job_failed", "job": 7, "kind": "profile", "code": "upstream_down", "tenant": "acme"} | {
    f"fact{number}": "x" * number for number in range(12)
})  # fmt: skip


@pytest.fixture(autouse=True)
def _only_what_the_test_hides(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_known", OrderedDict())
    monkeypatch.setattr(redaction, "_forms", ())
    monkeypatch.setattr(redaction, "_forms_as_bytes", ())
    yield


def test_a_secret_is_gone_from_a_text_and_the_rest_stays() -> None:
    hide(KEY)
    assert redacted(f"key={KEY}, again {KEY}; {KEY[:-1]}") == f"key=[key], again [key]; {KEY[:-1]}"
    assert redacted("") == "" and redacted("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    "written",
    [
        AWKWARD,
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        json.dumps(json.dumps({"echoed": AWKWARD})),
        repr(AWKWARD),
        str({"header": AWKWARD}),
    ],
)
def test_a_secret_is_gone_however_it_is_written(written: str) -> None:
    hide(AWKWARD)
    assert "[key]" in redacted(written)
    assert "d+e" not in redacted(written) and "d%2Be" not in redacted(written)


@given(secret=st.text(min_size=8, max_size=40), before=st.text(max_size=5), after=st.text(max_size=5))
def test_whatever_the_secret_is_no_way_of_writing_shows_it(secret: str, before: str, after: str) -> None:
    hide(secret)
    for written in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert written == "[key]" or written not in redacted(before + written + after).replace("[key]", "")


def test_the_client_s_own_kind_of_text_is_hidden_by_its_true_value() -> None:
    key = ApiKey(id="a", secret=KEY, last_four=KEY[-4:])
    assert str(key.secret) == "[key]"
    assert redacted(f"X-Api-Key: {KEY}") == "X-Api-Key: [key]"
    # A Secret formats itself as [key], but an encoder writes its true characters.
    assert redacted(json.dumps({"key": key.secret})) == '{"key": "[key]"}'


def test_of_two_secrets_one_within_the_other_nothing_is_left_over() -> None:
    for secret in (KEY, KEY + "-and-more", "prefix-" + KEY):
        hide(secret)
    assert redacted(f"{KEY}-and-more prefix-{KEY} {KEY}") == "[key] [key] [key]"


def test_a_value_is_cleaned_at_any_depth_and_stays_what_it_was() -> None:
    hide(KEY)
    value = {
        "list": [KEY, ("x", KEY.encode()), {f"k-{KEY}": {KEY}}],
        KEY: None, "number": 7, "truth": True, "bytes": b"--" + KEY.encode() + b"--",
    }  # fmt: skip
    assert redacted_value(value) == {
        "list": ["[key]", ("x", b"[key]"), {"k-[key]": {"[key]"}}],
        "[key]": None, "number": 7, "truth": True, "bytes": b"--[key]--",
    }  # fmt: skip
    assert KEY in value, "the original is left alone: others may need it"


def test_a_secret_too_short_to_be_told_from_words_is_said_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert [hide("job"), hide("job"), hide(""), hide("job_fail")] == [False, False, False, True]
    assert redacted("job 7, job_failed") == "job 7, [key]ed"
    [record] = caplog.records
    assert record.getMessage().startswith("A secret of 3 characters is too short")


def test_the_newest_thousand_are_remembered_and_one_in_use_is_never_forgotten() -> None:
    hide(KEY)
    for number in range(redaction.MOST + 200):
        hide(f"secret-number-{number:05}")
        hide(KEY)
    assert redacted(f"{KEY} secret-number-01199 secret-number-00000") == "[key] [key] secret-number-00000"
    assert len(redaction._known) == redaction.MOST


def seconds_a_line(repeat: int) -> float:
    return min(timeit.repeat(lambda: redacted(LINE), number=repeat, repeat=5)) / repeat


def test_a_line_costs_less_than_two_microseconds_with_one_secret_and_little_with_a_thousand() -> None:
    hide(KEY)
    assert seconds_a_line(2_000) < 2e-6
    for number in range(redaction.MOST):
        hide(f"{number:04}-secret-of-a-tenant")
    assert seconds_a_line(50) < 500e-6
