from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from snapshots.models.fields import DataState
from snapshots.models.posts import Post
from tikdash.db.rls import TenantForeignKey


class ValueDecision(models.Model):
    """An operator has decided whether one measured value is true, and why. Append-only: the newest one counts.

    `post` is empty where the value is the account's own; `state` is what the rules had said of it.
    """

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="decisions"
    )
    post = models.ForeignKey(
        Post, null=True, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="decisions"
    )
    captured_on = models.DateField()
    counter = models.CharField(max_length=20)
    value = models.BigIntegerField()
    state = models.SmallIntegerField(choices=DataState)
    decision = models.CharField(max_length=8, choices=Decision)
    reason = models.CharField(max_length=400)
    decided_by = models.CharField(max_length=254, help_text="Who it was: an e-mail address, or the command line.")
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "value_decisions"
        ordering = ["-decided_at"]
        indexes = [models.Index(name="value_decisions_account", fields=["tenant", "account", "-decided_at"])]

    def __str__(self) -> str:
        return f"{self.counter} {self.value} {self.decision}"
