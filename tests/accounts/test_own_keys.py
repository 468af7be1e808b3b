"""Keys that tenants bring: tried before they are used, swapped under load, refused, deleted, never readable."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core import mail
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts.key_list import keys_of, waiting_keys
from accounts.models import AuditEntry, Tenant, TenantKey, User, WaitingMail
from accounts.selectors import TenantRef
from accounts.services import own_keys
from accounts.services.keys import NoKey, key_id_of, keys
from accounts.services.mails import deliver_mail
from accounts.services.pausing import pause_tenant, resume_tenant
from billing.models import UsageEvent
from tests.accounts.test_mails import Sulking
from tests.cast import Cast
from tests.mails import outbox
from tests.simulating import Caller
from tikdash import clock
from tikdash.crypto import CannotUnseal, Sealed, seal, unseal
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound
from tikdash.tiklive.client import client_for
from tikdash.tiklive.errors import BadKey

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FIRST, SECOND = "sim-own-key-of-acme-1111", "sim-own-key-of-acme-2222"


@pytest.fixture
def acme(committed_db: Cast, upstream: Caller, settings: Any) -> Iterator[TenantRef]:
    """Acme, with the simulator as upstream; the messages of tasks stay in the test."""
    settings.KEY_CHECK_HANDLE = "lena.bakes"
    settings.CELERY_TASK_ALWAYS_EAGER = False
    keys.forget()
    yield committed_db.acme
    Tenant.objects.filter(pk=committed_db.acme.id).update(
        key_mode="shared", active_key=None, trial_ends_at=None, fetching_paused_at=None, fetching_paused_reason="",
        fetching_paused_cause="",
    )  # fmt: skip
    keys.forget()


def use(tenant: TenantRef, secret: str) -> TenantKey:
    """Enters a key and has it checked, as a worker does."""
    key_id = own_keys.add_key(tenant=tenant, typed=secret)
    own_keys.check_key(tenant=tenant, key_id=key_id)
    return the_key(tenant, key_id)


def the_key(tenant: TenantRef, key_id: int) -> TenantKey:
    with tenant_scope(tenant):
        return TenantKey.objects.get(pk=key_id)


def ask(tenant: TenantRef, handle: str = "lena.bakes", feature: str = "test") -> str:
    with tenant_scope(tenant):
        return client_for(tenant.id, feature=feature, priority="interactive").userid(handle).id


def swapped_elsewhere(tenant: TenantRef) -> tuple[str, str]:
    """Another process has swapped the tenant's key, and nobody told this one; the ids of the old one and the new."""
    use(tenant, FIRST)
    first, known = keys.key_for(tenant.id).id, dict(keys._known)
    use(tenant, SECOND)
    second = keys.key_for(tenant.id).id
    keys._known.update(known)
    return first, second


def newest_key_of(tenant: TenantRef) -> str:
    """The key of the newest request."""
    with tenant_scope(tenant):
        return UsageEvent.objects.filter(feature="test").latest("occurred_at").key_id


def events(tenant: TenantRef) -> list[str]:
    with tenant_scope(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("event", flat=True))


def row_of(tenant: TenantRef) -> Tenant:
    return Tenant.objects.get(pk=tenant.id)


def test_a_key_is_tried_by_a_worker_and_used_from_then_on(acme: TenantRef, upstream: Caller) -> None:
    key_id = own_keys.add_key(tenant=acme, typed=f"  {FIRST}\n")
    assert keys.key_for(acme.id).shared and waiting_keys() == [(acme.id, key_id)]
    assert upstream.look("stats")["by_key"].get(FIRST) is None
    assert own_keys.check_key(tenant=acme, key_id=key_id) == "active", the_key(acme, key_id).error
    key = keys.key_for(acme.id)
    assert (key.shared, key.last_four, row_of(acme).key_mode) == (False, "1111", "own")
    assert upstream.look("stats")["by_key"][FIRST] == 3
    assert (the_key(acme, key_id).has_downloads, waiting_keys()) == (True, [])
    with tenant_scope(acme):
        spent = UsageEvent.objects.order_by("id").values_list("feature", "endpoint", "key_id")
        assert [row[:2] for row in spent] == [
            ("key check", "userid"), ("key check", "user-posts"), ("key check", "post-detail"),
        ]  # fmt: skip
        assert {row[2] for row in spent} == {key.id}
    assert events(acme) == ["key.added", "key.activated"]
    assert own_keys.check_key(tenant=acme, key_id=key_id) == ""


def test_a_key_that_does_not_pass_changes_nothing(acme: TenantRef) -> None:
    good = use(acme, FIRST)
    bad = use(acme, "no-key-of-anybody-9999")
    assert (bad.state, bad.secret, bad.data_key) == ("refused", "", "")
    assert "does not accept" in bad.error
    assert keys.key_for(acme.id).last_four == "1111" and row_of(acme).active_key_id == good.pk
    assert row_of(acme).fetching_paused_at is None


def test_an_upstream_that_is_down_leaves_the_key_waiting(acme: TenantRef, settings: Any) -> None:
    address, settings.TIKLIVE_BASE_URL = settings.TIKLIVE_BASE_URL, "http://127.0.0.1:9"
    key = use(acme, FIRST)
    assert (key.state, key.attempts) == ("checking", 1) and "cannot be reached" in key.error
    settings.TIKLIVE_BASE_URL = address
    assert waiting_keys() == [(acme.id, key.pk)]
    assert own_keys.check_key(tenant=acme, key_id=key.pk) == "active"


@pytest.mark.parametrize("typed", ["", "   ", "short", "schlüssel-mit-umlaut-1234", "x" * 201, "key\x00with-nul-1234"])
def test_what_cannot_be_a_key_is_refused_in_words(acme: TenantRef, typed: str) -> None:
    with pytest.raises(BadInput):
        own_keys.add_key(tenant=acme, typed=typed)
    assert events(acme) == []


def test_the_key_in_use_is_not_entered_twice_and_a_second_paste_replaces_the_first(acme: TenantRef) -> None:
    use(acme, FIRST)
    with pytest.raises(BadInput, match="in use already"):
        own_keys.add_key(tenant=acme, typed=FIRST)
    waits = own_keys.add_key(tenant=acme, typed=SECOND)
    own_keys.add_key(tenant=acme, typed="sim-own-key-of-acme-3333")
    assert (the_key(acme, waits).state, the_key(acme, waits).secret) == ("refused", "")
    assert own_keys.check_key(tenant=acme, key_id=waits) == ""


def test_a_swap_under_load_fails_no_request_and_leaves_the_old_key_unused(acme: TenantRef, upstream: Caller) -> None:
    """Every request that begins after the swap has the new key, in whichever thread, and none fails."""
    use(acme, FIRST)
    begun_after_swap: list[bool] = []
    failures: list[BaseException] = []
    swapped, stop = threading.Event(), threading.Event()

    def load(number: int) -> None:
        try:
            handle = 0
            while not stop.is_set():
                handle += 1
                is_late = swapped.is_set()
                ask(acme, f"creator.{number}.{handle}", "late" if is_late else "early")
                begun_after_swap.append(is_late)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    while len(begun_after_swap) < 20 and not failures:
        time.sleep(0.01)
    second = own_keys.add_key(tenant=acme, typed=SECOND)
    assert own_keys.check_key(tenant=acme, key_id=second) == "active"
    swapped.set()
    deadline = time.monotonic() + 60
    while sum(begun_after_swap) < 24 and not failures and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    with tenant_scope(acme):
        late = UsageEvent.objects.filter(feature="late")
        assert late.count() >= 24
        assert set(late.values_list("key_id", flat=True)) == {keys.key_for(acme.id).id}
        both = UsageEvent.objects.filter(feature__in=["early", "late"])
        assert set(both.values_list("outcome", flat=True)) == {"ok"}
    assert (the_key(acme, second).state, row_of(acme).active_key_id) == ("active", second)


def test_another_process_leaves_the_old_key_at_once(acme: TenantRef) -> None:
    """A request with what a process still knows is not admitted; it is made with the key that holds."""
    first, second = swapped_elsewhere(acme)
    assert keys.key_for(acme.id).id == first
    ask(acme, "creator.71.1")
    assert newest_key_of(acme) == second
    assert keys.key_for(acme.id).id == second


def test_without_redis_what_a_process_knows_of_a_key_is_not_believed(acme: TenantRef, settings: Any) -> None:
    """People's requests go on by PostgreSQL's clock, with the key that PostgreSQL has."""
    first, second = swapped_elsewhere(acme)
    assert keys.key_for(acme.id).id == first
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    ask(acme, "creator.72.1")
    assert newest_key_of(acme) == second


@pytest.mark.parametrize("form", ["status_200", "status_401"])
def test_a_key_that_is_refused_pauses_its_tenant_alone_and_tells_its_owners(
    acme: TenantRef, committed_db: Cast, upstream: Caller, form: str
) -> None:
    key = use(acme, FIRST)
    if form == "status_200":
        upstream.order("keys", {"revoked": [FIRST]})
    else:
        upstream.order("faults", [{"kind": "http", "key": FIRST, "status": 401}])
    with pytest.raises(BadKey):
        ask(acme, "maxwellpranks")
    upstream.order("reset")
    row, key = row_of(acme), the_key(acme, key.pk)
    assert (key.state, key.secret, row.fetching_paused_cause) == ("invalid", "", "key")
    assert row.fetching_paused_reason == (
        "TikLiveAPI refused the key ending in 1111. Enter another one under Settings, Keys."
    )
    assert Tenant.objects.exclude(pk=acme.id).filter(fetching_paused_at__isnull=False).count() == 0
    assert ask(committed_db.rival)
    with pytest.raises(NoKey):
        ask(acme, "maxwellpranks")
    told = [one for one in outbox() if "was refused" in one.subject]
    assert [one.to for one in told] == [["ana@acme.example"]] and "1111" in told[0].body
    assert FIRST not in told[0].body and "http://acme.localhost" in told[0].body
    banner = page(committed_db.ana, "/accounts/").content.decode()
    assert "refused the key ending in 1111" in banner
    use(acme, SECOND)
    assert row_of(acme).fetching_paused_at is None and ask(acme)


def test_a_mail_server_that_is_away_loses_no_mail_about_a_refused_key(acme: TenantRef, monkeypatch: Any) -> None:
    """It is kept in the transaction that marks the key, sealed, and tried until it is taken."""
    key = use(acme, FIRST)
    monkeypatch.setattr(mail, "get_connection", lambda *args, **kwargs: Sulking())
    assert own_keys.mark_invalid(tenant_id=acme.id, key_id=key_id_of(key.fingerprint))
    waiting = WaitingMail.objects.get()
    assert waiting.template == "emails/key_invalid" and "1111" not in waiting.content
    assert not deliver_mail(waiting.pk)
    monkeypatch.undo()
    with clock.at(clock.now() + timedelta(minutes=2)):
        assert deliver_mail(waiting.pk)
    assert mail.outbox[-1].to == ["ana@acme.example"] and "1111" in mail.outbox[-1].body
    assert not WaitingMail.objects.exists()


def test_a_request_of_before_the_swap_that_is_refused_does_not_harm_the_new_key(acme: TenantRef) -> None:
    use(acme, FIRST)
    old = keys.key_for(acme.id).id
    use(acme, SECOND)
    assert keys.refused(acme.id, old) is True
    assert keys.key_for(acme.id).last_four == "2222" and row_of(acme).fetching_paused_at is None


def test_a_pause_by_operators_outlives_keys(acme: TenantRef) -> None:
    use(acme, FIRST)
    pause_tenant(slug="acme", reason="Unpaid")
    keys.refused(acme.id, keys.key_for(acme.id).id)
    assert row_of(acme).fetching_paused_reason == "Unpaid."
    use(acme, SECOND)
    assert row_of(acme).fetching_paused_reason == "Unpaid."
    assert resume_tenant(slug="acme")


def test_a_deleted_key_leads_back_to_the_shared_one(acme: TenantRef) -> None:
    key = use(acme, FIRST)
    use(acme, SECOND)
    assert own_keys.delete_key(tenant=acme) == "shared"
    assert keys.key_for(acme.id).shared and row_of(acme).fetching_paused_at is None
    with tenant_scope(acme):
        assert not TenantKey.objects.exclude(secret="").exists()
    assert the_key(acme, key.pk).state == "retired"
    with pytest.raises(NotFound):
        own_keys.delete_key(tenant=acme)


def test_the_shared_key_is_offered_for_as_long_as_the_trial_lasts(acme: TenantRef) -> None:
    end = clock.now() + timedelta(days=3)
    Tenant.objects.filter(pk=acme.id).update(key_mode="trial", trial_ends_at=end)
    use(acme, FIRST)
    keys.refused(acme.id, keys.key_for(acme.id).id)
    assert own_keys.may_share(tenant=acme)
    assert own_keys.use_shared_key(tenant=acme) == "trial"
    assert keys.key_for(acme.id).shared and row_of(acme).fetching_paused_at is None
    use(acme, SECOND)
    Tenant.objects.filter(pk=acme.id).update(trial_ends_at=clock.now() - timedelta(days=1))
    keys.refused(acme.id, keys.key_for(acme.id).id)
    with pytest.raises(LimitReached):
        own_keys.use_shared_key(tenant=acme)
    assert own_keys.delete_key(tenant=acme) == "own"
    assert row_of(acme).fetching_paused_cause == "key"


def test_a_dump_of_the_database_yields_no_key(acme: TenantRef) -> None:
    """All tables as PostgreSQL writes them, the audit log and what came of the key included."""
    use(acme, FIRST)
    own_keys.add_key(tenant=acme, typed=SECOND)
    text = dump()
    assert "own_key" in text or "tenant_keys" in text
    assert "1111" in text and "2222" in text
    for secret in (FIRST, SECOND, *django_settings.TENANT_KEY_FERNET):
        assert secret not in text


def test_a_sealed_key_opens_for_its_tenant_alone(acme: TenantRef, committed_db: Cast) -> None:
    key = use(acme, FIRST)
    sealed = Sealed(key.secret, key.data_key, key.master_id)
    assert "".join(unseal(sealed, f"key of tenant {acme.id}")) == FIRST
    with pytest.raises(CannotUnseal):
        unseal(sealed, f"key of tenant {committed_db.rival.id}")
    with pytest.raises(CannotUnseal):
        unseal(Sealed(key.secret, seal("x", "y").data_key, key.master_id), f"key of tenant {acme.id}")


def test_other_tenants_see_nothing_of_it(acme: TenantRef, committed_db: Cast) -> None:
    use(acme, FIRST)
    with tenant_scope(committed_db.rival):
        assert not TenantKey.objects.exists()
    assert "1111" not in page(committed_db.rita, "/settings/keys/", "rival.localhost").content.decode()


def test_master_keys_change_row_by_row_and_a_stopped_run_goes_on(
    acme: TenantRef, committed_db: Cast, settings: Any, monkeypatch: Any
) -> None:
    use(acme, FIRST)
    use(committed_db.globex, SECOND)
    old = settings.TENANT_KEY_FERNET
    new = Fernet.generate_key().decode()
    settings.TENANT_KEY_FERNET = [new, *old]
    with monkeypatch.context() as patch:
        rewrap, calls = own_keys.rewrap_key, []

        def once(**arguments: Any) -> bool:
            calls.append(arguments)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return rewrap(**arguments)

        patch.setattr("tikdash.management.commands.rotate_keys.rewrap_key", once)
        with pytest.raises(KeyboardInterrupt):
            call_command("rotate_keys", stdout=StringIO())
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    assert said.getvalue().startswith("Wrapped anew: 1 key;")
    settings.TENANT_KEY_FERNET = [new]
    keys.forget()
    assert keys.key_for(acme.id).last_four == "1111" and ask(acme)
    assert keys.key_for(committed_db.globex.id).last_four == "2222"
    Tenant.objects.filter(pk=committed_db.globex.id).update(key_mode="shared", active_key=None)


def test_a_wrong_master_key_is_said_by_check_doctor_and_rotation(acme: TenantRef, settings: Any) -> None:
    use(acme, FIRST)
    settings.TENANT_KEY_FERNET = [Fernet.generate_key().decode()]
    keys.forget()
    found = [error for error in run_checks(databases=["default"]) if error.id == "tikdash.E004"]
    assert len(found) == 1 and "opens 1 stored key" in found[0].msg
    with pytest.raises(CommandError, match="master key"):
        call_command("doctor", stdout=StringIO())
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_keys", stdout=StringIO())
    with pytest.raises(CannotUnseal):
        keys.key_for(acme.id)


def test_the_page_takes_a_key_shows_its_check_and_never_the_key(acme: TenantRef, committed_db: Cast) -> None:
    ana = browser(committed_db.ana)
    bad = ana.post("/settings/keys/", {"key": "shört-" + FIRST})
    assert bad.status_code == 422 and FIRST not in bad.content.decode()
    assert ana.post("/settings/keys/", {"key": FIRST}).status_code == 302
    waiting = ana.get("/settings/keys/").content.decode()
    assert "Waiting for a worker" in waiting and 'hx-get="/settings/keys/progress/"' in waiting
    own_keys.check_key(tenant=acme, key_id=waiting_keys()[0][1])
    piece = ana.get("/settings/keys/progress/", headers={"hx-request": "true"}).content.decode()
    assert "…1111" in piece and "video downloads" in piece and "hx-get" not in piece and FIRST not in piece
    asked = ana.post("/settings/keys/delete/")
    assert "Keep it" in asked.content.decode() and keys_now(acme).current is not None
    ana.post("/settings/keys/delete/", {"confirmed": "1"})
    assert keys_now(acme).current is None


def test_members_may_not_manage_keys(acme: TenantRef, committed_db: Cast) -> None:
    for path in ("/settings/keys/", "/settings/keys/progress/"):
        assert page(committed_db.max, path).status_code == 403
    assert browser(committed_db.max).post("/settings/keys/", {"key": FIRST}).status_code == 403
    assert waiting_keys() == []


def keys_now(tenant: TenantRef) -> Any:
    with tenant_scope(tenant):
        return keys_of(tenant.id)


def browser(user: User, host: str = "acme.localhost") -> Client:
    client = Client(headers={"host": host})
    client.force_login(user, backend=BACKEND)
    return client


def page(user: User, path: str, host: str = "acme.localhost") -> Any:
    return browser(user, host).get(path)


def dump() -> str:
    """Every row of every table, as an operator's backup would hold it."""
    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'shared')"
            " AND has_table_privilege(c.oid, 'SELECT')"
        )
        names = [row[0] for row in cursor.fetchall()]
        rows = []
        for name in names:
            cursor.execute(f"SELECT t::text FROM {name} t")
            rows += [f"{name}: {row[0]}" for row in cursor.fetchall()]
    return "\n".join(rows)
