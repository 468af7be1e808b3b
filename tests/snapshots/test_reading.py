"""Credits without a reader: derived from what each kind of job stores and from the code that reads it."""

from __future__ import annotations

import pytest

from snapshots import reading
from snapshots.models import FetchJob


def test_every_kind_that_costs_credits_says_what_it_stores() -> None:
    assert set(reading.STORES) == set(FetchJob.Kind.values) - {FetchJob.Kind.PICTURES}


def test_all_kinds_have_a_reader_at_present() -> None:
    assert reading.kinds_read() == {str(kind) for kind in reading.STORES}


def test_a_kind_whose_tables_nobody_reads_is_credits_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    without_stories = reading._readers().replace("Story", "").replace("stories", "")
    monkeypatch.setattr(reading, "_readers", lambda: without_stories)
    reading._is_read.cache_clear()
    try:
        assert reading.kinds_read() == {str(kind) for kind in reading.STORES} - {"stories"}
    finally:
        reading._is_read.cache_clear()
