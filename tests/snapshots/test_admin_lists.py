"""Large lists of the admin: found by the beginning of a name or by an id, by an index, and downloaded as filtered."""

from __future__ import annotations

import csv
import html
import io
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEntry
from billing.models import QueueSample, UsageEvent
from snapshots.admin import searching
from snapshots.admin.accounts import TrackedAccountAdmin
from snapshots.admin.jobs import FetchJobAdmin
from snapshots.ingest.hashtags import fold
from snapshots.models import Hashtag, Sound, TrackedAccount
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_job, make_post, make_sample, make_story
from tests.queries import assert_at_most, statements_of
from tests.snapshots.conftest import browser_of
from tests.staff import staff_with
from tikdash import clock
from tikdash.db.scope import all_tenants, owner, tenant_scope
from tikdash.ui import admin as admin_counts
from tikdash.ui import admin_lists

ACCOUNTS, POSTS, JOBS = (f"/admin/snapshots/{name}/" for name in ("trackedaccount", "post", "fetchjob"))
USAGE = "/admin/billing/usagerecordrow/"
#: So many that it matters to the planner which index it takes, whatever it believes of the tables.
MANY_ACCOUNTS = """
    INSERT INTO accounts (tenant_id, username, tiktok_user_id, sec_uid, nickname, avatar_url, bio, verified,
                          tracked_reason, tags, state, tracked_since)
    SELECT tenant_id, 'other' || n, (8000000000000000000 + n)::text, 'other' || n, '', '', '', false, 'own', '{}',
           'active', now()
      FROM accounts, generate_series(1, 3000) AS n WHERE username = 'lena.bakes'
"""
POSTS_OF_AN_ACCOUNT = """
    INSERT INTO posts (tenant_id, account_id, aweme_id, title, cover_url, duration_s, kind, pinned, sound_id, posted_at,
                       first_seen_at, measured_at)
    SELECT tenant_id, id, (7500000000000000000 + n)::text, '', '', 15, 'video', false, '', now(), now(), now()
      FROM accounts, generate_series(1, 10000) AS n WHERE id = %s
"""
SEC_UID = "MS4wLjABAAAA" + "x" * 64


@pytest.fixture
def olga(cast: Cast, noon: datetime) -> Client:
    return browser_of(cast.olga, "localhost")


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    with tenant_scope(cast.acme):
        lena = make_account("lena.bakes", tiktok_user_id="6900000000000000001", sec_uid=SEC_UID, nickname="=1+1")
        make_post(lena, aweme_id="7400000000000000099", title="Bread")
    with tenant_scope(cast.rival):
        other = make_account("le.mans")
        make_post(other, title="Cars")
    return lena


def handles(client: Client, text: str) -> list[str]:
    rows = client.get(ACCOUNTS, {"q": text}).context["cl"].result_list
    return sorted(row.username for row in rows)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("lena.bakes", ["lena.bakes"]), ("@Lena", ["lena.bakes"]), ("le", ["le.mans", "lena.bakes"]),
        ("le rival", ["le.mans"]), ("6900000000000000001", ["lena.bakes"]), (SEC_UID, ["lena.bakes"]),
        ("acme", ["lena.bakes"]), ("bakes", []), ("%", []), ("_ena", []), ("nobody", []),
        ("\0", ["le.mans", "lena.bakes"]),
    ],
)  # fmt: skip
def test_accounts_are_found_by_handle_id_and_tenant(
    olga: Client, lena: TrackedAccount, typed: str, found: list[str]
) -> None:
    assert handles(olga, typed) == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [("7400000000000000099", ["Bread"]), ("lena", ["Bread"]), ("rival", ["Cars"]), ("7400000000000000098", [])],
)
def test_posts_are_found_by_their_id_and_their_account(
    olga: Client, lena: TrackedAccount, typed: str, found: list[str]
) -> None:
    assert [row.title for row in olga.get(POSTS, {"q": typed}).context["cl"].result_list] == found


@pytest.fixture
def around(cast: Cast, lena: TrackedAccount) -> None:
    """Comments, samples, hashtags, sounds and stories of two tenants."""
    for tenant, handle in ((cast.acme, "lena.bakes"), (cast.rival, "le.mans")):
        with tenant_scope(tenant):
            account = TrackedAccount.objects.get(username=handle)
            make_comment(
                account.posts.first(), text=f"For {handle}", comment_id=f"74{tenant.id:017d}", author_username="fan"
            )
            make_sample(account, ["fan"])
            make_story(account, aweme_id=f"75{tenant.id:017d}")
            for name in (f"of{tenant.slug}", "straße"):
                Hashtag.objects.create(name=fold(name), cha_name=name, challenge_id="4711", first_seen_at=clock.now())
            Sound.objects.create(
                music_id=f"76{tenant.id:017d}", title="Kitchen Tape", author=f"Band of {tenant.slug}",
                first_seen_at=clock.now(),
            )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "typed", "tenants"),
    [
        ("comment", "lena", "acme"), ("comment", "acme", "acme"), ("comment", "le", "acme rival"),
        ("comment", "fan", ""), ("comment", "le fan", "acme rival"), ("comment", "lena fan rival", ""),
        ("comment", "lena nobody", ""),
        ("comment", "le {74acme}", "acme"), ("comment", "{74acme}", ""), ("audiencesample", "@Lena", "acme"),
        ("audiencesample", "rival", "rival"), ("audiencesample", "lena rival", ""), ("story", "lena", "acme"),
        ("story", "{75rival}", "rival"), ("story", "{75rival} acme", ""), ("hashtag", "#OfAcme", "acme"),
        ("hashtag", "#STRASSE", "acme rival"), ("hashtag", "straße rival", "rival"), ("hashtag", "stra", ""),
        ("hashtag", "rival stra", "rival"), ("hashtag", "4711", ""), ("hashtag", "acme 4711", "acme acme"),
        ("sound", "{76rival}", "rival"), ("sound", "acme", "acme"), ("sound", "acme tape", "acme"),
        ("sound", "tape", ""), ("sound", "rival band", "rival"), ("sound", "rival Mills", ""),
    ],
)  # fmt: skip
def test_lists_are_searched_where_an_index_leads_and_further_words_look_there(
    cast: Cast, olga: Client, around: None, name: str, typed: str, tenants: str
) -> None:
    for one in (cast.acme, cast.rival):
        typed = re.sub(rf"{{(\d\d){one.slug}}}", rf"\g<1>{one.id:017d}", typed)
    found = listed(olga, f"/admin/snapshots/{name}/", q=typed)
    assert sorted(row.tenant.slug for row in found) == tenants.split()


def plan(statement: str, parameters: Any = ()) -> str:
    """The plan for a table that is too large to be read whole."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("word", "index"),
    [("lena", "accounts_handle"), ("6900000000000000001", "accounts_tiktok_id"), (SEC_UID, "accounts_sec_uid")],
)
def test_a_search_is_answered_by_an_index(lena: TrackedAccount, word: str, index: str) -> None:
    with tenant_scope(lena.tenant), connection.cursor() as cursor:
        cursor.execute(MANY_ACCOUNTS)
    with all_tenants("shared"):
        rows = TrackedAccount.objects.filter(searching.account_condition(word)).order_by()
        sql, parameters = rows.query.sql_with_params()
        found = plan(sql, parameters)
        assert index in found and "Seq Scan" not in found, found


def test_a_post_is_found_by_its_id_tenant_by_tenant(lena: TrackedAccount) -> None:
    with tenant_scope(lena.tenant), connection.cursor() as cursor:
        cursor.execute(POSTS_OF_AN_ACCOUNT, [lena.pk])
    with owner("shared"), connection.cursor() as cursor:
        cursor.execute("ANALYZE posts")
    with all_tenants("shared"):
        found = plan(searching.POSTS_BY_ID, ["7400000000000000099"])
    # From tenant to tenant, the id leads to the row: none that has another is read.
    assert re.search(r"using posts_once on posts.*\n *Index Cond:.*aweme_id", found), found
    assert "Seq Scan" not in found and "Filter" not in found, found


def test_the_ledger_lists_the_last_day_by_its_key_and_other_days_when_asked(
    cast: Cast, olga: Client, noon: datetime
) -> None:
    def use(at: datetime, outcome: str = "ok") -> None:
        with tenant_scope(cast.acme):
            UsageEvent.objects.create(
                id=uuid.uuid4(), occurred_at=at, key_id="shared", endpoint="userinfo", feature="profile",
                priority="pro", outcome=outcome, credits=1, attempts=1, latency_ms=9,
            )  # fmt: skip

    use(noon - timedelta(minutes=5), "rate_limited")
    use(noon - timedelta(hours=3))
    use(noon - timedelta(days=2))

    def count(**query: str) -> int:
        return int(olga.get(USAGE, query).context["cl"].result_count)

    assert count() == 2 and count(since="15") == 1 and count(since="10080") == 3
    assert count(day="2026-11-13") == 1 and count(day="2026-11-15") == 2 and count(day="x") == 0
    assert count(outcome="rate_limited") == 1 and count(q="acme") == 2 and count(q="userin") == 0
    assert count(q="userinfo") == 2 and count(q="rival") == 0


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.status_code
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_what_is_downloaded_is_what_is_filtered_and_no_formula(olga: Client, lena: TrackedAccount) -> None:
    answer = olga.get(f"{ACCOUNTS}export/", {"q": "lena"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8" and "attachment" in answer["Content-Disposition"]
    head, row = rows_of(answer)
    assert head[:4] == ["id", "username", "tenant", "nickname"]
    assert row[:4] == [str(lena.pk), "lena.bakes", "Acme Talent", "'=1+1"]
    assert row[-1] == "2026-11-15T12:00:00+00:00"
    assert [row[1] for row in rows_of(olga.get(f"{ACCOUNTS}export/"))[1:]] == ["le.mans", "lena.bakes"]
    page = olga.get(ACCOUNTS, {"q": "lena"}).content.decode()
    assert 'href="export/?q=lena"' in page


def test_a_download_has_a_bound_and_says_so(
    cast: Cast, olga: Client, lena: TrackedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_ROWS", 3)
    monkeypatch.setattr(admin_lists, "ROWS_AT_ONCE", 2)
    with tenant_scope(cast.acme):
        for number in range(4):
            make_job(lena, ["profile", "posts", "comments", "stories"][number])
    found = rows_of(olga.get(f"{JOBS}export/"))
    assert len(found) == 5 and found[-1][0].startswith("Cut after 3 rows.")
    assert [int(row[0]) for row in found[1:4]] == sorted((int(row[0]) for row in found[1:4]), reverse=True)
    monkeypatch.setattr(admin_lists, "MOST_ROWS", 4)
    assert len(rows_of(olga.get(f"{JOBS}export/"))) == 5, "four rows fit exactly"


def downloads() -> list[AuditEntry]:
    with all_tenants():
        return list(AuditEntry.objects.filter(event="operations.list_downloaded").order_by("id"))


def test_a_list_that_one_may_not_see_is_not_downloaded_either(cast: Cast) -> None:
    staff = staff_with("snapshots.view_post")
    assert staff.get(f"{POSTS}export/").status_code == 200
    assert staff.get(f"{ACCOUNTS}export/").status_code == 403
    assert [entry.target_id for entry in downloads()] == ["post"], "what was refused is no download"


def test_a_download_is_written_down_with_who_which_list_filter_and_rows(
    cast: Cast, olga: Client, lena: TrackedAccount
) -> None:
    olga.get(ACCOUNTS)
    assert not downloads(), "to look at a list is no download"
    olga.get(f"{ACCOUNTS}export/", {"q": "lena", "state__exact": "active"})
    olga.get("/admin/shard/", {"schema": "tenant_globex"})
    olga.get(f"{ACCOUNTS}export/")
    first, second = downloads()
    assert (first.actor_kind, first.actor_label, first.tenant_id) == ("staff", cast.olga.email, None)
    assert (first.target_kind, first.target_id, first.target_label) == ("list", "trackedaccount", "tracked accounts")
    assert first.after == {"rows": 1, "filter": "q=lena, state__exact=active", "schema": "shared"}
    assert second.after == {"rows": 0, "filter": "none", "schema": "tenant_globex"}
    said = "Downloaded 1 row of the list “tracked accounts”, filtered by q=lena, state__exact=active"
    assert said in html.unescape(olga.get("/admin/accounts/auditentryrow/").content.decode())


def test_a_file_that_cannot_be_written_down_is_not_given_and_a_form_makes_none(
    olga: Client, lena: TrackedAccount, settings: Any
) -> None:
    assert olga.post(f"{ACCOUNTS}export/").status_code == 405
    settings.LIST_DOWNLOADED = "accounts.services.auditing.drop_old_partitions"
    with pytest.raises(TypeError):
        olga.get(f"{ACCOUNTS}export/")
    assert not downloads()


def test_samples_are_listed_by_day(olga: Client, noon: datetime) -> None:
    with all_tenants():
        for days in (0, 1):
            QueueSample.objects.create(
                sampled_at=noon - timedelta(days=days), queue="pro", waiting=1, oldest_s=1, in_flight=0
            )
    found = olga.get("/admin/billing/queuesample/", {"day": "2026-11-14"})
    assert found.context["cl"].result_count == 1


@pytest.mark.parametrize("path", [ACCOUNTS, POSTS, USAGE])
def test_lists_have_their_budget_of_statements(olga: Client, lena: TrackedAccount, path: str) -> None:
    olga.get(path)
    assert_at_most(14, statements_of(lambda: olga.get(path)))
    assert_at_most(17, statements_of(lambda: olga.get(path, {"q": "lena"})))


def test_a_large_list_is_sorted_by_no_column_that_is_not_meant_to(
    olga: Client, lena: TrackedAccount, noon: datetime
) -> None:
    with tenant_scope(lena.tenant):
        make_post(lena, play_count=1)
        make_post(lena, play_count=10**9)
    answer = olga.get(POSTS, {"o": "6"})
    ids = [row.pk for row in answer.context["cl"].result_list]
    assert len(ids) == 4 and ids == sorted(ids, reverse=True)
    assert "?o=" not in olga.get(POSTS).content.decode()
    with tenant_scope(lena.tenant):
        make_account("small", follower_count=1, measured_at=noon)
        make_account("large", follower_count=10**6, measured_at=noon - timedelta(days=9))
    assert listed(olga, ACCOUNTS, o="5")[0].username == "small"
    assert "large" in [row.username for row in listed(olga, ACCOUNTS, o="-5")][:3]
    assert listed(olga, ACCOUNTS, o="6")[0].username == "large"


def listed(client: Client, path: str, **query: str) -> list[Any]:
    return list(client.get(path, query).context["cl"].result_list)


def test_a_page_further_down_has_the_rows_that_follow_whatever_sorts_them(
    olga: Client, lena: TrackedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrackedAccountAdmin, "list_per_page", 3)
    with tenant_scope(lena.tenant):
        for followers in (40, 10, 30, 20, 50):
            make_account(f"a{followers}", follower_count=followers)
    for order in ("", "5", "-5", "0", "-0"):
        whole = [row.pk for page in "123" for row in listed(olga, ACCOUNTS, o=order, p=page)]
        with all_tenants("shared"):
            by = {"5": "follower_count", "-5": "-follower_count", "0": "username", "-0": "-username"}.get(order, "-pk")
            assert whole == list(TrackedAccount.objects.order_by(by, "-pk").values_list("pk", flat=True))
    sql = statements_of(lambda: olga.get(ACCOUNTS, {"o": "5", "p": "2"}))
    sorts = [one for one in sql if "ORDER BY" in one and "follower_count" in one and "LIMIT" in one]
    assert sorts and all("JOIN" not in one and "nickname" not in one for one in sorts), "only keys are sorted"


def test_what_is_due_stands_by_when_it_became_due_whatever_its_queue(
    cast: Cast, olga: Client, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FetchJobAdmin, "list_per_page", 2)
    minutes = {"profile": 40, "posts": 20, "comments": 50, "stories": 30, "early": 5, "followers": 0}
    queues = ["pro", "free", "backfill", "interactive", "pro", "enterprise"]
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes")
        for (kind, late), queue in zip(minutes.items(), queues, strict=True):
            make_job(account, kind, queue=queue, next_due_at=noon - timedelta(minutes=late or -5))
    with tenant_scope(cast.rival):
        make_job(make_account("le.mans"), "posts", queue="pro", next_due_at=noon - timedelta(minutes=35))
    found = [[row.kind for row in listed(olga, JOBS, stands="due", p=page)] for page in "123"]
    assert found == [["comments", "profile"], ["posts", "stories"], ["posts", "early"]]
    assert [row.kind for row in listed(olga, JOBS, stands="overdue", tenant="acme")] == ["comments", "profile"]
    assert [row.kind for row in listed(olga, JOBS, stands="due", tenant="acme", p="2")] == ["stories", "posts"]


def test_what_is_not_there_is_looked_for_once(olga: Client, lena: TrackedAccount) -> None:
    asked = statements_of(lambda: listed(olga, POSTS, tenant="nobody"))
    assert len([one for one in asked if 'FROM "posts"' in one]) == 1, asked


def test_a_list_is_counted_by_the_database_and_paged_up_to_a_bound(
    lena: TrackedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_counts, "COUNTED", 4)
    with tenant_scope(lena.tenant):
        for _ in range(7):
            make_account()
    with all_tenants("shared"):
        pages = admin_counts.EstimatedCountPaginator(TrackedAccount.objects.order_by("-pk"), 2)
        counting = statements_of(lambda: pages.count)
        assert counting[0].startswith("SELECT COUNT(*)") and "LIMIT 5" in counting[0], counting
        assert pages.count >= 5 and pages.num_pages == 2
        few = admin_counts.EstimatedCountPaginator(TrackedAccount.objects.filter(pk=lena.pk).order_by("-pk"), 2)
        assert (few.count, few.num_pages) == (1, 1)


@pytest.mark.parametrize("path", [USAGE, "/admin/accounts/auditentryrow/"])
def test_filters_do_not_ask_for_every_value_that_there_ever_was(olga: Client, lena: TrackedAccount, path: str) -> None:
    asked = statements_of(lambda: olga.get(path))
    assert asked and not [sql for sql in asked if "DISTINCT" in sql], asked
    assert olga.get(path, {"outcome": "rate_limited", "event": "person.added"}).status_code in (200, 302)


def test_posts_are_filtered_by_kind_once_a_search_or_a_tenant_has_narrowed_them(
    olga: Client, lena: TrackedAccount
) -> None:
    with tenant_scope(lena.tenant):
        make_post(lena, kind="photo", title="Crust")
    assert "kind__exact" not in olga.get(POSTS).content.decode()
    for narrow in ({"q": "lena"}, {"tenant": "acme"}):
        assert "kind__exact=photo" in olga.get(POSTS, narrow).content.decode()
        found = olga.get(POSTS, narrow | {"kind__exact": "photo"}).context["cl"].result_list
        assert [row.title for row in found] == ["Crust"]
