from __future__ import annotations

from django.db import models


class PausedKind(models.Model):
    """A kind of job that no worker begins, for no tenant, until somebody resumes it."""

    kind = models.CharField(max_length=12, primary_key=True)
    reason = models.CharField(max_length=200, help_text="A sentence that customers read.")
    paused_at = models.DateTimeField()

    class Meta:
        db_table = "paused_kinds"
        ordering = ["kind"]
        constraints = [models.CheckConstraint(name="paused_kinds_reason", condition=~models.Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.kind} since {self.paused_at:%Y-%m-%d %H:%M}"
