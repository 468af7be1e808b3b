from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.db import models

from tikdash.db.rls import TenantForeignKey

#: Nobody looks longer than that; PostgreSQL holds it, too.
LONGEST = timedelta(minutes=30)


class Look(models.Model):
    """Staff who look at a workspace through the eyes of one of its people, why, and until when. Nothing is changed so.

    Asked for in the administration; begun, once, with a ticket on the workspace's host. People are numbers, with what
    they were called: a look outlives who looked.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = TenantForeignKey()
    user_id = models.BigIntegerField(help_text="As whom.")
    user_label = models.CharField(max_length=254)
    staff_id = models.BigIntegerField(help_text="Who looks.")
    staff_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "looks"
        verbose_name = "look at a workspace"
        verbose_name_plural = "looks at workspaces"
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(name="looks_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(
                name="looks_longest",
                condition=models.Q(began_at=None, until=None)
                | models.Q(until__gt=models.F("began_at"), until__lte=models.F("began_at") + LONGEST),
            ),
        ]
        indexes = [
            models.Index(name="looks_open", fields=["until"], condition=models.Q(began_at__isnull=False, ended_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.staff_label} as {self.user_label}"
