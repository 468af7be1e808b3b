from __future__ import annotations

from django.db import models

from snapshots.models.accounts import TrackedAccount
from tikdash.db.rls import TenantForeignKey

LONGEST_NOTE = 280


class AccountNote(models.Model):
    """What a person wrote at a UTC day of an account, for the workspace to see on its chart.

    `removed_at` hides it; for a while that can be undone, then the row is deleted.
    """

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="notes"
    )
    day = models.DateField()
    text = models.CharField(max_length=LONGEST_NOTE)
    author = models.CharField(max_length=254, help_text="The e-mail address of who wrote it.")
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "account_notes"
        ordering = ["-day", "-id"]
        constraints = [models.CheckConstraint(name="account_notes_say_something", condition=~models.Q(text=""))]
        indexes = [models.Index(name="account_notes_day", fields=["tenant", "account", "-day", "-id"])]

    def __str__(self) -> str:
        return f"{self.day}: {self.text}"
