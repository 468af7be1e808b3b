"""Small secrets of people in the database: keys of authenticator apps, seeds of recovery codes.

A dump of the database alone opens nothing: they are sealed with a key made of SECRET_KEY. After a change of SECRET_KEY
the former ones in SECRET_KEY_FALLBACKS still open them.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"accounts.second-factor"


def seal(text: str) -> str:
    """What only `unseal` turns back into `text`."""
    return _locks((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The sealed text. Raises cryptography.fernet.InvalidToken where no key of ours sealed it."""
    return _locks((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)).decrypt(sealed.encode()).decode()


@lru_cache(maxsize=4)
def _locks(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode()))
