"""Numbers through the API: series, daily rows, posts, topics, audience, comments, comparison, metrics, usage."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.services.tokens import rotate_token
from snapshots.analytics.daily_rows import lines_of_days
from snapshots.analytics.metrics import METRICS
from snapshots.models import Hashtag, PostHashtag
from tests.api.asking import Partner, partner
from tests.api.test_door import refused
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_post, make_post_snapshot, make_sample, make_snapshots
from tikdash import clock
from tikdash.db.backend.base import NO_SCOPE
from tikdash.db.scope import tenant_scope


@pytest.fixture
def ours(cast: Cast) -> Partner:
    return partner(cast.acme)


def test_a_series_as_rows_and_as_columns(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_snapshots(account, [100, 110])
        make_snapshots(make_account(), [7])
    path, today = f"accounts/{account.pk}/growth", clock.today()
    rows = ours.get(path, {"days": 30}).json()
    assert (rows["metric"], rows["version"], rows["unit"], rows["total"], rows["n"]) == ("followers", 1, "count", 10, 1)
    assert [(row["value"], row["change"], row["state"]) for row in rows["rows"]] == [
        (100, None, "ok"), (110, 10, "ok"),
    ]  # fmt: skip
    columns = ours.get(path, {"form": "columns"}).json()
    assert columns["dates"] == [(today - timedelta(days=1)).isoformat(), today.isoformat()]
    assert (columns["values"], columns["changes"], columns["states"]) == ([100, 110], [None, 10], {})
    assert "rows" not in columns and rows["as_of"].endswith("Z")
    refused(ours.get(path, {"metric": "plays"}), 400, "bad_input")
    refused(ours.get("accounts/999999/growth"), 404, "not_found")


def test_daily_rows_have_what_was_read_sound_or_not(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_snapshots(account, [1, 2, 3, 4])
        from snapshots.models import AccountSnapshot

        AccountSnapshot.objects.filter(account=account, follower_count=2).update(
            state=2, suspect={"follower_count": "zeroed"}
        )
    rows = ours.all_rows(f"accounts/{account.pk}/snapshots", {"limit": 3})
    assert [row["followers"] for row in rows] == [4, 3, 2, 1]
    assert [row["state"] for row in rows] == ["ok", "ok", "zeroed", "ok"]
    assert rows[2]["suspect"] == {"followers": "zeroed"}
    day = rows[1]["date"]
    assert len(ours.all_rows(f"accounts/{account.pk}/snapshots", {"from": day, "to": day})) == 1
    refused(ours.get(f"accounts/{account.pk}/snapshots", {"from": "2026-11-02", "to": "2026-11-01"}), 400, "bad_input")


def test_daily_rows_of_all_accounts_are_streamed_in_the_tenants_scope(cast: Cast, ours: Partner) -> None:
    """The answer is read when the request is long over: the rows are the tenant's all the same, as is the form."""
    with tenant_scope(cast.rival):
        make_snapshots(make_account(), [666])
    with tenant_scope(cast.acme):
        accounts = [make_account() for _ in range(3)]
        for account in accounts:
            make_snapshots(account, [None, 5])
        from snapshots.models import AccountSnapshot

        AccountSnapshot.objects.filter(account=accounts[0], follower_count=5).update(
            state=6, suspect={"follower_count": "spike", "heart_count": "rounded"}
        )
    answer = ours.get("snapshots")
    assert answer["Content-Type"] == "application/x-ndjson" and answer["Updated-Since"]
    assert ours.get("snapshots", accept="application/x-ndjson").status_code == 200
    refused(ours.get("snapshots", accept="text/csv"), 406, "not_acceptable")
    assert connection.scope == NO_SCOPE  # type: ignore[attr-defined]
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert connection.scope == NO_SCOPE  # type: ignore[attr-defined]
    by_list = [row for account in accounts for row in ours.all_rows(f"accounts/{account.pk}/snapshots")]

    def key(row: dict[str, Any]) -> tuple[int, str]:
        return row["account_id"], row["date"]

    def whole(row: dict[str, Any]) -> dict[str, Any]:
        # The list has parts of a second, too.
        return row | {"as_of": row["as_of"][:19]}

    assert sorted(map(whole, rows), key=key) == sorted(map(whole, by_list), key=key)
    assert len(rows) == 6


def test_a_stream_that_is_not_read_to_its_end_leaves_no_scope(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        make_snapshots(make_account(), [1] * 3)
    lines = lines_of_days(tenant=cast.acme, tags=(), first=clock.today() - timedelta(days=9), last=clock.today())
    assert next(lines)
    assert connection.scope.tenant_id == cast.acme.id  # type: ignore[attr-defined]
    lines.close()  # type: ignore[attr-defined]
    assert connection.scope == NO_SCOPE  # type: ignore[attr-defined]


def test_a_stream_can_be_followed(committed_db: Cast) -> None:
    cast = committed_db
    ours = partner(cast.acme)
    with tenant_scope(cast.acme):
        account = make_account()
        make_snapshots(account, [1, 2])
    first = ours.get("snapshots", {"updated_since": "start"})
    assert len(b"".join(first.streaming_content).splitlines()) == 2
    for _ in range(200):
        # A transaction anywhere in the cluster, such as another test's, keeps rows coming again until it ends.
        first = ours.get("snapshots", {"updated_since": first["Updated-Since"]})
        if not b"".join(first.streaming_content):
            break
        time.sleep(0.3)
    with tenant_scope(cast.acme):
        make_snapshots(make_account(), [9])
    again = ours.get("snapshots", {"updated_since": first["Updated-Since"]})
    assert [json.loads(line)["followers"] for line in b"".join(again.streaming_content).splitlines()] == [9]


def test_posts_are_filtered_sorted_and_paged(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.rival):
        make_post(make_account(), title="secret")
    with tenant_scope(cast.acme):
        one, two = make_account("one"), make_account("two")
        posts = [make_post(one if place % 2 else two, title=f"Rye bread {place}") for place in range(7)]
        make_post(one, kind="photo", play_count=None)
    rows = ours.all_rows("posts", {"sort": "-plays", "limit": 3})
    assert len(rows) == 8 and [row["plays"] for row in rows[:-1]] == sorted(
        (row["plays"] for row in rows[:-1]), reverse=True
    )
    assert rows[-1]["plays"] is None and rows[-1]["er_views_post"] is None
    assert {row["handle"] for row in ours.all_rows("posts", {"account": one.pk})} == {"one"}
    assert [row["kind"] for row in ours.all_rows("posts", {"kind": "photo"})] == ["photo"]
    least = sorted(post.play_count or 0 for post in posts)[3]
    assert len(ours.all_rows("posts", {"min_plays": least})) == 4
    assert len(ours.all_rows("posts", {"q": "rye 3"})) == 1
    assert ours.get("posts", {"tag": "x"}).json()["data"] == []
    refused(ours.get("posts", {"account": f"{one.pk},999999"}), 404, "not_found")
    refused(ours.get("posts", {"posted_from": "2026-11-02", "posted_to": "2026-11-01"}), 400, "bad_input")


def test_a_post_day_by_day_and_its_metrics(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        post = make_post(make_account(), play_count=1_000, digg_count=90, comment_count=6, share_count=4)
        make_post_snapshot(post, play_count=500, captured_on=clock.today() - timedelta(days=1))
        make_post_snapshot(post)
    assert ours.get(f"posts/{post.pk}").json()["er_views_post"] == 0.1
    rows = ours.get(f"posts/{post.pk}/series").json()
    assert [row["plays"] for row in rows["rows"]] == [500, 1000] and rows["metrics"]["plays"] == 1
    columns = ours.get(f"posts/{post.pk}/series", {"form": "columns"}).json()["columns"]
    assert columns["plays"] == [500, 1000] and len(columns["date"]) == 2
    numbers = ours.get(f"posts/{post.pk}/metrics").json()["numbers"]
    assert (numbers["er_views_post"]["value"], numbers["er_views_post"]["unit"]) == (0.1, "fraction")


def test_every_computed_number_says_what_it_is_and_when_it_was_measured(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account()
        make_snapshots(account, [9_000] * 31 + [10_000])
        for _ in range(4):
            make_post(account, posted_at=clock.now() - timedelta(days=3))
    found = ours.get(f"accounts/{account.pk}/metrics").json()
    for metric_id, number in (found["numbers"] | {"follower_growth": found["growth"]["30"]}).items():
        assert number["metric"] == metric_id and number["version"] == METRICS[metric_id].version
        assert number["state"] and (number["value"] is not None or number["reason"])
    assert found["numbers"]["er_views"]["as_of"].endswith("Z") and found["growth"]["30"]["value"] > 0.1
    refused(ours.get("accounts/999999/metrics"), 404, "not_found")


def test_hashtags_sounds_audience_and_comments(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
        post = make_post(account, posted_at=clock.now() - timedelta(days=2), sound_id="77")
        tag = Hashtag.objects.create(name="rye", cha_name="Rye", first_seen_at=clock.now())
        PostHashtag.objects.create(post=post, hashtag=tag, account_id=account.pk)
        make_sample(account, [f"user{place}" for place in range(20)] + [f"fan{place}" for place in range(40)])
        for text in ("lovely bread", "sourdough please", "more sourdough"):
            make_comment(post, text)
    row = ours.get("hashtags", {"account": account.pk}).json()["data"][0]
    assert (row["name"], row["use"]["posts"], row["use"]["uplift"]["metric"]) == ("rye", 1, "uplift")
    assert ours.get("sounds").status_code == 200
    audience = ours.get(f"accounts/{account.pk}/audience").json()
    assert audience["newest"]["bot_share"]["n"] == 60 and 0.3 < audience["newest"]["bot_share"]["value"] < 0.4
    texts = [row["text"] for row in ours.all_rows("comments", {"account": account.pk, "q": "sourdough", "limit": 1})]
    assert sorted(texts) == ["more sourdough", "sourdough please"]
    assert len(ours.all_rows("comments", {"post": post.pk, "order": "liked"})) == 3
    for query in ({}, {"account": account.pk, "post": post.pk}):
        refused(ours.get("comments", query), 400, "bad_input")
    refused(ours.get("comments", {"post": 999999}), 404, "not_found")


def test_accounts_are_compared(cast: Cast, ours: Partner) -> None:
    with tenant_scope(cast.acme):
        accounts = [make_account(), make_account()]
        for account in accounts:
            make_snapshots(account, [50, 100])
            make_post(account, posted_at=clock.now() - timedelta(days=3))
    ids = ",".join(str(account.pk) for account in accounts)
    found = ours.get("compare", {"accounts": ids, "indexed": "true"}).json()
    assert [line["values"] for line in found["lines"]] == [[100, 200], [100, 200]] and found["base_on"]
    shares = [each["share_of_voice"]["posts"]["value"] for each in found["accounts"]]
    assert shares == [0.5, 0.5]
    refused(ours.get("compare"), 400, "bad_input")
    refused(ours.get("compare", {"accounts": f"{ids},999999"}), 404, "not_found")


def test_the_registry_is_what_numbers_name(cast: Cast) -> None:
    ours = partner(cast.acme, scopes=["usage:read"])
    listed = {row["id"]: row for row in ours.get("metrics").json()["data"]}
    assert listed.keys() == METRICS.keys()
    assert ours.get("metrics/er_views").json() == listed["er_views"]
    assert listed["er_views"]["unit"] == "fraction" and listed["er_views"]["formula"]
    refused(ours.get("metrics/nothing"), 404, "not_found")


def test_usage_alerts_and_the_token_itself(cast: Cast, ours: Partner) -> None:
    usage = ours.get("usage").json()
    quotas = {each["name"]: each for each in usage["quotas"]}
    assert quotas["accounts"]["limit"] == 100 and quotas["accounts"]["left"] == 100 - quotas["accounts"]["used"]
    assert usage["month"] == clock.today().replace(day=1).isoformat()
    assert ours.get("alerts").json()["data"] == []
    refused(ours.get("usage", {"month": "2099-01-01"}), 400, "bad_input")
    token = ours.get("token").json()
    assert token["workspace"] == "acme" and ours.raw.startswith(token["prefix"] + "_")
    assert ours.raw.rsplit("_", 1)[1] not in str(token)
    other = partner(cast.acme, scopes=["posts:read"], tags=["vip"])
    found = other.get("token").json()
    assert (found["scopes"], found["tags"], other.raw.startswith(found["prefix"] + "_")) == (
        ["posts:read"],
        ["vip"],
        True,
    )
    assert (ours.get("token").json(), token["is_replaced"]) == (token, False)
    rotate_token(tenant=cast.acme, token_id=token["id"], overlap=timedelta(hours=1))
    assert ours.get("token").json()["is_replaced"] is True
