from __future__ import annotations

from django.db import models


class UpstreamIncident(models.Model):
    """A time in which the upstream did not answer, for all tenants: charts say so beside their gaps.

    Written by the minute's watch of the circuit breaker, or `by_hand` by operators. `ended_at` is None while it lasts.
    """

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    by_hand = models.BooleanField(default=False, editable=False)
    note = models.CharField(
        max_length=200, blank=True, db_default="", help_text="A sentence that customers read; without one we say when."
    )

    class Meta:
        db_table = "upstream_incidents"
        ordering = ["-began_at"]
        permissions = [("mark_incident", "Can mark a time as an outage of the upstream")]
        constraints = [
            models.CheckConstraint(
                name="upstream_incidents_forward",
                condition=models.Q(ended_at=None) | models.Q(ended_at__gte=models.F("began_at")),
            ),
            models.UniqueConstraint(
                name="upstream_incidents_one_open",
                fields=["by_hand"],
                condition=models.Q(ended_at=None, by_hand=False),
            ),
        ]
        indexes = [models.Index(name="upstream_incidents_began", fields=["-began_at"])]

    def __str__(self) -> str:
        until = f"to {self.ended_at:%Y-%m-%d %H:%M}" if self.ended_at else "and lasts"
        return f"from {self.began_at:%Y-%m-%d %H:%M} {until}"
