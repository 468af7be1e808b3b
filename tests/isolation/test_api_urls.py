"""Every address of the API × whose token: what belongs to another workspace does not exist.

Addresses are walked in the URL conf, so that a new one is asked, too; ids are those of Rival's and Globex's rows.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiToken, Export
from accounts.services.export_files import private_files
from snapshots.models import AccountNote, ImportBatch, Removal, TrackedAccount
from tests.api.asking import READ_ONLY, Partner, partner
from tests.cast import Cast
from tests.factories import make_account, make_comment, make_job, make_post, make_snapshots
from tests.private_folder import use_private_folder
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope


def _walked(resolver: URLResolver, before: str = "") -> list[tuple[str, URLPattern]]:
    found: list[tuple[str, URLPattern]] = []
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        found += _walked(pattern, path) if isinstance(pattern, URLResolver) else [(path, pattern)]
    return found


WALKED = _walked(get_resolver("tikdash.urls_api"))
PATTERNS = [pattern for _, pattern in WALKED]
#: Read without a token.
OPEN = {"api_schema", "api_schema_yaml", "api_docs", "api_errors"}
PATHS = {str(pattern.name): path for path, pattern in WALKED if pattern.name not in OPEN}
WITH_ID = sorted(name for name, path in PATHS.items() if "<int:" in path or "<uuid:" in path)
#: Parameters without which an address says what it lacks; with another workspace's ids it does not exist.
NAMED = {"api_compare": "accounts={account_id}", "api_comments": "account={account_id}"}
ALSO = {
    "api_posts": "account={account_id}",
    "api_hashtags": "account={account_id}",
    "api_sounds": "account={account_id}",
}
BODIES: dict[str, Any] = {
    "api_bulk": {"accounts": [{"handle": "x"}], "dry_run": True},
    "api_notes": {"date": "2026-01-01", "text": "secret"},
    "api_note": {"date": "2026-01-01", "text": "secret"},
    "api_account": {"reason": "partner"},
    "api_exports": {"kind": "posts"},
}


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    cache.clear()


@pytest.fixture
def ids(cast: Cast, settings: Any, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Of Acme, Rival and Globex a row of everything that an address names."""
    use_private_folder(settings, tmp_path)
    made: dict[str, dict[str, Any]] = {}
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account(f"{tenant.slug}secret")
            make_snapshots(account, [1, 2])
            post = make_post(account, title=f"{tenant.slug} secret")
            make_comment(post, "secret")
            for kind in ("profile", "posts"):
                make_job(account, kind)
            check = make_job(
                None, "probe", state="refused", cadence_s=None, error="no",
                params={"handle": f"{tenant.slug}secret", "reason": "own", "tags": []},
            )  # fmt: skip
            note = AccountNote.objects.create(
                account=account, day=clock.today(), text="secret", author="secret", created_at=clock.now()
            )
            batch = ImportBatch.objects.create(
                token=uuid4(), rows=[{"line": 1, "typed": "secret", "handle": "secret", "error": "secret"}], wanted=1,
                begun=0, created_at=clock.now(),
            )  # fmt: skip
            removal = Removal.objects.create(account_ids=[account.pk], created_at=clock.now())
            name = private_files().save(f"{tenant.id}/a.zip", ContentFile(f"{tenant.slug} secret".encode()))
            export = Export.objects.create(
                kind="posts", state="ready", token_id=0, asked_label="secret", file=name, size=1,
                created_at=clock.now(), expires_at=clock.now() + timedelta(hours=1),
            )  # fmt: skip
        made[tenant.slug] = {
            "account_id": account.pk, "post_id": post.pk, "check_id": check.pk, "note_id": note.pk,
            "batch_id": batch.pk, "removal_id": removal.pk, "export_id": str(export.pk),
        }  # fmt: skip
    return made


def give_exports_to(ours: Partner) -> None:
    """The exports of its workspace are those that this token has asked for."""
    with all_tenants():
        token = ApiToken.objects.get(key=ours.raw.split("_")[1])
        Export.objects.filter(tenant_id=token.tenant_id).update(token_id=token.pk)


def filled(name: str, values: dict[str, Any]) -> str:
    path = PATHS[name].removeprefix("api/v1/").replace("<slug:metric_id>", "followers")
    for key, value in values.items():
        path = path.replace(f"<int:{key}>", str(value)).replace(f"<uuid:{key}>", str(value))
    query = NAMED.get(name)
    return f"{path}?{query.format(**values)}" if query else path


def methods_of(name: str) -> list[str]:
    view: Any = next(pattern.callback for pattern in PATTERNS if pattern.name == name)
    return [method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, method)]


def ask(ours: Partner, method: str, name: str, values: dict[str, Any]) -> Any:
    body = BODIES.get(name) if method in ("POST", "PUT", "PATCH") else None
    return ours.send(method, filled(name, values), body) if method != "GET" else ours.get(filled(name, values))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_nobody_gets_in_without_a_token(cast: Cast, ids: dict[str, dict[str, Any]], name: str) -> None:
    for host in ("localhost", "acme.localhost"):
        client = Client(headers={"host": host})
        client.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
        for method in methods_of(name):
            answer = client.generic(method, "/api/v1/" + filled(name, ids["acme"]))
            assert (answer.status_code, b"secret" in answer.content) == (401, False)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_token_reads_its_own(cast: Cast, ids: dict[str, dict[str, Any]], name: str) -> None:
    if "GET" in methods_of(name):
        ours = partner(cast.acme, scopes=READ_ONLY)
        give_exports_to(ours)
        answer = ask(ours, "GET", name, ids["acme"])
        assert answer.status_code == 200, content(answer)
        assert b"rival" not in content(answer) and b"globex" not in content(answer)


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_token_for_reading_writes_nothing(cast: Cast, ids: dict[str, dict[str, Any]], name: str) -> None:
    ours = partner(cast.acme, scopes=READ_ONLY)
    for method in methods_of(name):
        if method != "GET":
            answer = ask(ours, method, name, ids["acme"])
            assert (answer.status_code, answer.json()["code"]) == (403, "token_not_allowed")


@pytest.mark.parametrize("name", [*WITH_ID, *sorted(NAMED)])
@pytest.mark.parametrize("other", ["rival", "globex"])
def test_a_guessed_id_of_another_tenant_does_not_exist(
    cast: Cast, ids: dict[str, dict[str, Any]], name: str, other: str
) -> None:
    ours = partner(cast.acme)
    # Two schemas count their ids each for itself: Globex's 1 is also Acme's 1, so ids that Acme has not are asked for.
    foreign = {
        key: value + 10_000 if other == "globex" and isinstance(value, int) else value
        for key, value in ids[other].items()
    }
    for method in methods_of(name):
        answer = ask(ours, method, name, foreign)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, answer.content)
        assert b"secret" not in answer.content
    with tenant_scope(cast.rival):
        account = TrackedAccount.objects.get(pk=ids["rival"]["account_id"])
        assert account.tracked_reason == "competitor"
        assert AccountNote.objects.get(pk=ids["rival"]["note_id"]).removed_at is None


@pytest.mark.parametrize("name", sorted(ALSO))
def test_a_filter_by_another_tenants_account_does_not_find_it(
    cast: Cast, ids: dict[str, dict[str, Any]], name: str
) -> None:
    answer = partner(cast.acme).get(PATHS[name].removeprefix("api/v1/") + "?" + ALSO[name].format(**ids["rival"]))
    assert answer.status_code == 404
