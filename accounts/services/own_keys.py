"""The life of a key that a tenant brings: pasted, checked, in use, replaced, refused, deleted.

A key is tried by a worker before it is used, and the key before it stays in use until then. The secret is sealed from
the first moment and gone with the last: only the one in use, and one that is being checked, are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import Tenant, TenantKey
from accounts.selectors import TenantRef, tenant_by_id
from accounts.services.auditing import Target, current_actor, record
from accounts.services.key_mails import tell_of_invalid_key
from accounts.services.keys import key_changed, key_id_of, own_key
from accounts.services.pausing import pause_tenant, resume_tenant
from tikdash import clock
from tikdash.crypto import Sealed, rewrapped, seal, unseal
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, LimitReached, NotFound, TikdashError
from tikdash.plans import plan_service
from tikdash.redaction import SHORTEST, hide
from tikdash.tiklive.client import Client, client_for
from tikdash.tiklive.errors import BadKey, EntityNotFound, Forbidden, OutOfCredits, PrivateEntity
from tikdash.tiklive.ports import ApiKey, load_ports

log = structlog.get_logger(__name__)

LONGEST_KEY = 200
#: What its calls are booked on.
FEATURE = "key check"
#: A check that a worker has begun and does not end is begun anew after this time, and so often at most.
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 20
#: Tasks, by name: they stand above services.
CHECK, AGAIN = "accounts.check_key", "accounts.try_key_again"
State, Step, Mode, Cause = TenantKey.State, TenantKey.Step, Tenant.KeyMode, Tenant.PauseCause


@dataclass(frozen=True)
class _TheKey:
    """The key that is being checked, in place of the tenant's."""

    key: ApiKey

    def key_for(self, tenant_id: int) -> ApiKey:
        return self.key

    def refused(self, tenant_id: int, key_id: str) -> bool:
        """The check says so itself."""
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""


def add_key(*, tenant: TenantRef, typed: str) -> int:
    """Keeps the key that a person pasted, sealed, and has a worker try it; returns its id.

    Nothing changes until it has passed. Another one that waits for its check is given up. Raises BadInput.
    """
    secret = _cleaned(typed)
    hide(secret)
    with tenant_scope(tenant):
        plan_service().require(tenant, "own_key")
    fingerprint = salted_hmac("tikdash.tenant-key", secret, algorithm="sha256").hexdigest()[:32]
    with tenant_scope(tenant), transaction.atomic():
        row = _locked(tenant)
        now = clock.now()
        if row.active_key and row.active_key.fingerprint == fingerprint and row.active_key.state == State.ACTIVE:
            raise BadInput(_("This key is in use already."), field="key")
        for waiting in TenantKey.objects.filter(state=State.CHECKING):
            _end(waiting, State.REFUSED, _("Another key was entered before this one was checked."))
        newest = TenantKey.objects.order_by("-version").first()
        key = TenantKey(tenant_id=tenant.id, version=newest.version + 1 if newest else 1)
        sealed = seal(secret, key.purpose)
        key.secret, key.data_key, key.master_id = sealed.secret, sealed.data_key, sealed.master_id
        key.fingerprint, key.last_four = fingerprint, secret[-4:]
        key.created_at, key.created_by = now, current_actor().id
        key.save(force_insert=True)
        record("key.added", target=_target(key))
        transaction.on_commit(partial(_send, CHECK, tenant.id, key.pk))
    return int(key.pk)


def check_key(*, tenant: TenantRef, key_id: int) -> str:
    """Tries a key that waits: with an account, then with a post; puts it into use where it passes. Returns its state.

    Two workers at once: one of them does it. Where the upstream does not answer the key waits for the next round.
    """
    with tenant_scope(tenant):
        key = _begin_check(key_id)
        if key is None:
            return ""
        try:
            secret = unseal(Sealed(key.secret, key.data_key, key.master_id), key.purpose)
            has_downloads = _try(tenant, key, own_key(key.fingerprint, key.last_four, secret))
        except (BadKey, Forbidden, OutOfCredits) as error:
            _refuse(key, str(error))
        except TikdashError as error:
            if key.attempts >= MOST_ATTEMPTS:
                _refuse(key, _("The key could not be checked: {why}").format(why=error))
            else:
                _write(key, error=str(error)[:200], leased_until=None)
        else:
            _activate(tenant, key, has_downloads)
        key.refresh_from_db(fields=["state"])
        return key.state


def ask_for_another_try(*, tenant: TenantRef) -> None:
    """Has a worker try the key in use as if it were new. Raises NotFound where there is none."""
    with tenant_scope(tenant):
        if _key_in_use(tenant) is None:
            raise NotFound(_("There is no key of its own in use."))
    transaction.on_commit(partial(_send, AGAIN, tenant.id))


def try_again(*, tenant: TenantRef) -> str:
    """Tries the key in use; where it is refused nothing is fetched from then on. Returns the key's state.

    What came of it is in the audit log, also where the upstream did not answer and nothing is known.
    """
    with tenant_scope(tenant):
        key = _key_in_use(tenant)
        if key is None:
            return ""
        secret = unseal(Sealed(key.secret, key.data_key, key.master_id), key.purpose)
        found = "works"
        try:
            _try(tenant, key, own_key(key.fingerprint, key.last_four, secret))
        except (BadKey, Forbidden):
            mark_invalid(tenant_id=tenant.id, key_id=key_id_of(key.fingerprint))
            found = "refused"
        except TikdashError as error:
            found = str(error)
        TenantKey.objects.filter(pk=key.pk).update(step=Step.DONE)
        record("key.tried", target=_target(key), after={"found": found})
        key.refresh_from_db(fields=["state"])
        return str(key.state)


def _key_in_use(tenant: TenantRef) -> TenantKey | None:
    active = Tenant.objects.values_list("active_key", flat=True).get(pk=tenant.id)
    return TenantKey.objects.filter(pk=active or 0, state=State.ACTIVE).first()


def mark_invalid(*, tenant_id: int, key_id: str) -> bool:
    """The upstream refused the key in use: it is gone, its tenant is paused, and its owners are told.

    False where that key is no longer in use: whoever still used it began before the swap.
    """
    tenant = tenant_by_id(tenant_id)
    with tenant_scope(tenant), transaction.atomic():
        row = _locked(tenant)
        key = row.active_key
        if key is None or key.state != State.ACTIVE or key_id_of(key.fingerprint) != key_id:
            return False
        _end(key, State.INVALID, _("TikLiveAPI refused it."))
        reason = _("TikLiveAPI refused the key ending in {last}. Enter another one under Settings, Keys.")
        pause_tenant(slug=row.slug, reason=reason.format(last=key.last_four), cause=Cause.KEY)
        record("key.invalid", target=_target(key))
        key_changed(tenant.id)
        tell_of_invalid_key(tenant=tenant, key_id=key.pk)
    log.warning("key_invalid", tenant=tenant.slug, key=key_id)
    return True


def delete_key(*, tenant: TenantRef) -> str:
    """Takes the key in use away; returns the key mode that holds from now on. Raises NotFound where there is none.

    The tenant is back on the shared key where it was on it before, and paused where it may not be.
    """
    with tenant_scope(tenant), transaction.atomic():
        row = _locked(tenant)
        key = row.active_key
        if key is None or key.state not in (State.ACTIVE, State.INVALID):
            raise NotFound(_("There is no key to delete."))
        _end(key, State.DELETED, "")
        mode = _shared_mode(row, key)
        row.key_mode, row.active_key = mode or Mode.OWN, None
        row.save(update_fields=["key_mode", "active_key"])
        record("key.deleted", target=_target(key), after={"key_mode": str(row.key_mode)})
        if mode:
            resume_tenant(slug=row.slug, causes=[Cause.KEY])
        else:
            reason = _("This workspace has no key. Enter one under Settings, Keys.")
            pause_tenant(slug=row.slug, reason=reason, cause=Cause.KEY)
        key_changed(tenant.id)
    return str(row.key_mode)


def use_shared_key(*, tenant: TenantRef) -> str:
    """Goes back to the shared key, after an own one was refused; returns the key mode. Raises LimitReached where the
    trial is over and the plan has no shared key."""
    with tenant_scope(tenant), transaction.atomic():
        row = _locked(tenant)
        mode = _shared_mode(row, row.active_key)
        if mode is None:
            raise LimitReached(_("The trial on the shared key is over. Enter a key of your own."))
        if row.active_key and row.active_key.state == State.ACTIVE:
            _end(row.active_key, State.RETIRED, "")
        before = str(row.key_mode)
        row.key_mode, row.active_key = mode, None
        row.save(update_fields=["key_mode", "active_key"])
        record("key.shared_used", before={"key_mode": before}, after={"key_mode": str(mode)})
        resume_tenant(slug=row.slug, causes=[Cause.KEY])
        key_changed(tenant.id)
    return str(mode)


def rewrap_key(*, tenant: TenantRef, key_id: int) -> bool:
    """Wraps the data key of one stored key by the master key of now; False where that is done. Raises CannotUnseal."""
    with tenant_scope(tenant), transaction.atomic():
        key = TenantKey.objects.select_for_update().filter(pk=key_id).exclude(secret="").first()
        if key is None:
            return False
        sealed = rewrapped(Sealed(key.secret, key.data_key, key.master_id))
        if key.master_id == sealed.master_id:
            return False
        _write(key, data_key=sealed.data_key, master_id=sealed.master_id)
    return True


def _try(tenant: TenantRef, key: TenantKey, api_key: ApiKey) -> bool | None:
    """Whether the key's plan gives addresses of videos, None where that cannot be told. Raises what the calls raise."""
    ports = replace(load_ports(), keys=_TheKey(api_key))
    client = client_for(tenant.id, feature=FEATURE, priority="interactive", fresh_since=clock.now(), ports=ports)
    _write(key, step=Step.USERID)
    account = client.userid(settings.KEY_CHECK_HANDLE)
    _write(key, step=Step.POST)
    try:
        detail = client.post_detail(settings.KEY_CHECK_POST or _newest_post(client, account.id))
    except (EntityNotFound, PrivateEntity):
        # That post is gone; the key was let through all the same.
        return None
    return bool(detail.hdplay or detail.play)


def _newest_post(client: Client, account_id: str) -> str:
    page = client.user_posts(account_id, count=10)
    films = [post for post in page.videos if post.id and not post.is_photo]
    if not films:
        raise EntityNotFound("no post to try the key with")
    return f"https://www.tiktok.com/@{settings.KEY_CHECK_HANDLE}/video/{films[0].id}"


def _begin_check(key_id: int) -> TenantKey | None:
    """The key, leased to this worker; None where somebody else has it, or it needs no check."""
    now = clock.now()
    with transaction.atomic():
        key = TenantKey.objects.select_for_update(skip_locked=True).filter(pk=key_id, state=State.CHECKING).first()
        if key is None or (key.leased_until is not None and key.leased_until > now):
            return None
        _write(key, attempts=key.attempts + 1, leased_until=now + LEASE)
    return key


def _activate(tenant: TenantRef, key: TenantKey, has_downloads: bool | None) -> None:
    with transaction.atomic():
        row = _locked(tenant)
        if not TenantKey.objects.select_for_update().filter(pk=key.pk, state=State.CHECKING).exists():
            # Another one was entered meanwhile.
            return
        before = row.active_key
        if before is not None and before.state == State.ACTIVE:
            _end(before, State.RETIRED, "")
        own = row.key_mode == Mode.OWN
        mode_before = (before.mode_before if before else "") if own else str(row.key_mode)
        _write(
            key,
            state=State.ACTIVE, step=Step.DONE, error="", leased_until=None, has_downloads=has_downloads,
            activated_at=clock.now(), mode_before=mode_before,
        )  # fmt: skip
        row.key_mode, row.active_key = Mode.OWN, key
        row.save(update_fields=["key_mode", "active_key"])
        record(
            "key.activated", target=_target(key),
            before={"key": f"…{before.last_four}" if before else str(mode_before)}, after={"downloads": has_downloads},
        )  # fmt: skip
        resume_tenant(slug=row.slug, causes=[Cause.KEY, Cause.TRIAL])
        key_changed(tenant.id)


def _refuse(key: TenantKey, why: str) -> None:
    with transaction.atomic():
        if TenantKey.objects.select_for_update().filter(pk=key.pk, state=State.CHECKING).exists():
            _end(key, State.REFUSED, why)
            record("key.refused", target=_target(key), reason=why)


def _end(key: TenantKey, state: str, why: str) -> None:
    """The key is of no use any more, and its secret goes."""
    _write(
        key, state=state, error=why[:200], secret="", data_key="", master_id="", leased_until=None,
        ended_at=clock.now(), step=Step.DONE,
    )  # fmt: skip


def _shared_mode(tenant: Tenant, key: TenantKey | None) -> str | None:
    """The key mode in which the tenant may use the shared key, None where it may not."""
    if key is not None and key.mode_before == Mode.SHARED:
        return Mode.SHARED
    if tenant.trial_ends_at is not None and tenant.trial_ends_at > clock.now():
        return Mode.TRIAL
    return None


def may_share(*, tenant: TenantRef) -> bool:
    """Whether the tenant could go back to the shared key."""
    with tenant_scope(tenant):
        row = Tenant.objects.select_related("active_key").get(pk=tenant.id)
        return _shared_mode(row, row.active_key) is not None


def _cleaned(typed: str) -> str:
    secret = "".join(typed.split())
    if not secret:
        raise BadInput(_("Paste the key from your TikLiveAPI account."), field="key")
    if not secret.isascii() or not secret.isprintable():
        raise BadInput(_("A key has only letters, digits and signs. Copy it once more."), field="key")
    if not SHORTEST <= len(secret) <= LONGEST_KEY:
        raise BadInput(
            _("A key has between {least} and {most} characters.").format(least=SHORTEST, most=LONGEST_KEY), field="key"
        )
    return secret


def _locked(tenant: TenantRef) -> Tenant:
    return Tenant.objects.select_for_update(of=("self",)).select_related("active_key").get(pk=tenant.id)


def _write(key: TenantKey, **values: Any) -> None:
    for name, value in values.items():
        setattr(key, name, value)
    key.save(update_fields=list(values))


def _target(key: TenantKey) -> Target:
    return Target("key", key.pk, f"…{key.last_four}")


def _send(task: str, *arguments: int) -> None:
    """Where the message gets lost, the timetable's round finds what waits."""
    try:
        current_app.send_task(task, args=list(arguments))
    except (BrokerError, RedisError, OSError) as error:
        log.warning("message_not_sent", task=task, why=type(error).__name__)
