from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class TenantMove(models.Model):
    """A tenant's rows on their way from one schema to another. `tenants.shard` says which side counts at any moment."""

    class State(models.TextChoices):
        COPYING = "copying", "Copying"
        SWITCHED = "switched", "The new side counts, the old one is empty"
        DONE = "done", "Done"

    tenant = TenantForeignKey()
    source = models.CharField(max_length=63)
    target = models.CharField(max_length=63)
    state = models.CharField(max_length=8, choices=State, default=State.COPYING)
    sums = models.JSONField(default=dict, help_text="Rows and checksum of each table at the switch.")
    pause_before = models.JSONField(default=dict, help_text="How fetching stood before the move.")
    started_at = models.DateTimeField()
    frozen_at = models.DateTimeField(null=True, help_text="PostgreSQL refuses to write the tenant's rows since then.")
    switched_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenant_moves"
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(name="tenant_moves_one", fields=["tenant"], condition=~models.Q(state="done"))
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target} ({self.state})"
