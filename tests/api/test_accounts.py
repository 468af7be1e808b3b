"""Tracked accounts through the API: listed page by page, filtered, one by one, within a token's tags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.asking import partner
from tests.api.test_door import refused
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tikdash import clock
from tikdash.db.scope import tenant_scope


@pytest.fixture
def accounts(cast: Cast) -> list[Any]:
    """Seven of Acme, two without followers; and one of Rival, which Acme never sees."""
    with tenant_scope(cast.rival):
        make_account("secret")
    with tenant_scope(cast.acme):
        return [
            make_account(f"creator{place}", follower_count=None if place in (2, 5) else 100 * (place // 2),
                         measured_at=None if place == 2 else clock.now() - timedelta(hours=place),
                         tracked_reason="own" if place < 3 else "competitor",
                         tags=["bakery"] if place % 2 else ["bakery", "vip"])
            for place in range(7)
        ]  # fmt: skip


@pytest.mark.parametrize(
    "sort", [sign + name for name in ("handle", "followers", "hearts", "videos", "as_of") for sign in ("", "-")]
)
def test_pages_together_are_the_list_in_every_order(cast: Cast, accounts: list[Any], sort: str) -> None:
    ours = partner(cast.acme)
    whole = ours.get("accounts", {"sort": sort, "limit": 200}).json()["data"]
    paged = ours.all_rows("accounts", {"sort": sort, "limit": 2})
    assert [row["id"] for row in paged] == [row["id"] for row in whole]
    assert sorted(row["id"] for row in whole) == sorted(account.pk for account in accounts)


def test_filters_are_those_of_the_page(cast: Cast, accounts: list[Any]) -> None:
    ours = partner(cast.acme)

    def handles(**query: str) -> list[str]:
        return [row["handle"] for row in ours.get("accounts", {"sort": "handle", **query}).json()["data"]]

    assert handles(q="reator3") == ["creator3"]
    assert handles(reason="own") == ["creator0", "creator1", "creator2"]
    assert handles(tag="vip", reason="competitor") == ["creator4", "creator6"]
    assert handles(status="paused") == []


def test_a_row_says_when_it_was_read_and_how_far_to_trust_it(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena", follower_count=500)
        make_snapshots(account, [500, 0], state=2, suspect={"follower_count": "zeroed"})
        make_account("new", measured_at=None, follower_count=None)
    found = {row["handle"]: row for row in partner(cast.acme).get("accounts").json()["data"]}
    assert (found["lena"]["followers"], found["lena"]["state"]) == (500, "zeroed")
    assert found["lena"]["suspect"] == {"followers": "zeroed"}
    assert found["lena"]["as_of"].endswith("Z")
    assert (found["new"]["followers"], found["new"]["state"], found["new"]["as_of"]) == (None, "never", None)


def test_fields_leave_the_others_out(cast: Cast, accounts: list[Any]) -> None:
    answer = partner(cast.acme).get("accounts", {"fields": "handle,followers", "limit": 1}).json()
    assert [set(row) for row in answer["data"]] == [{"id", "handle", "followers"}]
    assert answer["metrics"]["followers"] == 1
    body = refused(partner(cast.acme).get("accounts", {"fields": "handle,secret"}), 400, "bad_input")
    assert "followers" in body["errors"]["fields"][0], "it says which there are"


def test_csv_has_the_same_rows(cast: Cast, accounts: list[Any]) -> None:
    with tenant_scope(cast.acme):
        make_account("evil", nickname="=1+1", follower_count=9_999)
    answer = partner(cast.acme).get("accounts", {"fields": "handle,nickname,tags"}, accept="text/csv")
    lines = answer.content.decode().splitlines()
    assert answer["Content-Type"].startswith("text/csv") and lines[0] == "id,handle,nickname,tags"
    assert len(lines) == 9 and "'=1+1" in lines[1]


def test_a_cursor_is_good_for_its_own_list_only(cast: Cast, accounts: list[Any]) -> None:
    ours = partner(cast.acme)
    cursor = ours.get("accounts", {"limit": 2}).json()["next"]
    assert ours.get("accounts", {"limit": 3, "cursor": cursor}).status_code == 200
    for query in ({"sort": "handle"}, {"q": "x"}):
        body = refused(ours.get("accounts", query | {"cursor": cursor}), 400, "bad_input")
        assert body["errors"].keys() == {"cursor"}
    refused(ours.get("posts", {"cursor": cursor}), 400, "bad_input")
    refused(partner(cast.globex).get("accounts", {"cursor": cursor}), 400, "bad_input")
    for bad in ("x", cursor[:-2], "9" * 3000, "💥", "a:b"):
        refused(ours.get("accounts", {"cursor": bad}), 400, "bad_input")


def test_an_account_is_found_by_its_id_and_a_strangers_is_not(cast: Cast, accounts: list[Any]) -> None:
    ours = partner(cast.acme)
    assert ours.get(f"accounts/{accounts[0].pk}").json()["handle"] == "creator0"
    with tenant_scope(cast.rival):
        foreign = make_account("other").pk
    for pk in (foreign, 10**9, 2**63 - 1, 2**63, 10**30):
        for path in (
            "accounts/{}",
            "accounts/{}/growth",
            "accounts/{}/metrics",
            "accounts/checks/{}",
            "posts/{}/series",
        ):
            refused(ours.get(path.format(pk)), 404, "not_found")


def test_a_token_for_some_tags_sees_nothing_else(cast: Cast, accounts: list[Any]) -> None:
    with tenant_scope(cast.acme):
        posts = [make_post(account) for account in accounts]
        for account in accounts:
            make_snapshots(account, [1, 2])
    ours, out, into = partner(cast.acme, tags=["vip"]), accounts[1], accounts[0]
    assert {row["handle"] for row in ours.all_rows("accounts")} == {"creator0", "creator2", "creator4", "creator6"}
    assert {row["account_id"] for row in ours.all_rows("posts")} == {accounts[place].pk for place in (0, 2, 4, 6)}
    reading = ("", "/growth", "/snapshots", "/metrics", "/audience", "/refresh", "/notes")
    for path in reading:
        assert ours.get(f"accounts/{into.pk}{path}").status_code == 200, path
        refused(ours.get(f"accounts/{out.pk}{path}"), 404, "not_found")
    for path in ("", "/series", "/metrics"):
        assert ours.get(f"posts/{posts[0].pk}{path}").status_code == 200
        refused(ours.get(f"posts/{posts[1].pk}{path}"), 404, "not_found")
    for path in (
        f"posts?account={out.pk}", f"hashtags?account={out.pk}", f"sounds?account={into.pk},{out.pk}",
        f"comments?account={out.pk}", f"comments?post={posts[1].pk}", f"compare?accounts={out.pk}",
    ):  # fmt: skip
        refused(ours.get(path), 404, "not_found")
    for method, path, body in (
        ("PATCH", "", {"reason": "own"}), ("DELETE", "", None), ("POST", "/refresh", None),
        ("POST", "/notes", {"date": "2026-01-01", "text": "x"}),
    ):  # fmt: skip
        refused(ours.send(method, f"accounts/{out.pk}{path}", body), 404, "not_found")
    lines = b"".join(ours.get("snapshots").streaming_content).decode().splitlines()
    assert len(lines) == 8 and not any(f'"account_id":{out.pk},' in line for line in lines)
    written = partner(cast.acme).post(f"accounts/{out.pk}/notes", {"date": clock.today().isoformat(), "text": "x"})
    note = f"accounts/{out.pk}/notes/{written.json()['id']}"
    refused(ours.send("PUT", note, {"date": clock.today().isoformat(), "text": "y"}), 404, "not_found")
    refused(ours.send("DELETE", note), 404, "not_found")
    assert [each["text"] for each in partner(cast.acme).get(f"accounts/{out.pk}/notes").json()["data"]] == ["x"]
    assert refused(ours.post("accounts", {"handle": "x", "tags": ["other"]}), 400, "bad_input")["errors"]["tags"]
    assert refused(ours.send("PATCH", f"accounts/{into.pk}", {"tags": ["bakery"]}), 400, "bad_input")["errors"]["tags"]


def test_a_token_for_some_tags_sees_no_check_list_or_removal_of_others(cast: Cast, accounts: list[Any]) -> None:
    whole, ours, out = partner(cast.acme), partner(cast.acme, tags=["vip"]), accounts[1]
    theirs = whole.post("accounts", {"handle": "other", "tags": ["bakery"]}).json()["id"]
    refused(ours.get(f"accounts/checks/{theirs}"), 404, "not_found")
    own = ours.post("accounts", {"handle": "mine", "tags": ["bakery", "vip"]}).json()["id"]
    assert ours.get(f"accounts/checks/{own}").status_code == 200
    for row, tags in (({"handle": "a", "tags": ["bakery"]}, ["vip"]), ({"handle": "a"}, []), ({"handle": "a"}, ["x"])):
        for dry_run in (True, False):
            body = {"accounts": [{"handle": "b", "tags": ["vip"]}, row], "tags": tags, "dry_run": dry_run}
            assert "tags" in refused(ours.post("accounts/bulk", body), 400, "bad_input")["errors"]
    batch = whole.post("accounts/bulk", {"accounts": [{"handle": "third"}]}).json()["id"]
    refused(ours.get(f"accounts/bulk/{batch}"), 404, "not_found")
    refused(ours.send("DELETE", f"accounts/bulk/{batch}"), 404, "not_found")
    assert whole.get(f"accounts/bulk/{batch}").json()["waiting"] == 1
    removal = whole.send("DELETE", f"accounts/{out.pk}").json()["removal_id"]
    refused(ours.post(f"removals/{removal}/undo"), 404, "not_found")
    refused(whole.get(f"accounts/{out.pk}"), 404, "not_found")
