"""Lists as files: what stands in them, what a spreadsheet cannot do with them, and what it costs to make them."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from accounts.selectors import TenantRef
from snapshots.analytics.metrics import METRICS, PostNumbers, er_views_post
from snapshots.exports import lists, xlsx_file
from snapshots.models import AccountSnapshot
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tikdash import clock
from tikdash.db.backend.base import NO_SCOPE
from tikdash.db.scope import current_scope, tenant_scope
from tikdash.ui.cells import harmless

SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RISKY = ["=1+1", "+49", "-5", "@sum", "\tx", "\rx", "\nx", "＝1"]


def body_of(response: Any) -> bytes:
    assert response.status_code == 200, response
    return response.getvalue() if response.streaming else response.content


def rows_of(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body_of(response).decode(), newline="")))


def cells_of(response: Any, number: int = 1) -> dict[str, tuple[str, str]]:
    """Address of a cell → its type and its text, of worksheet `number`."""
    with zipfile.ZipFile(io.BytesIO(body_of(response))) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314  (our own file)
    assert not list(root.iter(f"{SPREADSHEET}f")), "there is a formula"
    return {cell.get("r", ""): (cell.get("t", "n"), "".join(cell.itertext())) for cell in root.iter(f"{SPREADSHEET}c")}


@pytest.fixture
def lena(acme: TenantRef) -> int:
    """@lena.bakes with three days of history and three posts; the number of one day is odd."""
    account = make_account(
        "lena.bakes", nickname="=HYPERLINK(1)", tags=["bread", "uk"], follower_count=1_100, tracked_reason="own",
        tiktok_user_id="7412345678901234567",
    )  # fmt: skip
    make_snapshots(account, [1_000, 1_050, 1_100])
    AccountSnapshot.objects.filter(account=account, captured_on=clock.today() - timedelta(days=1)).update(
        suspect={"follower_count": "spike"}, state=6
    )
    posted = clock.now() - timedelta(hours=30)
    make_post(
        account, title='a, "b"\nc; =1', aweme_id="7499999999999999999", posted_at=posted, play_count=1_000,
        digg_count=80, comment_count=10, share_count=5,
    )  # fmt: skip
    make_post(account, title="-1 مطبخ", posted_at=posted - timedelta(days=1), play_count=None)
    make_post(account, title="", posted_at=posted - timedelta(days=2), play_count=0, deleted_at=clock.now())
    return account.pk


def test_posts_come_as_csv_in_the_order_of_the_page(ana: Client, lena: int) -> None:
    response = ana.get(f"/accounts/{lena}/posts/export.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="posts-{lena}-20261115-1200Z.csv"'
    first, second, third = rows_of(response)
    assert first["post_id"] == "7499999999999999999"
    assert first["url"] == "https://www.tiktok.com/@lena.bakes/video/7499999999999999999"
    assert first["title"] == 'a, "b"\nc; =1'
    assert (first["plays"], first["diggs"], first["er_views_post"]) == ("1000", "80", "0.095000")
    assert first["posted_at"] == "2026-11-14T06:00:00Z"
    assert first["as_of"] == "2026-11-15T12:00:00Z"
    assert second["title"] == "'-1 مطبخ" and second["plays"] == "" and second["er_views_post"] == ""
    assert third["er_views_post"] == "" and third["gone_since"] == "2026-11-15T12:00:00Z"
    by_views = rows_of(ana.get(f"/accounts/{lena}/posts/export.csv?sort=-plays"))
    assert [row["plays"] for row in by_views] == ["1000", "0", ""]


def test_posts_of_one_account_are_the_same_in_the_list_of_all_narrowed_to_it(ana: Client, lena: int) -> None:
    """The narrowed list is read by a statement of its own, in binary."""
    rows = rows_of(ana.get("/posts/export.csv"))
    assert len(rows) == 3 and rows == rows_of(ana.get("/posts/export.csv?account=lena.bakes"))
    cells = cells_of(ana.get("/posts/export.xlsx"))
    assert len(cells) > 30 and cells == cells_of(ana.get("/posts/export.xlsx?account=lena.bakes"))


def test_the_engagement_rate_is_the_one_of_the_registry(ana: Client, acme: TenantRef, lena: int) -> None:
    tested = [(1000, 80, 10, 5, 5), (2000, 100, 20, 20, 10), (1500, 90, 15, 15, 0), (50_000, 2500, 200, 300, 100)]
    account = make_account()
    for plays, diggs, comments, shares, collects in tested:
        make_post(
            account, play_count=plays, digg_count=diggs, comment_count=comments, share_count=shares,
            collect_count=collects,
        )  # fmt: skip
    rows = rows_of(ana.get(f"/accounts/{account.pk}/posts/export.csv?sort=plays"))
    shown = [float(row["er_views_post"]) for row in rows]
    assert shown == sorted([0.095, 0.07, 0.08, 0.06], key=[0.095, 0.08, 0.07, 0.06].index)
    for row in rows:
        numbers = PostNumbers(*(int(row[name]) for name in ("plays", "diggs", "comments", "shares", "collects")))
        assert er_views_post(numbers).value == pytest.approx(float(row["er_views_post"]))


def test_the_list_of_accounts_keeps_filter_and_order_of_the_page(ana: Client, lena: int) -> None:
    make_account("vic", follower_count=9_000_000_000_000_000_001)
    everybody = rows_of(ana.get("/accounts/export.csv"))
    assert [row["handle"] for row in everybody] == ["vic", "lena.bakes"]
    assert everybody[0]["followers"] == "9000000000000000001"
    [own] = rows_of(ana.get("/accounts/export.csv?reason=own&q=bread&sort=handle"))
    assert own["nickname"] == "'=HYPERLINK(1)"
    assert own["tiktok_user_id"] == "7412345678901234567"
    assert (own["tags"], own["state"]) == ("bread, uk", "active")
    assert (own["followers_before"], own["follower_growth"]) == ("1000", "0.100000")


def test_growth_has_every_day_with_its_state_and_no_odd_number(ana: Client, lena: int) -> None:
    today = clock.today()
    AccountSnapshot.objects.create(
        account_id=lena, captured_on=today - timedelta(days=5), captured_at=clock.now(), follower_count=990
    )
    rows = rows_of(ana.get(f"/accounts/{lena}/growth/export.csv"))
    assert [row["date"] for row in rows] == [f"{today - timedelta(days=back)}" for back in range(5, -1, -1)]
    assert [row["followers"] for row in rows] == ["990", "", "", "1000", "", "1100"]
    assert [row["followers_state"] for row in rows] == ["ok", "missing", "missing", "ok", "spike", "ok"]
    assert len(rows_of(ana.get(f"/accounts/{lena}/growth/export.csv?days=1"))) == 1


@pytest.mark.parametrize("text", RISKY)
def test_no_text_is_a_formula_in_a_spreadsheet(ana: Client, acme: TenantRef, text: str) -> None:
    account = make_account(nickname=text)
    make_post(account, title=text)
    for response, column in (
        (ana.get("/accounts/export.csv"), "nickname"),
        (ana.get(f"/accounts/{account.pk}/posts/export.csv"), "title"),
    ):
        [row] = rows_of(response)
        assert row[column] == f"'{text}" == harmless(text)


def test_negative_numbers_stay_numbers(ana: Client, acme: TenantRef) -> None:
    account = make_account(follower_count=90)
    make_snapshots(account, [100, 90])
    [row] = rows_of(ana.get("/accounts/export.csv"))
    assert row["follower_growth"] == "-0.100000"


def test_a_spreadsheet_has_texts_numbers_dates_and_the_definitions(ana: Client, lena: int) -> None:
    response = ana.get(f"/accounts/{lena}/posts/export.xlsx")
    assert response["Content-Type"] == xlsx_file.CONTENT_TYPE
    cells = cells_of(response)
    assert cells["A1"] == ("inlineStr", "Post id") and cells["A2"] == ("inlineStr", "7499999999999999999")
    assert cells["D2"][1] == 'a, "b"\nc; =1' and cells["D3"] == ("inlineStr", "'-1 مطبخ")
    assert cells["H2"] == ("n", "1000") and "H3" not in cells
    # Days since 1900, as spreadsheets count: it sorts.
    moment = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=float(cells["F2"][1]))
    assert abs(moment - datetime(2026, 11, 14, 6, tzinfo=UTC)) < timedelta(seconds=1)
    told = [text for _, text in cells_of(ana.get(f"/accounts/{lena}/posts/export.xlsx"), 2).values()]
    metric = METRICS["er_views_post"]
    for part in ("2026-11-15T12:00:00Z", "Posts of @lena.bakes", metric.id, metric.formula):
        assert part in told, part
    assert str(metric.version) in told and metric.denominator in told and metric.window in told


def test_definitions_are_a_second_csv_so_that_the_first_stays_a_table(ana: Client, lena: int) -> None:
    address = f"/accounts/{lena}/posts/export.csv"
    head = body_of(ana.get(address)).decode().splitlines()[0].split(",")
    rows = list(csv.reader(io.StringIO(body_of(ana.get(f"{address}?part=definitions")).decode())))
    by_column = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows}
    assert [row[0] for row in rows[1 : len(head) + 1]] == head
    said = by_column["er_views_post"]
    metric = METRICS["er_views_post"]
    assert (said["metric"], said["version"], said["formula"]) == (metric.id, str(metric.version), metric.formula)
    assert said["unit"] == "fraction"
    assert by_column["(as of)"]["label"] == "2026-11-15T12:00:00Z"


def test_every_metric_of_a_sheet_is_in_the_registry(acme: TenantRef, lena: int) -> None:
    for columns in (lists.ACCOUNTS, lists.POSTS, lists.growth_sheet(account_id=lena, days=90).columns):
        assert {column.metric for column in columns if column.metric} <= METRICS.keys()
        assert len({column.key for column in columns}) == len(columns)


def test_the_mark_of_utf_8_stands_in_front_for_those_who_ask(ana: Client, lena: int) -> None:
    plain, marked = (body_of(ana.get(f"/accounts/export.csv{query}")) for query in ("", "?bom=1"))
    assert marked == b"\xef\xbb\xbf" + plain and not plain.startswith(b"\xef")


def test_an_empty_list_is_a_file_with_its_heads(ana: Client, acme: TenantRef) -> None:
    account = make_account(measured_at=None)
    for path in (f"{account.pk}/posts", f"{account.pk}/growth"):
        assert rows_of(ana.get(f"/accounts/{path}/export.csv")) == []
        assert cells_of(ana.get(f"/accounts/{path}/export.xlsx"))
    assert "nothing has been read yet" in body_of(ana.get("/accounts/export.csv?part=definitions")).decode()


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("export.csv?sort=price", 400, "The list cannot be sorted by “price”"),
        ("export.xlsx?reason=friend", 400, "There is no reason “friend”"),
        ("export.csv?part=all", 400, "There is no such part of an export"),
        ("export.pdf", 404, ""),
        ("{lena}/posts/export.csv?sort=price", 400, "Posts cannot be sorted by “price”"),
        ("{lena}/growth/export.csv?days=0", 400, "between 1 and 3,660 days"),
        ("{lena}/growth/export.csv?days=9999", 400, "between 1 and 3,660 days"),
        ("{lena}/growth/export.csv?days=x", 400, "The range is a number of days"),
        ("999999/posts/export.csv", 404, ""),
    ],
)
def test_a_wrong_address_is_a_page_with_a_sentence(
    ana: Client, lena: int, path: str, status: int, sentence: str
) -> None:
    response = ana.get(f"/accounts/{path.format(lena=lena)}")
    assert response.status_code == status and sentence in response.content.decode()


def test_too_many_rows_for_a_spreadsheet_are_refused_with_a_sentence(
    ana: Client, lena: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 2)
    response = ana.get(f"/accounts/{lena}/posts/export.xlsx")
    assert response.status_code == 400 and "or take the CSV" in response.content.decode()
    assert len(rows_of(ana.get(f"/accounts/{lena}/posts/export.csv"))) == 3


def test_a_file_holds_the_rows_of_one_tenant_and_is_read_outside_of_its_scope(cast: Cast, noon: datetime) -> None:
    for tenant in (cast.acme, cast.rival):
        with tenant_scope(tenant):
            make_account(f"{tenant.slug}.only")
    response = browser_of(cast.ana, "acme.localhost").get("/accounts/export.csv")
    # The request is over and its scope with it; the file is complete all the same.
    assert current_scope() == NO_SCOPE
    assert [row["handle"] for row in rows_of(response)] == ["acme.only"]


def test_an_export_asks_the_same_few_questions_however_long_it_is(ana: Client, acme: TenantRef) -> None:
    account = make_account()
    make_post(account)
    address = f"/accounts/{account.pk}/posts/export.xlsx"
    few = statements_of(lambda: body_of(ana.get(address)))
    for _ in range(40):
        make_post(account)
    assert len(statements_of(lambda: body_of(ana.get(address)))) == len(few)
    assert_at_most(7, few)


def test_pages_lead_to_their_files_in_the_state_they_are_in(ana: Client, lena: int) -> None:
    page = ana.get("/accounts/?reason=own&sort=handle").content.decode()
    assert 'href="/accounts/export.xlsx?reason=own&amp;sort=handle"' in page
    posts = ana.get(f"/accounts/{lena}/posts/?sort=-plays", headers={"hx-request": "true"}).content.decode()
    assert f'href="/accounts/{lena}/posts/export.csv?sort=-plays"' in posts
    page = ana.get(f"/accounts/{lena}/?days=30").content.decode()
    assert f'href="/accounts/{lena}/growth/export.csv?days=30"' in page
    assert f'href="/accounts/{lena}/growth/export.csv?days=30&amp;part=definitions"' in page
