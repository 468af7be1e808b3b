"""The tab of timing: hours of the week by the reader's clock, weeks, and how one does among accounts of a size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import User
from snapshots.analytics import peers
from snapshots.models import TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.snapshots.test_exports import rows_of
from tests.snapshots.test_pages import text_of as exact_text_of
from tikdash.db.scope import tenant_scope
from tikdash.redis import server


def text_of(answer: Any) -> str:
    """The page with plain spaces in its numbers."""
    return exact_text_of(answer).replace("\u202f", " ")


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    """24 posts: those of Tuesdays at 18:00 UTC have twice the views of those of Fridays at 9:00."""
    with tenant_scope(cast.acme):
        account = make_account("lena", follower_count=10_000)
        tuesday, friday = datetime(2026, 11, 10, 18, tzinfo=UTC), datetime(2026, 11, 6, 9, tzinfo=UTC)
        for week in range(12):
            make_post(account, posted_at=tuesday - timedelta(weeks=week), play_count=2_000)
            make_post(account, posted_at=friday - timedelta(weeks=week), play_count=1_000)
    return account


def test_the_best_hours_are_those_of_the_readers_clock(cast: Cast, ana: Client, lena: TrackedAccount) -> None:
    page = text_of(ana.get(f"/accounts/{lena.pk}/?tab=timing"))
    assert "clock of UTC" in page
    assert "<b>Tuesday, 18:00–19:00</b>" in page and "1.3× its median views" in page
    assert 'title="Friday, 09:00–10:00: 0.7× · 12 posts"' in page
    User.objects.filter(pk=cast.ana.pk).update(time_zone="Asia/Tokyo")
    page = text_of(ana.get(f"/accounts/{lena.pk}/?tab=timing"))
    assert "clock of Asia/Tokyo" in page and "<b>Wednesday, 03:00–04:00</b>" in page
    rows = rows_of(ana.get(f"/accounts/{lena.pk}/hours/export.csv"))
    assert len(rows) == 7 * 24
    assert [(row["weekday"], row["hour"], row["posts"]) for row in rows if row["multiple"]] == [
        ("3", "3", "12"), ("5", "18", "12"),
    ]  # fmt: skip


def test_weeks_are_columns_and_a_table(ana: Client, lena: TrackedAccount) -> None:
    page = " ".join(text_of(ana.get(f"/accounts/{lena.pk}/?tab=timing")).split())
    assert "<b>2.0</b> posts a week on average" in page and 'class="columns"' in page
    rows = rows_of(ana.get(f"/accounts/{lena.pk}/weeks/export.csv"))
    assert rows[0] == {"monday": "2026-11-09", "posts": "1"} and rows[1]["posts"] == "2"


def test_few_posts_tell_nothing_and_say_so(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_post(account, posted_at=noon - timedelta(days=9))
    page = text_of(ana.get(f"/accounts/{account.pk}/?tab=timing"))
    assert "It takes 20 posts of the last 180 days to tell; there is 1." in page and "best-times" not in page


def test_an_account_stands_among_those_of_its_size_where_enough_are_known(
    cast: Cast, ana: Client, lena: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        make_snapshots(lena, [8_000, *[None] * 29, 10_000])
    with server().reached() as redis:
        redis.delete(peers.KEY)
    assert "Among about" not in text_of(ana.get(f"/accounts/{lena.pk}/"))
    cell = {"n_accounts": 120, "percentiles": [0.01 * step for step in range(1, 20)]}
    kept = {"as_of": noon.isoformat(), "cells": {"10k–100k": dict.fromkeys(peers.PEER_METRICS, cell)}}
    with server().reached() as redis:
        redis.set(peers.KEY, orjson.dumps(kept))
    page = text_of(ana.get(f"/accounts/{lena.pk}/"))
    with server().reached() as redis:
        redis.delete(peers.KEY)
    assert "Among about 120 accounts with 10k–100k followers: " in page
    assert "views per follower better than 75.0 %" in page and "growth better than 95.0 %" in page
