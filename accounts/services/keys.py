"""Which key of the upstream a tenant's calls use: the platform's shared one, or the tenant's own.

Asked before every request, so the answer is kept in the process for some seconds, with the version that Redis had of
it: whoever changes a tenant's key changes the version, and where the request is admitted another one than the newest is
refused. So no process uses the old key from then on. Requests that are under way end with the key they began with.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Tenant, TenantKey
from tikdash import clock
from tikdash.crypto import Sealed, unseal
from tikdash.db.scope import all_tenants, current_scope, prepared_row
from tikdash.errors import LimitReached, NotFound, Unavailable
from tikdash.redis import RedisGone, Server, server, where_there
from tikdash.tiklive.ports import ApiKey
from tikdash.words import gettext

KEPT_S = 5.0
#: Longer than any process keeps an answer; after it, no version is the version.
VERSION_KEPT_S = 600
MOST_KEPT = 20_000

KEY_OF = """
    SELECT t.key_mode, t.trial_ends_at, k.id, k.fingerprint, k.last_four, k.secret, k.data_key, k.master_id
      FROM public.tenants t LEFT JOIN public.tenant_keys k ON k.id = t.active_key_id AND k.state = 'active'
     WHERE t.id = %s
"""


class NoKey(LimitReached):
    """The tenant has to bring a key, and has none that works."""

    code = "no_key"
    message = "This workspace needs a TikLiveAPI key of its own. Enter one under Settings, Keys."


@dataclass(frozen=True)
class _Known:
    """What is known of a tenant's key, since when (of the monotonic clock), and the version it had then."""

    mode: str
    trial_ends_at: datetime | None
    own: ApiKey | None
    version: bytes
    since: float


class TenantKeys:
    """The port KEYS of the client."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._lock = threading.Lock()

    def key_for(self, tenant_id: int) -> ApiKey:
        """The key to use now, with its version.

        Raises NoKey where the tenant must bring one, Unavailable where the platform has none, CannotUnseal where the
        master key is wrong, NotFound for a tenant that does not exist.
        """
        known = self._look(tenant_id)
        on_trial = known.mode == Tenant.KeyMode.TRIAL and known.trial_ends_at and clock.now() < known.trial_ends_at
        if known.mode == Tenant.KeyMode.SHARED or on_trial:
            key: ApiKey | None = platform_key()
        else:
            key = known.own
        if key is None:
            raise NoKey
        return key.at_version(_name(tenant_id), known.version)

    def refused(self, tenant_id: int, key_id: str) -> bool:
        """The upstream did not accept the key. True where the tenant has another one by now, so that asking again makes
        sense; otherwise an own key is marked invalid, and its tenant paused."""
        from accounts.services.own_keys import mark_invalid

        if key_id == platform_key_id():
            return False
        self.forget(tenant_id)
        mark_invalid(tenant_id=tenant_id, key_id=key_id)
        self.forget(tenant_id)
        known = self._look(tenant_id)
        return known.own is not None and known.own.id != key_id

    def outdated(self, tenant_id: int) -> None:
        """The port's name for `forget`."""
        self.forget(tenant_id)

    def forget(self, tenant_id: int | None = None) -> None:
        """Has this process look again; of one tenant, or of all."""
        with self._lock:
            if tenant_id is None:
                self._known.clear()
            else:
                self._known.pop(tenant_id, None)

    def _look(self, tenant_id: int) -> _Known:
        known = self._known.get(tenant_id)
        if known and time.monotonic() - known.since < KEPT_S:
            return known
        # The version is read before the row: a key that changes in between is looked up again.
        known = _read(tenant_id, _version(tenant_id))
        with self._lock:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[tenant_id] = known
        return known


def platform_key_id() -> str:
    return "shared"


def platform_key() -> ApiKey:
    """The platform's key with the limits of the settings. Raises Unavailable where the platform has no key."""
    secret = settings.TIKLIVE_KEY
    if not secret:
        raise Unavailable(gettext("There is no key for the upstream: set TIKLIVE_KEY."))
    return ApiKey(
        id=platform_key_id(),
        secret=secret,
        last_four=secret[-4:],
        shared=True,
        per_minute=settings.TIKLIVE_KEY_PER_MINUTE,
        in_flight=settings.TIKLIVE_KEY_IN_FLIGHT,
    )


def own_key(fingerprint: str, last_four: str, secret: str) -> ApiKey:
    """A tenant's own key. Two tenants that bring the same one share its limits, as they do at the upstream."""
    return ApiKey(
        id=key_id_of(fingerprint),
        # A copy that is a plain text: a `Secret` made of a `Secret` would hold its placeholder.
        secret="".join(secret),
        last_four=last_four,
        shared=False,
        per_minute=settings.TIKLIVE_KEY_PER_MINUTE,
        in_flight=settings.TIKLIVE_KEY_IN_FLIGHT,
    )


def key_id_of(fingerprint: str) -> str:
    """How usage events and limiter name an own key."""
    return f"own-{fingerprint[:20]}"


def key_changed(tenant_id: int) -> None:
    """Once the present transaction is committed no process uses what it knew of the tenant's key."""
    transaction.on_commit(partial(_change_version, tenant_id))


def _change_version(tenant_id: int) -> None:
    def change(redis_server: Server) -> None:
        with redis_server.reached() as redis:
            redis.set(_name(tenant_id), secrets.token_hex(8), ex=VERSION_KEPT_S)

    keys.forget(tenant_id)
    where_there(change, None)


def _version(tenant_id: int) -> bytes:
    """The version in Redis, empty for none; so it is without Redis, where whoever asks forgets before."""
    try:
        return server().ask("GET", _name(tenant_id)) or b""
    except RedisGone:
        return b""


def _name(tenant_id: int) -> str:
    return f"tikdash:key-version:{tenant_id}"


def _read(tenant_id: int, version: bytes) -> _Known:
    since = time.monotonic()
    row = _row(tenant_id)
    if row is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    mode, trial_ends_at, key_pk, fingerprint, last_four, *sealed = row
    own = None
    if key_pk is not None and mode != Tenant.KeyMode.SHARED:
        secret = unseal(Sealed(*sealed), TenantKey(tenant_id=tenant_id).purpose)
        own = own_key(fingerprint, last_four, secret)
    return _Known(mode, trial_ends_at, own, version, since)


def _row(tenant_id: int) -> tuple[Any, ...] | None:
    if current_scope().tenant_id == tenant_id:
        return prepared_row(KEY_OF, [tenant_id])
    with all_tenants():
        return prepared_row(KEY_OF, [tenant_id])


keys = TenantKeys()
