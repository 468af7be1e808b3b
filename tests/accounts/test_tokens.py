"""API tokens: shown once, kept as a keyed hash, limited by scope, tag, address and time, replaced, revoked, found."""

from __future__ import annotations

import hmac
import re
import threading
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, AuditEntry, User
from accounts.services.auditing import acting, record
from accounts.services.closing import ask_for_deletion, call_deletion_off
from accounts.services.tokens import (
    BadToken,
    TokenNotAllowed,
    authenticate,
    create_token,
    find_tokens,
    revoke_token,
    rotate_token,
)
from accounts.token_scopes import SCOPES, allows, without_writing
from billing.models import Plan
from tests.cast import Cast
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.env import peppers
from tikdash.errors import BadInput, LimitReached, NotFound, NotInPlan

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HERE = "203.0.113.7"


def make(tenant: Any, **facts: Any) -> Any:
    return create_token(tenant=tenant, **{"name": "Reporting", "scopes": ["accounts:read"]} | facts)


def row(token: Any) -> ApiToken:
    with all_tenants():
        return ApiToken.objects.get(pk=token.id)


def browser(user: User, host: str = "acme.localhost") -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend=BACKEND)
    return client


def test_a_token_says_whose_it_is_and_what_it_may(cast: Cast) -> None:
    made = make(cast.acme, scopes=["accounts:write", "posts:read"], tags=["bakery"])
    assert re.fullmatch(r"tkd_[a-z0-9]{12}_[A-Za-z0-9]{40}", made.raw)
    who = authenticate(made.raw, HERE)
    assert (who.tenant.slug, who.token_id, who.name, who.tags) == ("acme", made.id, "Reporting", ("bakery",))
    assert who.may("accounts", "read") and who.may("accounts", "write") and who.may("posts", "read")
    with pytest.raises(TokenNotAllowed, match="lacks the scope usage:read"):
        who.refuse_unless("usage", "read")
    with tenant_scope(cast.acme), acting(who.actor):
        record("list.cancelled", after={"cancelled": 1})
        entry = AuditEntry.objects.order_by("-id").first()
    assert entry is not None
    assert (entry.actor_kind, entry.actor_id, entry.actor_label[:14]) == ("token", made.id, "Reporting (tkd")


def test_what_is_stored_verifies_only_with_the_pepper(cast: Cast, settings: Any) -> None:
    """The row holds neither the secret nor a plain hash of it; another pepper, another hash."""
    made = make(cast.acme)
    secret = made.raw.rsplit("_", 1)[1]
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM api_tokens t UNION ALL SELECT a::text FROM audit_log a")
        text = "\n".join(line[0] for line in cursor.fetchall())
    from hashlib import sha256

    assert secret not in text and made.raw not in text
    assert sha256(secret.encode()).hexdigest() not in text and sha256(made.raw.encode()).hexdigest() not in text
    settings.TOKEN_PEPPERS = {"1": "another-pepper-of-at-least-32-characters"}
    with pytest.raises(BadToken):
        authenticate(made.raw, HERE)


def test_peppers_change_without_a_token_less(cast: Cast, settings: Any) -> None:
    old = make(cast.acme)
    settings.TOKEN_PEPPERS = {"2": "a-new-pepper-of-at-least-32-characters-x"} | settings.TOKEN_PEPPERS
    new = make(cast.acme)
    assert (row(old).pepper_id, row(new).pepper_id) == ("1", "2")
    assert authenticate(old.raw, HERE).token_id == old.id and authenticate(new.raw, HERE).token_id == new.id
    settings.TOKEN_PEPPERS = {"2": settings.TOKEN_PEPPERS["2"]}
    with pytest.raises(BadToken):
        authenticate(old.raw, HERE)


@pytest.mark.parametrize("text", ["", "1", "1:short", "1:" + "x" * 40 + ",", "a b:" + "x" * 40])
def test_peppers_that_are_none_stop_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TOKEN_PEPPERS"):
        peppers(text)


def test_a_wrong_secret_lets_nobody_see_the_tenant_whose_key_it_named(cast: Cast) -> None:
    raw = create_token(tenant=cast.acme, name="BI", scopes=["accounts:read"]).raw
    with tenant_scope(cast.acme):
        assert ApiToken.objects.count() == 1
    with pytest.raises(BadToken):
        authenticate(raw[:-1] + ("a" if raw[-1] != "a" else "b"), "203.0.113.7")
    # The statement that found the row has put the session into the tenant's scope; nobody is in it.
    assert ApiToken.objects.count() == 0
    with tenant_scope(cast.rival):
        assert ApiToken.objects.count() == 0


@pytest.mark.parametrize("change", ["secret", "key", "prefix", "cut", "longer", "empty", "nul", "kelvin"])
def test_what_is_not_the_token_is_refused_without_a_reason(cast: Cast, change: str) -> None:
    raw = make(cast.acme).raw
    bad = {
        "secret": raw[:-1] + ("a" if raw[-1] != "a" else "b"),
        "key": raw[:4] + ("a" if raw[4] != "a" else "b") + raw[5:],
        "prefix": raw.replace("tkd_", "tke_"),
        "cut": raw[:-1], "longer": raw + "x", "empty": "", "nul": raw[:-1] + "\x00",
        "kelvin": raw[:-1] + "\u212a\ud800",
    }[change]  # fmt: skip
    with pytest.raises(BadToken, match=r"^This API token is not valid\.$"):
        authenticate(bad, HERE)


@pytest.mark.parametrize("known", [True, False])
def test_digests_are_compared_in_constant_time_whether_the_key_is_known_or_not(
    cast: Cast, monkeypatch: Any, known: bool
) -> None:
    """The one comparison is `hmac.compare_digest`, of two digests of one length, and it is made in each case."""
    raw = make(cast.acme).raw
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr("accounts.services.tokens.hmac.compare_digest", compare)
    with pytest.raises(BadToken):
        authenticate(raw[:-1] + "-" if known else "tkd_" + "0" * 12 + raw[16:], HERE)
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64)]


def test_a_token_ends_when_it_expires_and_when_it_is_revoked(cast: Cast) -> None:
    made = make(cast.acme, expires_at=clock.now() + timedelta(days=1))
    assert authenticate(made.raw, HERE)
    with tenant_scope(cast.acme):
        ApiToken.objects.update(expires_at=clock.now())
    with pytest.raises(BadToken, match="expired"):
        authenticate(made.raw, HERE)
    other = make(cast.acme)
    revoke_token(tenant=cast.acme, token_id=other.id, reason="left")
    revoke_token(tenant=cast.acme, token_id=other.id)
    with pytest.raises(BadToken, match="revoked"):
        authenticate(other.raw, HERE)
    assert row(other).revoked_reason == "left"


@pytest.mark.parametrize(
    ("networks", "ip", "allowed"),
    [
        (["203.0.113.0/24"], "203.0.113.7", True), (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["203.0.113.0/24"], "198.51.100.1", False), (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "203.0.113.7", False), (["203.0.113.7"], "", False), (["203.0.113.7"], "x", False),
    ],
)  # fmt: skip
def test_a_token_may_be_bound_to_addresses(cast: Cast, networks: list[str], ip: str, allowed: bool) -> None:
    made = make(cast.acme, networks=networks)
    if allowed:
        assert authenticate(made.raw, ip)
    else:
        with pytest.raises(TokenNotAllowed, match="this address"):
            authenticate(made.raw, ip)
        assert row(made).last_used_at is None


def test_last_use_is_written_once_a_minute(cast: Cast, monkeypatch: Any) -> None:
    made, now = make(cast.acme), clock.now()
    monkeypatch.setattr("accounts.services.tokens.clock.now", lambda: now)
    with CaptureQueriesContext(connection) as asked:
        for _each in range(5):
            authenticate(made.raw, HERE)
    assert sum("UPDATE" in query["sql"] for query in asked) == 1
    monkeypatch.setattr("accounts.services.tokens.clock.now", lambda: now + timedelta(seconds=61))
    authenticate(made.raw, HERE)
    assert row(made).last_used_at == now + timedelta(seconds=61)


def test_a_replaced_token_works_on_for_its_overlap(cast: Cast, monkeypatch: Any) -> None:
    old, now = make(cast.acme, tags=["bakery"], networks=["203.0.113.0/24"]), clock.now()
    new = rotate_token(tenant=cast.acme, token_id=old.id, overlap=timedelta(hours=24))
    assert authenticate(old.raw, HERE).token_id == old.id
    assert authenticate(new.raw, HERE).tags == ("bakery",) and row(new).networks == ["203.0.113.0/24"]
    with pytest.raises(BadInput, match="replaced already"):
        rotate_token(tenant=cast.acme, token_id=old.id, overlap=timedelta())
    monkeypatch.setattr("accounts.services.tokens.clock.now", lambda: now + timedelta(hours=25))
    with pytest.raises(BadToken, match="expired"):
        authenticate(old.raw, HERE)
    assert authenticate(new.raw, HERE)


def test_other_tenants_reach_no_token(cast: Cast) -> None:
    made = make(cast.acme)
    for change in (lambda: revoke_token(tenant=cast.rival, token_id=made.id),
                   lambda: rotate_token(tenant=cast.rival, token_id=made.id, overlap=timedelta())):  # fmt: skip
        with pytest.raises(NotFound):
            change()
    with tenant_scope(cast.rival):
        assert not ApiToken.objects.exists()
    assert authenticate(made.raw, HERE)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 81}, "name"), ({"scopes": []}, "scopes"),
        ({"scopes": ["posts:write"]}, "scopes"), ({"scopes": ["everything"]}, "scopes"),
        ({"tags": ["x" * 41]}, "tags"), ({"networks": ["here"]}, "networks"),
        ({"networks": ["1.2.3.4/99"]}, "networks"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "expires"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_beside_its_field(cast: Cast, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        make(cast.acme, **facts)
    assert refused.value.data["field"] == field


def test_a_workspace_has_a_bounded_number_of_tokens(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr("accounts.services.tokens.MOST_TOKENS", 1)
    make(cast.acme)
    with pytest.raises(LimitReached):
        make(cast.acme)
    make(cast.globex)


def test_a_plan_without_the_api_makes_no_token(cast: Cast) -> None:
    Plan.objects.filter(code="pro").update(features=["exports"])
    with pytest.raises(NotInPlan):
        make(cast.acme)
    with all_tenants():
        assert not ApiToken.objects.exists()


def test_who_may_write_may_read_and_nothing_else_follows() -> None:
    assert allows({"alerts:write"}, "alerts", "read") and not allows({"alerts:read"}, "alerts", "write")
    assert not allows({"alerts:write"}, "accounts", "read") and "posts:write" not in SCOPES


def test_a_leaked_token_is_found_by_its_prefix_and_revoked(cast: Cast) -> None:
    made, other = make(cast.acme), make(cast.globex)
    text = f"TOKEN={made.raw}\n# and {other.raw[:16]} somewhere, tkd_000000000000 is nobody's"
    found = find_tokens(text)
    assert [(token.tenant, token.is_whole, token.state) for token in found] == [
        ("acme", True, "active"), ("globex", False, "active"),
    ]  # fmt: skip
    said = StringIO()
    call_command("find_token", made.raw, "--revoke", "--reason", "On GitHub.", stdout=said)
    assert "acme, “Reporting”, whole token, revoked now" in said.getvalue()
    assert made.raw.rsplit("_", 1)[1] not in said.getvalue()
    with pytest.raises(BadToken):
        authenticate(made.raw, HERE)
    with pytest.raises(CommandError, match="No token of ours"):
        call_command("find_token", "tkd_000000000000", stdout=StringIO())


def test_operators_find_a_token_in_the_admin_and_revoke_it(cast: Cast) -> None:
    made = make(cast.acme)
    client = browser(cast.olga, "localhost")
    listed = client.get(f"/admin/accounts/apitoken/?q={made.raw[4:16]}").content.decode()
    assert "Reporting" in listed
    shown = client.get(f"/admin/accounts/apitoken/{made.id}/change/").content.decode()
    assert row(made).digest not in shown
    chosen = {"action": "revoke", "_selected_action": [made.id], "reason": "Leaked"}
    used = make(cast.acme, name="Used")
    authenticate(used.raw, HERE)
    both = client.post("/admin/accounts/apitoken/", chosen | {"_selected_action": [made.id, used.id]})
    assert "2 API tokens" in both.content.decode() and "In use: 1 of them were ever used." in both.content.decode()
    assert client.post("/admin/accounts/apitoken/", chosen).status_code == 200
    assert row(made).revoked_at is None, "it is asked first"
    client.post("/admin/accounts/apitoken/", chosen | {"confirmed": "1", "counted": 1})
    assert row(made).revoked_reason == "Leaked"
    with tenant_scope(cast.acme):
        entry = AuditEntry.objects.order_by("-id").first()
    assert entry is not None and (entry.event, entry.actor_kind, entry.reason) == ("token.revoked", "staff", "Leaked")


def test_the_page_shows_a_token_once(cast: Cast) -> None:
    ana = browser(cast.ana)
    form = {"name": "Agency", "scopes": ["accounts:read", "alerts:write"], "tags": "bakery, top", "networks": HERE,
            "expires": "30"}  # fmt: skip
    answer = ana.post("/settings/tokens/", form)
    raw = re.findall(r"tkd_[a-z0-9]{12}_[A-Za-z0-9]{40}", answer.content.decode())
    assert len(raw) == 1 and "no-store" in answer["Cache-Control"]
    who = authenticate(raw[0], HERE)
    assert (who.name, who.tags, sorted(who.scopes)) == ("Agency", ("bakery", "top"), ["accounts:read", "alerts:write"])
    again = ana.get("/settings/tokens/").content.decode()
    assert raw[0] not in again and raw[0][:16] in again
    bad = ana.post("/settings/tokens/", form | {"scopes": [], "expires": "never"})
    assert bad.status_code == 422 and "Choose an end from the list." in bad.content.decode()
    assert ana.post(f"/settings/tokens/{who.token_id}/revoke/").status_code == 302
    with pytest.raises(BadToken):
        authenticate(raw[0], HERE)


def test_members_may_not_manage_tokens(cast: Cast) -> None:
    made = make(cast.acme)
    max_ = browser(cast.max)
    assert max_.get("/settings/tokens/").status_code == 403
    assert max_.post(f"/settings/tokens/{made.id}/revoke/").status_code == 403
    assert authenticate(made.raw, HERE)


def test_a_form_that_is_sent_twice_makes_one_token_and_shows_it_both_times(cast: Cast) -> None:
    ana = browser(cast.ana)
    once = re.search(r'name="once" value="([0-9a-f-]{36})"', ana.get("/settings/tokens/").content.decode())
    assert once
    form = {"name": "Agency", "scopes": ["accounts:read"], "expires": "30", "once": once[1]}
    shown = {raw_in(ana.post("/settings/tokens/", form)) for _each in range(2)}
    assert len(shown) == 1
    with tenant_scope(cast.acme):
        first = ApiToken.objects.get()
    assert authenticate(*shown, HERE).token_id == first.pk
    replaced = {raw_in(ana.post(f"/settings/tokens/{first.pk}/replace/", {"once": str(uuid4())})) for _ in range(1)}
    again = str(uuid4())
    with tenant_scope(cast.acme):
        second = ApiToken.objects.exclude(pk=first.pk).get()
    pair = {raw_in(ana.post(f"/settings/tokens/{second.pk}/replace/", {"once": again})) for _each in range(2)}
    assert len(replaced) == len(pair) == 1 and replaced != pair
    # The same form in another workspace makes another token, and hours later it shows nothing.
    gil = browser(cast.gil, "globex.localhost")
    assert raw_in(gil.post("/settings/tokens/", form)) not in shown
    with tenant_scope(cast.acme):
        ApiToken.objects.filter(pk=first.pk).update(created_at=clock.now() - timedelta(hours=1))
    late = ana.post("/settings/tokens/", form)
    assert late.status_code == 422 and "has made its token already" in late.content.decode()
    assert "tkd_" + first.key + "_" not in late.content.decode()


def raw_in(answer: Any) -> str:
    (raw,) = re.findall(r"tkd_[a-z0-9]{12}_[A-Za-z0-9]{40}", answer.content.decode())
    return str(raw)


def test_two_that_send_the_form_at_once_make_one_token(committed_db: Cast) -> None:
    once, made = str(uuid4()), []

    def send() -> None:
        try:
            made.append(make(committed_db.acme, once=once).raw)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len(set(made)) == 1


def test_secrets_of_tokens_are_drawn_from_all_letters_alike(cast: Cast) -> None:
    drawn = [make(cast.acme).raw.split("_") for _each in range(40)]
    assert len({secret for _prefix, _key, secret in drawn}) == 40
    letters = Counter("".join(secret for _prefix, _key, secret in drawn))
    assert len(letters) == 62 and max(letters.values()) < 60


def test_while_a_workspace_is_going_to_be_deleted_its_tokens_only_read(committed_db: Cast) -> None:
    acme = committed_db.acme
    made = make(acme, scopes=["accounts:write", "posts:read"])
    ask_for_deletion(tenant=acme, by="owner", asker="ana@acme.example")
    who = authenticate(made.raw, HERE)
    assert who.is_closing and who.scopes == {"accounts:read", "posts:read"}
    assert who.may("accounts", "read") and not who.may("accounts", "write")
    with pytest.raises(TokenNotAllowed, match="going to be deleted"):
        who.refuse_unless("accounts", "write")
    who.refuse_unless("accounts", "read")
    assert not authenticate(make(committed_db.globex, scopes=["accounts:write"]).raw, HERE).is_closing
    call_deletion_off(tenant=acme)
    who = authenticate(made.raw, HERE)
    assert not who.is_closing and who.may("accounts", "write")


def test_every_scope_to_write_becomes_one_to_read() -> None:
    assert all(scope.endswith(":read") for scope in without_writing(SCOPES))
    assert {scope.partition(":")[0] for scope in without_writing(SCOPES)} == {
        scope.partition(":")[0] for scope in SCOPES
    }
