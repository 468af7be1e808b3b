"""A dump of the whole database opens nothing: no key, token, session, link, code or second factor in it can be used.

Everything that opens something is made first, as people make it. Then every word of every row of every table is tried
as whatever it could be.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.hashers import check_password
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from psycopg import sql

from accounts.models import Session, TenantKey, WaitingMail
from accounts.services import own_keys
from accounts.services.inviting import invitation_of
from accounts.services.tokens import BadToken, authenticate
from accounts.sessions import SessionStore
from billing.models import AlertChannel
from billing.models.alerts import digest_of
from tests.cast import PASSWORD, Cast, code_now, give_app
from tests.environment import DATABASE
from tests.mails import outbox
from tests.simulating import Caller
from tikdash.db.scope import all_tenants, no_scope, owner, tenant_scope
from tikdash.errors import BadInput

KEY_OF_APP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WEBHOOK = "https://hooks.slack.example/services/T01ABCDEF/B02GHIJKL/Xk3vQ9rT7wZ1yB5nM8pL2sD4"
OWN_KEY = "sim-own-key-of-acme-4444"
WORD = re.compile(r"[A-Za-z0-9_+/=~.:-]{6,}")


def dump() -> str:
    """Every row of every table of every schema, as an operator's backup would hold it."""
    rows = []
    with psycopg.connect(django_settings.DATABASE_ADMIN_URL, dbname=DATABASE, autocommit=True) as admin:
        names = admin.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'"
        ).fetchall()
        assert {"sessions", "tenant_keys", "api_tokens", "invitations", "mfa_authenticator"} <= {
            one[1] for one in names
        }
        for schema, table in names:
            found = admin.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table)))
            rows += [f"{schema}.{table}: {row[0]}" for row in found]
    return "\n".join(rows)


@pytest.fixture
def secrets(committed_db: Cast, upstream: Caller) -> Iterator[dict[str, str]]:
    """What opens something, by name, each made the way it is made in life; the database holds what it keeps of them."""
    cache.clear()
    cast, opens = committed_db, {}
    ana = Client(headers={"host": "acme.localhost"})
    ana.force_login(cast.ana)
    opens["session"] = ana.cookies["sessionid"].value
    give_app(cast.max, KEY_OF_APP)
    opens["key of the app"] = KEY_OF_APP
    max_ = Client(headers={"host": "localhost"})
    max_.force_login(cast.max)
    max_.post("/you/second-factor/recovery-codes/new/")
    codes = max_.get("/you/second-factor/recovery-codes/").content.decode()
    opens["recovery code"] = re.findall(r"<li><code>(\S+)</code>", codes)[0]
    made = ana.post("/settings/tokens/", {"name": "Agency", "scopes": ["accounts:read"], "expires": "30"})
    (opens["token"],) = re.findall(r"tkd_[a-z0-9]{12}_[A-Za-z0-9]{40}", made.content.decode())
    ana.post("/people/invite/", {"email": "ivo@new.example", "role": "member"})
    (opens["invitation"],) = re.findall(r"/join/(\S+)/", outbox()[-1].body)
    own_keys.add_key(tenant=cast.acme, typed=OWN_KEY)
    with tenant_scope(cast.acme):
        own_keys.check_key(tenant=cast.acme, key_id=TenantKey.objects.get().pk)
    opens["own key"] = OWN_KEY
    # Somebody in the middle of a sign-up, of a reset, of adding an app: their sessions hold what the next step needs.
    nia = Client(headers={"host": "localhost"})
    nia.post("/sign-up/", {"email": "nia@nova.example", "password1": PASSWORD, "workspace": "Nova", "address": "",
                           "handle": "", "time_zone": "UTC"})  # fmt: skip
    (opens["code of a sign-up"],) = re.findall(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", outbox()[-1].body, re.MULTILINE)
    reset = Client(headers={"host": "localhost"})
    reset.post("/password/reset/", {"email": "ana@acme.example"})
    (link,) = re.findall(r"^http\S+/password/reset/key/\S+$", outbox()[-1].body, re.MULTILINE)
    opens["reset link"] = link.rstrip("/").rsplit("/", 1)[-1].split("-", 1)[1]
    assert reset.get(urlsplit(link).path)["Location"].endswith("-set-password/")
    new_app = Client(headers={"host": "localhost"})
    new_app.post("/log-in/", {"login": cast.rita.email, "password": PASSWORD})
    page = new_app.get("/you/second-factor/app/").content.decode()
    opens["key of an app that is being added"] = re.findall(r"\b([A-Z2-7]{32})\b", page)[0]
    # And a mail that the mail server has not taken yet.
    ana.post("/people/invite/", {"email": "uma@new.example", "role": "member"})
    assert WaitingMail.objects.count() == 1
    opens["password"] = PASSWORD
    for of, address in (("acme", WEBHOOK), ("operations", WEBHOOK.replace("Xk3", "Ok3"))):
        with tenant_scope(cast.acme) if of == "acme" else all_tenants():
            whose = {} if of == "acme" else {"tenant": None}
            AlertChannel.objects.create(kind="webhook", address=address, **whose)
        opens[f"webhook of {of}"] = address
        opens[f"end of the webhook of {of}"] = address.rpartition("/")[2]
    yield opens
    Authenticator.objects.filter(user__in=[cast.max, cast.rita]).delete()
    WaitingMail.objects.all().delete()


def test_nothing_that_opens_something_stands_in_a_dump(secrets: dict[str, str]) -> None:
    text = dump()
    assert len(secrets) >= 9 and Session.objects.count() >= 5
    assert text.count("public.sessions: ") == Session.objects.count()
    for name, secret in secrets.items():
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("="), secret.encode().hex()):
            assert form not in text, name
    for setting in (django_settings.SECRET_KEY, *django_settings.TENANT_KEY_FERNET, django_settings.TIKLIVE_KEY):
        assert setting not in text


def test_no_word_of_a_dump_opens_a_session_a_workspace_or_a_log_in(secrets: dict[str, str], committed_db: Cast) -> None:
    words = set(WORD.findall(dump()))
    # Sanity: the very checks below find what does open something.
    with tenant_scope(committed_db.acme):
        assert invitation_of(secrets["invitation"]).email == "ivo@new.example"
    assert SessionStore(secrets["session"]).load() and authenticate(secrets["token"], "127.0.0.1")
    assert len(words) > 200
    users = [committed_db.ana, committed_db.max]
    for word in words:
        assert SessionStore(word).load() == {}, word
        with tenant_scope(committed_db.acme), pytest.raises(BadInput):
            invitation_of(word)
        key = re.search(r"\b[a-z0-9]{12}\b", word)
        for raw in (word, f"tkd_{key[0]}_{word[:40]}" if key else word):
            with pytest.raises(BadToken):
                authenticate(raw, "127.0.0.1")
    # Hashing passwords is slow by design: whole words that look like one stand for all.
    for word in [word for word in words if "$" not in word and len(word) > 30][:3]:
        assert not any(check_password(word, user.password) for user in users)


def test_a_stolen_row_of_a_session_opens_no_page(secrets: dict[str, str], committed_db: Cast) -> None:
    with no_scope():
        rows = list(Session.objects.values_list("key_hash", "data"))
    for stolen in {word for row in rows for word in row}:
        for host, path in (("acme.localhost", "/accounts/"), ("localhost", "/you/")):
            thief = Client(headers={"host": host})
            thief.cookies["sessionid"] = stolen
            answer = thief.get(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/log-in/")


def test_codes_of_an_app_cannot_be_made_from_its_row(secrets: dict[str, str], committed_db: Cast) -> None:
    row: Any = Authenticator.objects.get(user=committed_db.max, type="totp")
    thief = Client(headers={"host": "localhost"})
    thief.post("/log-in/", {"login": "max@acme.example", "password": PASSWORD})
    for word in WORD.findall(str(row.data)):
        try:
            code = code_now(re.sub(r"[^A-Z2-7]", "", word.upper())[:32].ljust(32, "A"))
        except ValueError:
            continue
        assert thief.post("/log-in/second-factor/", {"code": code}).status_code == 422
        cache.clear()
    assert mail.outbox


def test_a_webhook_is_sealed_whoever_writes_the_row_and_still_opens(secrets: dict[str, str]) -> None:
    with all_tenants():
        row = AlertChannel.objects.get(tenant=None)
        assert row.shown == "hooks.slack.example …2sD4" and row.target == secrets["webhook of operations"]
        with pytest.raises(IntegrityError), transaction.atomic():
            AlertChannel.objects.filter(pk=row.pk).update(sealed="")
        with pytest.raises(IntegrityError), transaction.atomic():
            AlertChannel.objects.create(tenant=None, kind="webhook", address=row.target)


def test_webhooks_of_before_are_sealed_by_the_migration_and_opened_by_its_way_back(committed_db: Cast) -> None:
    migration = import_module("billing.migrations.0020_sealed_webhooks")
    with owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE alert_channels DROP CONSTRAINT alert_channels_sealed")
        try:
            cursor.execute(
                "INSERT INTO alert_channels (tenant_id, kind, address, escalation, active, created_at)"
                " VALUES (%s, 'webhook', %s, false, true, now()), (NULL, 'email', 'a@b.example', false, true, now())",
                [committed_db.acme.id, WEBHOOK],
            )
            migration.seal(apps, None)
            found = {row.kind: row for row in AlertChannel.objects.all()}
            assert found["webhook"].address == "hooks.slack.example …2sD4" and found["webhook"].target == WEBHOOK
            assert found["webhook"].digest == digest_of(WEBHOOK) and found["email"].address == "a@b.example"
            migration.seal(apps, None)
            assert AlertChannel.objects.get(kind="webhook").target == WEBHOOK
            migration.open_again(apps, None)
            assert AlertChannel.objects.filter(kind="webhook").values_list("address", "sealed").get() == (WEBHOOK, "")
        finally:
            AlertChannel.objects.all().delete()
            cursor.execute(
                "ALTER TABLE alert_channels ADD CONSTRAINT alert_channels_sealed"
                " CHECK (kind = 'email' OR NOT sealed = '')"
            )
