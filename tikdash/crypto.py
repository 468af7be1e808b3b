"""Sealing what is kept in the database, so that a dump of it opens nothing. All encryption of ours is in this module.

Keys that tenants bring: `seal` and `unseal`. Each has a data key of its own, which a master key wraps. A change of the
master key wraps data keys anew and touches no secret. Where the master key lives is a port (`MASTER_KEYS`): the
environment, or a service that wraps and unwraps (KMS) and never gives it away.

What belongs to people and is read with a request (second factors, sessions, mails that wait): `lock` and `unlock`, with
a key for each purpose that is made of SECRET_KEY; former ones in SECRET_KEY_FALLBACKS still open what they locked.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, cast

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from tikdash.errors import TikdashError
from tikdash.tiklive.text import Secret


class CannotUnseal(TikdashError):
    """The master keys that we have open it not, or it was sealed for something else."""

    code = "cannot_unseal"
    status = 503
    message = "A stored key cannot be opened. The operators have to look at TENANT_KEY_FERNET."


@dataclass(frozen=True)
class Sealed:
    """A secret as it is stored: itself by its data key, the data key by the master key, and which master key."""

    secret: str
    data_key: str
    master_id: str


class MasterKeys(Protocol):
    """Who wraps data keys."""

    def current_id(self) -> str:
        """Names the master key that wraps from now on; at most 32 characters, not secret."""
        ...

    def known_ids(self) -> frozenset[str]:
        """The master keys that can unwrap."""
        ...

    def wrap(self, data_key: bytes) -> str:
        """The data key, readable only by `unwrap`."""
        ...

    def unwrap(self, wrapped: str, master_id: str) -> bytes:
        """The data key. Raises CannotUnseal."""
        ...


class EnvironmentKeys:
    """Master keys of the setting TENANT_KEY_FERNET: the first one wraps, all unwrap."""

    def current_id(self) -> str:
        return next(iter(_locks(tuple(settings.TENANT_KEY_FERNET))))

    def known_ids(self) -> frozenset[str]:
        return frozenset(_locks(tuple(settings.TENANT_KEY_FERNET)))

    def wrap(self, data_key: bytes) -> str:
        return _locks(tuple(settings.TENANT_KEY_FERNET))[self.current_id()].encrypt(data_key).decode()

    def unwrap(self, wrapped: str, master_id: str) -> bytes:
        lock = _locks(tuple(settings.TENANT_KEY_FERNET)).get(master_id)
        if lock is None:
            raise CannotUnseal
        try:
            return lock.decrypt(wrapped.encode())
        except InvalidToken:
            raise CannotUnseal from None


def seal(secret: str, purpose: str) -> Sealed:
    """Seals `secret` for one purpose, such as `tenant 7`: moved to another row it does not open."""
    data_key = Fernet.generate_key()
    text = f"{purpose}\n{''.join(secret)}"
    masters = master_keys()
    return Sealed(Fernet(data_key).encrypt(text.encode()).decode(), masters.wrap(data_key), masters.current_id())


def unseal(sealed: Sealed, purpose: str) -> Secret:
    """The secret that was sealed for `purpose`. Raises CannotUnseal."""
    data_key = master_keys().unwrap(sealed.data_key, sealed.master_id)
    try:
        text = Fernet(data_key).decrypt(sealed.secret.encode()).decode()
    except (InvalidToken, ValueError):
        raise CannotUnseal from None
    for_what, _, secret = text.partition("\n")
    if not hmac.compare_digest(for_what.encode(), purpose.encode()):
        raise CannotUnseal
    return Secret(secret)


def rewrapped(sealed: Sealed) -> Sealed:
    """The same secret under the master key that wraps now. Raises CannotUnseal."""
    masters = master_keys()
    data_key = masters.unwrap(sealed.data_key, sealed.master_id)
    return Sealed(sealed.secret, masters.wrap(data_key), masters.current_id())


def keyed_digest(purpose: str, text: str, pepper_id: str = "") -> str:
    """HMAC-SHA256 of `text` under a pepper of TOKEN_PEPPERS, as hex: the same text gives another digest for another
    purpose. KeyError for a pepper that is not in the settings; without one named, the first is used."""
    pepper = settings.TOKEN_PEPPERS[pepper_id or current_pepper()]
    return hmac.new(pepper.encode(), f"{purpose}\n{text}".encode("utf-8", "replace"), sha256).hexdigest()


def current_pepper() -> str:
    """The id of the pepper that is used for what is new."""
    return str(next(iter(settings.TOKEN_PEPPERS)))


def lock(text: str, purpose: str) -> str:
    """What only `unlock` with the same purpose turns back into `text`."""
    return _locks_of(_secrets(), purpose).encrypt(text.encode()).decode()


def unlock(locked: str, purpose: str) -> str:
    """The text that was locked for `purpose`. Raises CannotUnseal where no key of ours did it."""
    try:
        return _locks_of(_secrets(), purpose).decrypt(locked.encode()).decode()
    except (InvalidToken, ValueError):
        raise CannotUnseal("This was sealed with another SECRET_KEY.") from None


def master_keys() -> MasterKeys:
    """The port of the settings."""
    return _port(settings.MASTER_KEYS)


def checked_fernet_keys(keys: list[str]) -> list[str]:
    """The keys as they are. Raises ImproperlyConfigured where one is no Fernet key, or there is none."""
    try:
        usable = [Fernet(key) for key in keys]
    except ValueError:
        usable = []
    if not usable:
        raise ImproperlyConfigured(
            "TENANT_KEY_FERNET must be Fernet keys with commas between them, each 32 bytes in url-safe base64."
        )
    return keys


@lru_cache(maxsize=8)
def _port(path: str) -> MasterKeys:
    return cast(MasterKeys, import_string(path)())


@lru_cache(maxsize=8)
def _locks(keys: tuple[str, ...]) -> dict[str, Fernet]:
    return {hmac.new(key.encode(), b"tikdash master key", sha256).hexdigest()[:16]: Fernet(key) for key in keys}


def _secrets() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=32)
def _locks_of(secrets: tuple[str, ...], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret, purpose)) for secret in secrets])


def _derived(secret: str, purpose: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode()))
