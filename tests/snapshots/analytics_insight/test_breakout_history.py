"""A month and a half of creators, read by the real ingest, against what the simulator knows of their viral posts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from accounts.selectors import TenantRef
from billing.gate import gate
from billing.models import Plan
from snapshots.analytics.breakout import Breakout, NotBroken, breakouts, curve, of_post
from snapshots.models import Post
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import fetch_now, track_now
from tests.cast import Cast
from tests.simulating import Caller
from tests.snapshots.conftest import both_clocks_at, browser_of
from tests.snapshots.test_exports import body_of, rows_of
from tests.snapshots.test_pages import text_of
from tikdash.db.scope import tenant_scope

BEGIN, END = datetime(2026, 9, 25, 9, tzinfo=UTC), datetime(2026, 10, 31, 9, tzinfo=UTC)
#: Three that have a viral post in this time, and one that has none.
HANDLES = ("lena.bakes", "stillframe.studio", "bepcuame.vn", "dima.chinit")


@pytest.fixture
def history(cast: Cast, upstream: Caller) -> Iterator[TenantRef]:
    """Acme's scope at the end of it; the creators' posts were read every 18 hours."""
    Plan.objects.update(requests_per_minute=1_000_000, requests_burst=1_000)
    gate.forget()
    moments = [BEGIN + timedelta(hours=18 * step) for step in range(49)]
    with tenant_scope(cast.acme):
        for number, moment in enumerate(moments):
            with both_clocks_at(upstream, moment):
                for handle in HANDLES:
                    if number == 0:
                        track_now(cast.acme, clean_wish(handle=handle, reason="own", tags=""))
                    else:
                        fetch_now(cast.acme, handle, "posts")
        with both_clocks_at(upstream, END):
            yield cast.acme
    gate.forget()


def test_breakouts_are_the_viral_posts_of_the_simulator_and_no_slow_one(
    cast: Cast, history: TenantRef, upstream: Caller
) -> None:
    viral: set[str] = set()
    times: dict[str, float] = {}
    for handle in HANDLES:
        known = upstream.look("truth/viral", handle=handle, since=(BEGIN + timedelta(days=4)).isoformat())["posts"]
        viral |= {post["id"] for post in known}
        times |= _true_multiples(upstream.look("truth/posts", handle=handle)["posts"])

    found = breakouts(history.id, since=33)
    by_level = {each.aweme_id: each.level for each in found}

    assert {aweme_id for aweme_id, level in by_level.items() if level >= 10} == viral
    assert {each.handle for each in found if each.level >= 10} == set(HANDLES) - {"dima.chinit"}
    # The others have done well by the simulator's own counters, too; fast starters were further ahead at first.
    assert {aweme_id: times[aweme_id] for aweme_id in by_level if times[aweme_id] < 1.5} == {}

    star = next(each for each in found if each.handle == "lena.bakes" and each.level >= 10)
    assert star.n >= 8 and star.multiple is not None and star.multiple >= star.level == 25
    assert star.text.startswith(f"{star.multiple:.1f}× its usual views at ")
    assert "like rate" in star.text and "median" in star.text
    assert of_post(star.post_id) == star

    shown = curve(star.post_id)
    assert shown.reason == "" and shown.n >= 8
    two_days = next(each for each in shown.usual if each.age == 48 * 3600)
    own = min(shown.points, key=lambda point: abs(point[0] - two_days.age))
    assert two_days.low is not None and two_days.median is not None and two_days.high is not None
    assert two_days.low <= two_days.median <= two_days.high < own[1]

    ordinary = Post.objects.filter(aweme_id__in=[key for key, each in times.items() if each < 1.2]).order_by(
        "-posted_at"
    )
    judged = [of_post(post.pk) for post in ordinary[:10]]
    assert any(isinstance(each, NotBroken) for each in judged)
    assert not any(isinstance(each, Breakout) for each in judged)

    on_files(cast, upstream)


def on_files(cast: Cast, upstream: Caller) -> None:
    """Page, CSV and JSON of the overview say the same of its 30 days."""
    browser = browser_of(cast.ana, "acme.localhost")
    since = (END - timedelta(days=30)).isoformat()
    viral = {post["id"] for each in HANDLES for post in upstream.look("truth/viral", handle=each, since=since)["posts"]}
    assert viral
    rows = rows_of(browser.get("/overview/breakouts/export.csv"))
    assert {row["post_id"] for row in rows if int(row["level"]) >= 10} == viral
    told = json.loads(body_of(browser.get("/overview/breakouts/export.json")))["rows"]
    assert [(row["post_id"], row["level"]) for row in told] == [(row["post_id"], int(row["level"])) for row in rows]
    page = text_of(browser.get("/overview/"))
    ids = {aweme_id: pk for pk, aweme_id in Post.objects.values_list("pk", "aweme_id")}
    for row in rows[:6]:
        assert f'href="/posts/{ids[row["post_id"]]}/"' in page and row["reason"] in page


def _true_multiples(posts: list[dict[str, Any]]) -> dict[str, float]:
    """What each post has now over the median of the 30 before it; young posts are left as they are."""
    plays = [post["play_count"] for post in posts]
    found = {}
    for place, post in enumerate(posts):
        before = plays[place + 1 : place + 31]
        age = END.timestamp() - post["create_time"]
        if len(before) >= 8:
            found[post["id"]] = plays[place] / median(before) if age > 3 * 86_400 else float("inf")
    return found
