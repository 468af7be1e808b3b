from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class KeptAnswer(models.Model):
    """The answer to a write through the API, for whoever sends it again with the same Idempotency-Key within a day.

    Written in the transaction of what it answers for: either both are there or neither.
    """

    tenant = TenantForeignKey()
    token_id = models.BigIntegerField()
    key_hash = models.CharField(max_length=64, help_text="SHA-256 of the Idempotency-Key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of address and body.")
    status = models.SmallIntegerField()
    answer = models.TextField(help_text="Sealed.")
    location = models.CharField(max_length=400, db_default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "api_answers"
        constraints = [models.UniqueConstraint(name="api_answers_once", fields=["tenant", "token_id", "key_hash"])]

    def __str__(self) -> str:
        return f"{self.status} of {self.created_at:%Y-%m-%d %H:%M}"
