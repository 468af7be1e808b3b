"""Writes that a partner may send twice: the second time the first answer comes back, and nothing is done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from accounts.models import KeptAnswer
from tikdash import clock
from tikdash.api.errors import Conflict, KeyReused
from tikdash.crypto import lock, unlock
from tikdash.db.scope import all_tenants, current_tenant_id
from tikdash.errors import BadInput

KEPT = timedelta(hours=24)
LONGEST_KEY = 255
PURPOSE = "api answer"
#: One at a time; whoever comes second does not wait. Ends with the transaction.
ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"


def answered_once(
    *, token_id: int, key: str, fingerprint: str, work: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """What `work` answers, or has answered to the same request within 24 hours. Runs in the tenant's scope.

    Only answers below 400 are kept: whatever was refused has done nothing. Raises BadInput for a key that is none,
    Conflict while the first request is under way, KeyReused for another request with the same key.
    """
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadInput(f"An Idempotency-Key has at most {LONGEST_KEY} plain characters.", field="Idempotency-Key")
    key_hash = sha256(key.encode()).hexdigest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ALONE, [f"{current_tenant_id()}:{token_id}:{key_hash}"])
            if not cursor.fetchone()[0]:
                raise Conflict(wait_s=1)
        kept = KeptAnswer.objects.filter(token_id=token_id, key_hash=key_hash).first()
        if kept is not None and kept.created_at > clock.now() - KEPT:
            return _again(kept, fingerprint)
        if kept is not None:
            kept.delete()
        response = work()
        if isinstance(response, HttpResponse) and response.status_code < 400:
            KeptAnswer.objects.create(
                token_id=token_id,
                key_hash=key_hash,
                fingerprint=fingerprint,
                status=response.status_code,
                location=response.headers.get("Location", ""),
                answer=lock(response.content.decode(), PURPOSE),
                created_at=clock.now(),
            )
    return response


def _again(kept: KeptAnswer, fingerprint: str) -> HttpResponse:
    if kept.fingerprint != fingerprint:
        raise KeyReused
    response = HttpResponse(unlock(kept.answer, PURPOSE), status=kept.status, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    if kept.location:
        response["Location"] = kept.location
    return response


def forget_answers() -> int:
    """Deletes the kept answers, of all tenants, that are older than 24 hours; returns how many."""
    with all_tenants():
        return KeptAnswer.objects.filter(created_at__lt=clock.now() - KEPT).delete()[0]
