"""Every list that is computed as a file: the numbers of the page, what they mean, and nothing that a cell could run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import Client

from snapshots.analytics.metrics import METRICS
from snapshots.models import Hashtag, PostHashtag, Sound, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_job, make_post, make_sample, make_snapshots, make_story
from tests.snapshots.analytics.rows import make_test_account
from tests.snapshots.test_exports import body_of, cells_of, rows_of
from tests.snapshots.test_pages import text_of
from tikdash.db.scope import tenant_scope

LISTS = (
    "hashtags/export", "sounds/export", "overview/movers/export", "overview/breakouts/export",
    "overview/attention/export", "compare/export", "compare/series/export", "accounts/{id}/hashtags/export",
    "accounts/{id}/sounds/export", "accounts/{id}/comments/export", "accounts/{id}/stories/export",
    "accounts/{id}/audience/export", "accounts/{id}/jobs/export", "accounts/{id}/costs/export",
)  # fmt: skip


@pytest.fixture
def full(cast: Cast, noon: datetime) -> Iterator[TrackedAccount]:
    """An account of Acme with something in each list, and texts that a spreadsheet would run."""
    with tenant_scope(cast.acme):
        account = make_account("lena", follower_count=10_450, tracked_reason="own")
        make_snapshots(account, [10_000, *[None] * 29, 10_450])
        tag = Hashtag.objects.create(name="вкусно", first_seen_at=noon, view_count=5_000, measured_at=noon)
        Sound.objects.create(music_id="7", title="=1+1", author="@band", original=True, first_seen_at=noon)
        for number in range(12):
            post = make_post(
                account, title=f"Post {number}", posted_at=noon - timedelta(days=2 + number),
                play_count=2_800 if number < 5 else 1_850, sound_id="7" if number < 5 else "",
            )  # fmt: skip
            if number < 5:
                PostHashtag.objects.create(post=post, hashtag=tag, account=account)
            make_comment(post, "=cmd()" if number == 0 else f"love {number}", digg_count=number)
        make_story(account, title="+49 30")
        make_sample(account, [f"user100000{n}" for n in range(9)] + [f"reader{n}" for n in range(91)], total=9_000)
        make_account("hidden", state="private", follower_count=None)
        make_job(account, "profile", cadence_s=21_600, succeeded_at=noon, why="=every six hours", next_due_at=noon)
        make_job(account, "backfill", cadence_s=None, state="done", succeeded_at=noon, credits_spent=12)
        yield account


def address(name: str, account: TrackedAccount, form: str) -> str:
    path = "/" + name.format(id=account.pk) + f".{form}"
    return f"{path}?accounts={account.pk}" if name.startswith("compare") else path


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_a_csv_an_xlsx_and_definitions_without_a_formula(
    ana: Client, full: TrackedAccount, name: str
) -> None:
    csv_file = ana.get(address(name, full, "csv"))
    text = body_of(csv_file).decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    if "breakouts" not in name:
        assert len(lines) > 1
    assert not [cell for line in lines for cell in line if cell[:1] in "=+@" and cell]
    cells = cells_of(ana.get(address(name, full, "xlsx")))
    assert len({int("".join(filter(str.isdigit, cell))) for cell in cells}) == len(lines)
    join = "&" if "?" in address(name, full, "csv") else "?"
    meant = list(
        csv.reader(io.StringIO(body_of(ana.get(address(name, full, "csv") + f"{join}part=definitions")).decode()))
    )
    assert [row[0] for row in meant[1 : len(lines[0]) + 1]] == lines[0]
    for row in meant[1 : len(lines[0]) + 1]:
        if row[2]:
            known = METRICS[row[2]]
            assert (row[3], row[5], row[6]) == (str(known.version), known.formula, known.denominator)
    assert ana.get(address(name, full, "pdf")).status_code == 404


def test_hashtags_and_sounds_are_those_of_the_page_with_uplift_and_interval(ana: Client, full: TrackedAccount) -> None:
    [row] = rows_of(ana.get("/hashtags/export.csv?order=posts"))
    assert (row["hashtag"], row["posts"], row["views"], row["tiktok_views"]) == ("#вкусно", "5", "14000", "5000")
    assert row["uplift"] == "0.513514" and float(row["uplift_low"]) <= 0.513514 <= float(row["uplift_high"])
    assert row["first_handle"] == "lena" and row["as_of"] == "2026-11-15T12:00:00Z"
    [sound] = rows_of(ana.get(f"/accounts/{full.pk}/sounds/export.csv"))
    assert (sound["sound_id"], sound["title"], sound["artist"], sound["original"]) == ("7", "'=1+1", "'@band", "yes")
    page = text_of(ana.get(f"/accounts/{full.pk}/?tab=hashtags"))
    assert f'href="/accounts/{full.pk}/hashtags/export.csv?order=posts"' in page


def test_what_moved_and_what_needs_attention(ana: Client, full: TrackedAccount) -> None:
    [mover] = rows_of(ana.get("/overview/movers/export.csv"))
    assert (mover["handle"], mover["change"], mover["follower_growth"], mover["days"]) == (
        "lena", "450", "0.045", "30",
    )  # fmt: skip
    notices = rows_of(ana.get("/overview/attention/export.csv"))
    assert ("private", "'@hidden has become private: only its header can be read.") in [
        (row["kind"], row["sentence"]) for row in notices
    ]
    assert rows_of(ana.get("/overview/movers/export.csv?reason=partner")) == []
    assert ana.get("/overview/movers/export.csv?reason=friend").status_code == 400
    assert ana.get("/overview/secrets/export.csv").status_code == 404


def test_a_comparison_has_each_metric_with_its_test_value_n_and_reason(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_test_account()
        empty = make_account("empty")
    first, second = rows_of(ana.get(f"/compare/export.csv?accounts={account.pk},{empty.pk}"))
    expected = {
        "er_views": 0.0616, "er_views_median": 0.075, "er_followers_median": 0.013, "like_rate": 0.0508,
        "views_median": 1_750, "views_per_follower": 0.175,
    }  # fmt: skip
    assert {name: float(first[name]) for name in expected} == pytest.approx(expected, rel=2e-3)
    assert first["er_views_n"] == "4" and float(first["voice_plays"]) == 1
    assert second["handle"] == "empty" and second["er_views"] == "" and second["er_views_reason"]
    assert ana.get("/compare/export.csv?accounts=x").status_code == 400


def test_the_lines_of_a_comparison_are_a_row_a_day_and_account(ana: Client, full: TrackedAccount) -> None:
    lines = rows_of(ana.get(f"/compare/series/export.csv?accounts={full.pk}&days=90"))
    assert [(line["date"], line["handle"], line["value"]) for line in (lines[0], lines[1], lines[-1])] == [
        ("2026-10-16", "lena", "10000"), ("2026-10-17", "lena", ""), ("2026-11-15", "lena", "10450"),
    ]  # fmt: skip
    indexed = rows_of(ana.get(f"/compare/series/export.csv?accounts={full.pk}&days=90&mode=indexed"))
    assert float(indexed[-1]["value"]) == 104.5


def test_comments_stories_and_followers_are_whole_lists_with_the_filter_of_the_page(
    ana: Client, full: TrackedAccount
) -> None:
    base = f"/accounts/{full.pk}"
    assert len(rows_of(ana.get(f"{base}/comments/export.csv"))) == 12
    [found] = rows_of(ana.get(f"{base}/comments/export.csv?q=love 11&order=liked"))
    assert (found["text"], found["diggs"]) == ("love 11", "11")
    assert ana.get(f"{base}/comments/export.csv?order=loud").status_code == 400
    [story] = rows_of(ana.get(f"{base}/stories/export.csv"))
    assert story["title"] == "'+49 30"
    members = rows_of(ana.get(f"{base}/audience/export.csv"))
    assert len(members) == 100 and sum(row["signs"] == "bot" for row in members) == 9


def test_jobs_and_costs_are_those_of_the_tab(ana: Client, full: TrackedAccount) -> None:
    profile, backfill = rows_of(ana.get(f"/accounts/{full.pk}/jobs/export.csv"))
    assert (profile["what"], profile["every_hours"], profile["next_due_at"]) == (
        "Profile", "6", "2026-11-15T12:00:00Z",
    )  # fmt: skip
    assert (backfill["state"], backfill["every_hours"], backfill["next_due_at"], backfill["credits"]) == (
        "done", "", "", "12",
    )  # fmt: skip
    [cost] = rows_of(ana.get(f"/accounts/{full.pk}/costs/export.csv"))
    assert (cost["credits"], cost["known"]) == ("12", "counted")
    page = text_of(ana.get(f"/accounts/{full.pk}/?tab=activity"))
    for name in ("jobs/export.csv", "costs/export.csv"):
        assert f'href="/accounts/{full.pk}/{name}"' in page, name


def test_a_hashtag_and_a_sound_of_an_account_lead_to_its_posts_with_the_filter_in_the_address(
    ana: Client, full: TrackedAccount
) -> None:
    page = text_of(ana.get(f"/accounts/{full.pk}/?tab=hashtags"))
    drill = "/posts/?account=lena&amp;hashtag=%D0%B2%D0%BA%D1%83%D1%81%D0%BD%D0%BE"
    assert f'href="{drill}"' in page
    posts = text_of(ana.get(drill.replace("&amp;", "&")))
    assert "Post 4" in posts and "Post 5" not in posts
    assert 'href="/posts/?account=lena&amp;sound=7"' in text_of(ana.get(f"/accounts/{full.pk}/?tab=sounds"))
