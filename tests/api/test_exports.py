"""Exports with a token: asked for, looked at, fetched by a link or with the token; never more than the token may."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.test import Client

from accounts.models import ApiToken, AuditEntry, Export
from accounts.services import exports as service
from accounts.services.export_making import make_export
from accounts.services.exports import Asker, ask_for_export, link_key
from accounts.services.tokens import revoke_token, rotate_token
from billing.models import Plan
from tests import factories
from tests.api.asking import Partner, partner
from tests.api.test_door import refused
from tests.cast import Cast
from tests.private_folder import use_private_folder
from tests.queries import assert_at_most, statements_of
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

SHOWN = {
    "id", "kind", "format", "tags", "state", "progress", "size", "message", "created_at", "finished_at", "expires_at",
    "url", "download_url", "download_expires_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    return use_private_folder(settings, tmp_path / "exports")


@pytest.fixture
def cast(committed_db: Cast) -> Cast:
    """Acme has an account of the tag “vip” and one of none, Rival one of “vip”, with a post each. The worker has
    connections of its own, so all is committed."""
    for tenant, names in ((committed_db.acme, ("star", "plain")), (committed_db.rival, ("rivalsecret",))):
        with tenant_scope(tenant):
            for name in names:
                account = factories.make_account(name, tags=[] if name == "plain" else ["vip"])
                factories.make_snapshots(account, [1, 2])
                factories.make_post_snapshot(factories.make_post(account))
    return committed_db


def asked(ours: Partner, **wishes: Any) -> dict[str, Any]:
    answer = ours.post("exports", {"kind": "accounts"} | wishes)
    assert answer.status_code == 202, answer.content
    found: dict[str, Any] = answer.json()
    assert answer["Location"] == found["url"] == f"/api/v1/exports/{found['id']}"
    return found


def made(ours: Partner, **wishes: Any) -> dict[str, Any]:
    export = asked(ours, **wishes)
    assert make_export(UUID(export["id"]))
    found: dict[str, Any] = ours.get(f"exports/{export['id']}").json()
    assert found["state"] == "ready"
    return found


def followed(link: str, **headers: str) -> Any:
    """As a program does that has nothing but the link."""
    parts = urlsplit(link)
    return Client(headers={"host": parts.netloc} | headers, raise_request_exception=False).get(
        f"{parts.path}?{parts.query}"
    )


def texts(answer: Any) -> dict[str, str]:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    return {name: archive.read(name).decode() for name in archive.namelist()}


def events(cast: Cast) -> list[tuple[str, str, str]]:
    with tenant_scope(cast.acme):
        rows = AuditEntry.objects.filter(event__startswith="workspace.export").order_by("occurred_at")
        return list(rows.values_list("event", "actor_kind", "actor_label"))


@pytest.mark.parametrize("host", ["localhost", "acme.localhost"])
def test_from_the_wish_to_the_file(cast: Cast, host: str) -> None:
    ours = partner(cast.acme, host)
    export = asked(ours, format="ndjson")
    assert export.keys() == SHOWN
    assert (export["state"], export["progress"], export["download_url"]) == ("waiting", None, None)
    assert make_export(UUID(export["id"]))
    found = ours.get(f"exports/{export['id']}").json()
    assert (found["state"], found["progress"], found["format"]) == ("ready", 1.0, "ndjson")
    assert found["download_url"].startswith(f"http://{host}/api/v1/exports/{export['id']}/file?key=")
    answer = followed(found["download_url"])
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert int(answer["Content-Length"]) == found["size"] and "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-accounts-')
    text = texts(answer)["accounts.ndjson"]
    assert "star" in text and "plain" in text and "rivalsecret" not in text
    assert texts(ours.get(f"exports/{export['id']}/file")).keys() == {"accounts.ndjson"}
    name = f"Reporting (tkd_{ours.raw.split('_')[1]})"
    assert events(cast) == [
        ("workspace.export_asked", "token", name),
        ("workspace.export_made", "system", ""),
        ("workspace.export_downloaded", "token", name),
        ("workspace.export_downloaded", "token", name),
    ]


def test_a_link_is_for_one_export_and_ends_with_its_time_and_its_token(cast: Cast, settings: Any) -> None:
    ours = partner(cast.acme)
    one, other = made(ours), made(ours, kind="posts")
    link = one["download_url"]
    path, key = link.split("?key=")
    for wrong in (
        f"{path}?key=x", f"{path}?key=", f"{path}?key={key}x", other["download_url"].split("?")[0] + f"?key={key}",
        f"{path}?key={link_key(UUID(one['id']), 1)}",
    ):  # fmt: skip
        refused(followed(wrong), 404, "not_found")
    refused(followed(path), 401, "bad_token")
    refused(followed(link.replace("//localhost", "//rival.localhost")), 401, "bad_token")
    settings.EXPORT_LINK_S = -1
    assert "download_url" in refused(followed(link), 410, "link_over")["message"]
    settings.EXPORT_LINK_S = 900
    assert followed(link).status_code == 200
    with all_tenants():
        ApiToken.objects.update(networks=["203.0.113.0/24"])
    refused(followed(link), 403, "token_not_allowed")
    with all_tenants():
        ApiToken.objects.update(networks=[])
        token_id = ApiToken.objects.get(key=ours.raw.split("_")[1]).pk
    revoke_token(tenant=cast.acme, token_id=token_id)
    refused(followed(link), 401, "bad_token")


def test_a_link_opens_nothing_but_its_file(cast: Cast) -> None:
    ours = partner(cast.acme)
    key = made(ours)["download_url"].split("?key=")[1]
    stranger = Client(headers={"host": "localhost"})
    for path in ("exports", "accounts", "token", "nothing"):
        refused(stranger.get(f"/api/v1/{path}?key={key}"), 401, "bad_token")


def test_no_secret_of_a_link_stands_in_a_log(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    link = made(partner(cast.acme))["download_url"]
    assert followed(link).status_code == 200
    said = capsys.readouterr()
    assert link.split("?key=")[1] not in said.out + said.err


@pytest.mark.parametrize("kind", ["accounts", "posts", "snapshots"])
def test_of_a_token_for_some_tags_only_these_are_in_the_file(cast: Cast, kind: str) -> None:
    ours = partner(cast.acme, tags=["vip", "other"])
    for wishes in ({}, {"tags": ["vip"]}):
        found = made(ours, kind=kind, **wishes)
        assert found["tags"] == (wishes.get("tags") or ["vip", "other"])
        for text in texts(followed(found["download_url"])).values():
            assert "star" in text and "plain" not in text
    body = refused(ours.post("exports", {"kind": kind, "tags": ["vip", "foreign"]}), 400, "bad_input")
    assert body["errors"]["tags"] == ["This token is for accounts with one of the tags: vip, other."]
    again = ours.post(f"exports/{asked(ours, kind=kind)['id']}/retry")
    refused(again, 404, "not_found")


def test_asked_for_once_more_it_has_the_same_limits(cast: Cast) -> None:
    ours = partner(cast.acme, tags=["vip"])
    first = asked(ours, kind="posts", format="json")
    assert ours.send("DELETE", f"exports/{first['id']}").json()["state"] == "cancelled"
    assert ours.send("DELETE", f"exports/{first['id']}").json()["state"] == "cancelled"
    answer = ours.post(f"exports/{first['id']}/retry")
    assert answer.status_code == 202
    second = answer.json()
    assert second["id"] != first["id"] and (second["format"], second["tags"]) == ("json", ["vip"])
    assert make_export(UUID(second["id"]))
    assert "plain" not in texts(ours.get(f"exports/{second['id']}/file"))["posts.json"]
    gone = ours.send("DELETE", f"exports/{second['id']}").json()
    assert (gone["state"], gone["download_url"]) == ("expired", None)
    refused(ours.get(f"exports/{second['id']}/file"), 404, "not_found")


def test_a_file_whose_time_is_over_may_be_made_again_at_once(cast: Cast) -> None:
    ours = partner(cast.acme)
    export = made(ours)
    with clock.at(clock.now() + timedelta(hours=73)):
        found = ours.get(f"exports/{export['id']}").json()
        assert (found["state"], found["download_url"]) == ("expired", None)
        refused(ours.get(f"exports/{export['id']}/file"), 404, "not_found")
        assert ours.post(f"exports/{export['id']}/retry").status_code == 202


def test_what_the_token_may_not_read_is_in_none_of_its_files(cast: Cast) -> None:
    ours = partner(cast.acme, scopes=["exports:write", "accounts:read"])
    assert asked(ours)["kind"] == "accounts"
    for kind in ("posts", "snapshots"):
        body = refused(ours.post("exports", {"kind": kind}), 403, "token_not_allowed")
        assert "posts:read" in body["message"]
    reader = partner(cast.acme, scopes=["exports:read", "accounts:read"])
    assert reader.get("exports").status_code == 200
    assert "exports:write" in refused(reader.post("exports", {"kind": "accounts"}), 403, "token_not_allowed")["message"]
    with tenant_scope(cast.acme):
        assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "everything"}, "kind"), ({"kind": "person"}, "kind"), ({}, "kind"),
        ({"kind": "posts", "format": "pdf"}, "format"), ({"kind": "posts", "tags": ["x" * 41]}, "tags.0"),
        ({"kind": "posts", "tags": ["x"] * 21}, "tags"), ({"kind": "posts", "account": 1}, "account"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_by_its_field(cast: Cast, body: dict[str, Any], field: str) -> None:
    assert refused(partner(cast.acme).post("exports", body), 400, "bad_input")["errors"].keys() == {field}
    with tenant_scope(cast.acme):
        assert not Export.objects.exists()


def test_a_plan_without_exports_says_so(cast: Cast) -> None:
    ours = partner(cast.acme)
    features = Plan.objects.get(code="pro").features
    Plan.objects.filter(code="pro").update(features=["api"])
    try:
        refused(ours.post("exports", {"kind": "accounts"}), 403, "not_in_plan")
    finally:
        Plan.objects.filter(code="pro").update(features=features)


def test_exports_of_people_other_tokens_and_other_workspaces_do_not_exist(cast: Cast) -> None:
    ours, other, stranger = partner(cast.acme), partner(cast.acme, tags=["vip"]), partner(cast.globex)
    export = made(ours)["id"]
    of_ana = str(ask_for_export(tenant=cast.acme, kind="posts", asker=Asker(cast.ana.email, "owner", cast.ana.pk)))
    assert [row["id"] for row in ours.all_rows("exports")] == [export]
    for who, one in ((other, export), (stranger, export), (ours, of_ana)):
        assert one not in {row["id"] for row in who.all_rows("exports")}
        for method, path in (("GET", ""), ("GET", "/file"), ("DELETE", ""), ("POST", "/retry")):
            refused(who.send(method, f"exports/{one}{path}"), 404, "not_found")
    with all_tenants():
        assert set(Export.objects.values_list("state", flat=True)) == {"ready", "waiting"}


def test_tokens_and_people_do_not_stand_in_each_others_way(cast: Cast) -> None:
    ours, other = partner(cast.acme), partner(cast.acme)
    asked(ours), asked(other)
    ask_for_export(tenant=cast.acme, kind="accounts", asker=Asker(cast.ana.email, "owner", cast.ana.pk))
    refused(ours.post("exports", {"kind": "accounts"}), 409, "limit_reached")


def test_a_new_file_takes_the_place_of_the_same_one_only(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = partner(cast.acme)
    first, tagged, second = made(ours), made(ours, tags=["vip"]), made(ours)
    states = {row["id"]: row["state"] for row in ours.all_rows("exports")}
    assert states == {first["id"]: "expired", tagged["id"]: "ready", second["id"]: "ready"}
    monkeypatch.setattr(service, "MOST_OF_A_TOKEN", 2)
    assert "at most 2 files" in refused(ours.post("exports", {"kind": "posts"}), 409, "limit_reached")["message"]
    ours.send("DELETE", f"exports/{tagged['id']}")
    assert asked(ours, kind="posts")


def test_the_token_in_place_of_another_has_its_exports(cast: Cast) -> None:
    ours = partner(cast.acme)
    export = made(ours)["id"]
    token_id = ours.get("token").json()["id"]
    new = Partner(rotate_token(tenant=cast.acme, token_id=token_id, overlap=timedelta()).raw)
    assert followed(new.get(f"exports/{export}").json()["download_url"]).status_code == 200
    assert [row["id"] for row in new.all_rows("exports")] == [export]


def test_what_the_token_may_not_read_any_more_is_not_made_again(cast: Cast) -> None:
    ours = partner(cast.acme)
    export = asked(ours, kind="posts")["id"]
    ours.send("DELETE", f"exports/{export}")
    with all_tenants():
        ApiToken.objects.update(scopes=["exports:write", "accounts:read"])
    refused(ours.post(f"exports/{export}/retry"), 403, "token_not_allowed")


def test_sent_twice_it_is_asked_for_once(cast: Cast) -> None:
    ours = partner(cast.acme)
    key = {"idempotency-key": "a"}
    first, again = (ours.post("exports", {"kind": "accounts"}, **key) for _ in range(2))
    assert again["Idempotent-Replayed"] == "true" and again.json() == first.json()
    refused(ours.post("exports", {"kind": "posts"}, **key), 422, "key_reused")
    with tenant_scope(cast.acme):
        assert Export.objects.count() == 1


def test_the_list_goes_on_where_it_ended_and_costs_the_same_with_many(cast: Cast) -> None:
    ours = partner(cast.acme)
    token_id = ours.get("token").json()["id"]
    with clock.at(clock.now()), tenant_scope(cast.acme):
        for _ in range(5):
            Export.objects.create(kind="posts", state="failed", error="no", token_id=token_id, created_at=clock.now())
    rows = ours.all_rows("exports", {"limit": 2})
    assert len({row["id"] for row in rows}) == len(rows) == 5
    # The token with its tenant, the plan, the rows.
    assert_at_most(3, statements_of(lambda: ours.get("exports")))
