"""What people read equals what is true: the printed test values of every metric on page, in CSV and in JSON; hashtags
of every script as the simulator has written them; and nothing of an account that is no longer tracked."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.analytics.metrics import METRICS, OF_POSTS
from snapshots.analytics.topics import WINDOW
from snapshots.ingest.hashtags import fold
from snapshots.models import Hashtag, Post, PostHashtag, Sound, TrackedAccount
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import track_now
from snapshots.services.removals import stop_tracking
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_post, make_post_snapshot, make_sample, make_snapshots
from tests.simulating import Caller
from tests.snapshots.analytics.rows import make_test_account, posted
from tests.snapshots.conftest import NOON, browser_of
from tests.snapshots.test_exports import rows_of
from tests.snapshots.test_pages import text_of as exact_text_of
from tikdash.db.scope import tenant_scope

#: Of the test account: id, as the page says it, and the number itself.
OF_ACCOUNT = {
    "er_views": ("6.16 %", 0.0616), "er_views_mean": ("7.63 %", 0.07625), "er_views_median": ("7.50 %", 0.075),
    "er_views_saves": ("6.37 %", 0.0637), "er_followers": ("8.39 %", 0.0839), "er_followers_median": ("1.30 %", 0.013),
    "like_rate": ("5.08 %", 0.0508), "views_mean": ("13.6 K", 13_625), "views_median": ("1.75 K", 1_750),
    "views_per_follower": ("0.175", 0.175),
}  # fmt: skip
#: Of its posts, by their letter.
OF_POST = {
    "A": {"er_views_post": 0.095, "er_followers_post": 0.0095},
    "B": {"er_views_post": 0.07, "er_followers_post": 0.014},
    "C": {"er_views_post": 0.08, "er_followers_post": 0.012},
    "D": {"er_views_post": 0.06, "er_followers_post": 0.3, "outlier": 33.33, "comments_per_1k_likes": 80,
          "shares_per_1k_likes": 120},
}  # fmt: skip
SHOWN_OF_D = ("6.00 %", "30.0 %", "33×", "80", "120")


def text_of(answer: Any) -> str:
    """The page with plain spaces in its numbers."""
    return exact_text_of(answer).replace("\u202f", " ")


def json_rows(answer: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a JSON file says of itself, and its rows."""
    told = json.loads(b"".join(answer.streaming_content))
    return told, told["rows"]


@pytest.fixture
def account(cast: Cast, noon: datetime) -> TrackedAccount:
    with tenant_scope(cast.acme):
        return make_test_account(username="tess")


def test_metrics_of_an_account_are_the_test_values_on_page_in_csv_and_in_json(
    ana: Client, account: TrackedAccount
) -> None:
    page = " ".join(text_of(ana.get(f"/compare/?accounts={account.pk}")).split())
    [in_csv] = rows_of(ana.get(f"/compare/export.csv?accounts={account.pk}"))
    told, [in_json] = json_rows(ana.get(f"/compare/export.json?accounts={account.pk}"))
    columns = {column["column"]: column for column in told["columns"]}
    for metric_id, (shown, value) in OF_ACCOUNT.items():
        row = page[page.index(f">{html.escape(METRICS[metric_id].name)}</span>") :].split("</tr>")[0]
        assert f">{shown}<" in row, metric_id
        assert float(in_csv[metric_id]) == pytest.approx(value, rel=1e-3), metric_id
        assert in_json[metric_id] == pytest.approx(value, rel=1e-3), metric_id
        assert columns[metric_id]["metric"] == metric_id
        assert columns[metric_id]["version"] == str(METRICS[metric_id].version)
    # And no metric of posts is left out of the page.
    assert {*OF_POSTS, "follower_growth"} <= in_json.keys()


def test_metrics_of_a_post_are_the_test_values_on_page_in_csv_and_in_json(
    cast: Cast, ana: Client, account: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(cast.acme):
        by_letter = dict(zip("ABCD", Post.objects.filter(account=account).order_by("-posted_at"), strict=True))
    for letter, expected in OF_POST.items():
        post = by_letter[letter]
        in_csv = {row["metric"]: row for row in rows_of(ana.get(f"/posts/{post.pk}/export.csv"))}
        _, rows = json_rows(ana.get(f"/posts/{post.pk}/export.json"))
        in_json = {row["metric"]: row for row in rows}
        for metric_id, value in expected.items():
            assert float(in_csv[metric_id]["value"]) == pytest.approx(value, rel=1e-3), (letter, metric_id)
            assert in_json[metric_id]["value"] == pytest.approx(value, rel=1e-3), (letter, metric_id)
            assert in_csv[metric_id]["formula"] == METRICS[metric_id].formula
    page = text_of(ana.get(f"/posts/{by_letter['D'].pk}/"))
    for shown in SHOWN_OF_D:
        assert f">{shown}<" in page, shown


def test_velocity_growth_and_frequency_are_the_test_values(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account("gro", follower_count=10_450)
        make_snapshots(account, [10_000, *[None] * 29, 10_450])
        post = posted(account, 3, 52_000, 1, 1, 1, 1)
        for days, plays in ((1, 40_000), (2, 52_000)):
            at = post.posted_at + timedelta(days=days)
            make_post_snapshot(post, captured_on=at.date(), captured_at=at, play_count=plays)
    values = {row["metric"]: row["value"] for row in rows_of(ana.get(f"/posts/{post.pk}/export.csv"))}
    assert float(values["velocity"]) == 500
    assert ">500<" in text_of(ana.get(f"/posts/{post.pk}/"))
    [mover] = rows_of(ana.get("/overview/movers/export.csv"))
    assert mover["follower_growth"] == "0.045"
    [row] = rows_of(ana.get(f"/compare/export.csv?accounts={account.pk}"))
    assert row["follower_growth"] == "0.045"
    assert "+4.50 %" in text_of(ana.get(f"/compare/?accounts={account.pk}"))


@pytest.mark.parametrize(
    ("bots", "n", "shown", "low", "high"),
    [(34, 200, "17.0 %", "12.4 %", "22.8 %"), (17, 100, "17.0 %", "10.9 %", "25.5 %")],
)
def test_bots_are_the_test_values_with_their_interval(
    cast: Cast, ana: Client, noon: datetime, bots: int, n: int, shown: str, low: str, high: str
) -> None:
    with tenant_scope(cast.acme):
        account = make_account("fol", follower_count=10_000, following_count=100)
        members = [f"user{1_000_000 + number}" for number in range(bots)]
        make_sample(account, [*members, *(f"reader.{number}" for number in range(n - bots))], total=10_000)
    page = text_of(ana.get(f"/accounts/{account.pk}/?tab=audience"))
    assert f"<b>{shown}</b>" in page and f"({low} to {high})" in page and "100.0" in page
    [row] = rows_of(ana.get(f"/accounts/{account.pk}/samples/export.csv"))
    assert (float(row["bot_share"]), row["followers_read"], float(row["follow_ratio"])) == (0.17, str(n), 100)
    assert f"{float(row['bot_share_low']) * 100:.1f} %" == low and f"{float(row['bot_share_high']) * 100:.1f} %" == high
    _, [in_json] = json_rows(ana.get(f"/accounts/{account.pk}/samples/export.json"))
    assert in_json["bot_share"] == 0.17


def test_ten_followers_are_no_sample_to_judge_by(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        account = make_account("few")
        make_sample(account, ["user1000000", "user1000001", *(f"reader.{number}" for number in range(8))])
    [row] = rows_of(ana.get(f"/accounts/{account.pk}/samples/export.csv"))
    assert row["bot_share"] == "" and row["reason"]
    assert "no share of bots" in text_of(ana.get(f"/accounts/{account.pk}/?tab=audience"))


def test_shares_of_voice_and_uplift_are_the_test_values(cast: Cast, ana: Client, noon: datetime) -> None:
    with tenant_scope(cast.acme):
        one, other = make_account("one"), make_account("other")
        for account, plays in ((one, 120_000), (other, 380_000)):
            posted(account, 3, plays, 10, 10, 10)
        lift = make_account("lift")
        tag = Hashtag.objects.create(name="tag", first_seen_at=noon)
        for number in range(11):
            post = posted(lift, 2 + number, 2_800 if number < 5 else 1_850)
            if number < 5:
                PostHashtag.objects.create(post=post, hashtag=tag, account=lift)
    rows = rows_of(ana.get(f"/compare/export.csv?accounts={one.pk},{other.pk}"))
    assert [row["voice_plays"] for row in rows] == ["0.24", "0.76"]
    assert "24.0 %" in text_of(ana.get(f"/compare/?accounts={one.pk},{other.pk}"))
    _, [row] = json_rows(ana.get(f"/accounts/{lift.pk}/hashtags/export.json"))
    assert row["uplift"] == pytest.approx(0.5135, rel=1e-3) and row["hashtag"] == "#tag"
    assert "+51.4 %" in text_of(ana.get(f"/accounts/{lift.pk}/?tab=hashtags"))


@pytest.mark.parametrize(
    "handle", ["lena.bakes", "chai_aur_asha", "krua.khun.ploy", "mingalar.may", "noor.kitchen", "hikaru_no_neko"]
)
def test_hashtags_of_every_script_are_on_page_and_in_files_as_the_creators_wrote_them(
    acme: TenantRef, ana: Client, upstream: Caller, handle: str
) -> None:
    found = track_now(acme, clean_wish(handle=handle, reason="own", tags=""))
    # Pinned posts may be far older than all others, and the list is of 90 days.
    oldest = max(Post.objects.filter(pinned=False).earliest("posted_at").posted_at, NOON - WINDOW)
    Post.objects.filter(posted_at__lt=oldest).delete()
    true: Counter[str] = Counter()
    for tag in upstream.look("truth/hashtags", handle=handle, since=oldest.isoformat())["hashtags"]:
        true[fold(tag["name"])] += tag["posts"]
    rows = rows_of(ana.get(f"/accounts/{found.id}/hashtags/export.csv"))
    assert {fold(row["hashtag"].lstrip("#")): int(row["posts"]) for row in rows} == dict(true)
    page = html.unescape(text_of(ana.get(f"/accounts/{found.id}/?tab=hashtags")))
    for row in rows:
        assert f"<bdi>{row['hashtag']}</bdi></a>" in page, row["hashtag"]


def test_an_account_that_is_not_tracked_any_more_is_on_no_page_and_in_no_file(
    committed_db: Cast, noon: datetime
) -> None:
    acme = committed_db.acme
    ana = browser_of(committed_db.ana, "acme.localhost")
    with tenant_scope(acme):
        stays, goes = make_account("stays"), make_account("secretive", tracked_reason="own")
        tag = Hashtag.objects.create(name="secrettag", first_seen_at=noon)
        Sound.objects.create(music_id="9", title="secretsound", author="secretband", first_seen_at=noon)
        for account, word in ((stays, "open"), (goes, "secret")):
            make_snapshots(account, [9_000 if word == "secret" else 100, *[None] * 29, 10_000])
            for number in range(12):
                post = make_post(
                    account, title=f"{word} {number}", posted_at=noon - timedelta(days=2 + number),
                    play_count=90_000 if not number else 1_000, sound_id="9" if word == "secret" else "",
                )  # fmt: skip
                at = post.posted_at + timedelta(days=1)
                make_post_snapshot(post, captured_on=at.date(), captured_at=at, play_count=post.play_count)
                if word == "secret":
                    PostHashtag.objects.create(post=post, hashtag=tag, account=account)
                make_comment(post, f"{word} words")
        gone_post = Post.objects.filter(account=goes).first()
        assert gone_post is not None
    pages = (
        "/overview/", "/posts/", "/posts/?q=secret", "/posts/?hashtag=secrettag", "/posts/?sound=9",
        "/posts/?artist=secretband", "/posts/?mentions=secret", "/posts/?sort=-plays", "/hashtags/", "/sounds/",
        "/accounts/", "/compare/",
    )  # fmt: skip
    files = (
        "/overview/movers/export.csv", "/overview/breakouts/export.csv", "/overview/attention/export.csv",
        "/posts/export.csv", "/hashtags/export.csv", "/sounds/export.csv", "/accounts/export.csv",
    )  # fmt: skip
    before = [address for address in (*pages, *files) if "secret" in _body(ana, address).replace(address, "")]
    assert len(before) > 12
    with tenant_scope(acme):
        stop_tracking(tenant=acme, account_ids=[goes.pk])
    for address in (*pages, *files):
        told = re.sub(
            r'value="[^"]*"|href="[^"]*"|hx-get="[^"]*"|<span dir="auto">[^<]*</span>', "", _body(ana, address)
        )
        assert "secret" not in told, address
    for address in (
        f"/posts/{gone_post.pk}/", f"/accounts/{goes.pk}/", f"/posts/{gone_post.pk}/export.csv",
        f"/accounts/{goes.pk}/hours/export.csv", f"/compare/?accounts={stays.pk},{goes.pk}",
        f"/posts/{gone_post.pk}/video/",
    ):  # fmt: skip
        assert ana.get(address).status_code in (404, 405), address


def _body(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
