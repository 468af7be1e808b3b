"""The certificate of an erasure: what was erased, when, asked for by whom; sealed, and without a person in it."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

import orjson

from accounts.models import TenantErasure
from tikdash.crypto import keyed_digest
from tikdash.errors import NotFound
from tikdash.words import gettext

SEALED = "certificate of an erasure"


def seal_certificate(erasure: TenantErasure) -> str:
    """The keyed digest of what the certificate says."""
    return keyed_digest(SEALED, _text(erasure), erasure.pepper_id)


def certificate(erasure_id: UUID) -> dict[str, Any]:
    """What the certificate says, as it is given out. `is_sealed` is False while the deletion is not carried out, and
    for one whose row has been changed since. Raises NotFound."""
    erasure = TenantErasure.objects.filter(pk=erasure_id).first()
    if erasure is None:
        raise NotFound(gettext("There is no such certificate."))
    return _facts(erasure) | {"digest": erasure.digest, "is_sealed": _is_sealed(erasure)}


def _is_sealed(erasure: TenantErasure) -> bool:
    if not erasure.digest:
        return False
    try:
        return hmac.compare_digest(erasure.digest, seal_certificate(erasure))
    except KeyError:
        # The pepper has left the settings: nobody can say it any more.
        return False


def _text(erasure: TenantErasure) -> str:
    return orjson.dumps(_facts(erasure), option=orjson.OPT_SORT_KEYS).decode()


def _facts(erasure: TenantErasure) -> dict[str, Any]:
    moments = {name: getattr(erasure, name) for name in ("asked_at", "erase_at", "begun_at", "done_at")}
    return {
        "certificate": str(erasure.pk),
        "workspace": {"number": erasure.number, "address_digest": erasure.address},
        "asked_by": {"role": str(erasure.asked_by), "digest": erasure.asker},
        "state": str(erasure.state),
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "erased": dict(sorted(erasure.counts.items())),
        "kept_without_persons": dict(sorted(erasure.kept.items())),
        "digest_key": erasure.pepper_id,
    }
