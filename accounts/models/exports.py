from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from tikdash.db.rls import TenantForeignKey


class Export(models.Model):
    """A file of data that a worker makes, in the private storage until `expires_at`.

    Without a tenant it is for operators, about what `subject` names. Either a person asked for it or an API token.
    `done` of `total` parts are written, `size` are the bytes so far. Whoever makes it has it until `lease_until`; then
    somebody else begins anew.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Called off"
        EXPIRED = "expired", "Deleted"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = TenantForeignKey(null=True, blank=True)
    kind = models.CharField(max_length=40)
    subject = models.CharField(
        max_length=40, blank=True, help_text="What it is about, where that is not the workspace."
    )
    parameters = models.JSONField(default=dict)
    asked_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    token_id = models.BigIntegerField(null=True, help_text="The API token that asked for it.")
    asked_label = models.CharField(max_length=254, blank=True, help_text="Who asked, as people are shown it.")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0, help_text="0 while nobody knows.")
    size = models.BigIntegerField(default=0)
    file = models.CharField(max_length=160, blank=True, help_text="Its name in the private storage.")
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "exports"
        ordering = ["-created_at"]
        indexes = [
            models.Index(name="exports_tenant", fields=["tenant", "-created_at"]),
            models.Index(name="exports_open", fields=["created_at"], condition=Q(state__in=["waiting", "running"])),
            models.Index(name="exports_files", fields=["expires_at"], condition=~Q(file="")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="exports_one_at_a_time",
                fields=["tenant", "kind", "subject", "token_id"],
                condition=Q(state__in=["waiting", "running"]),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.created_at:%Y-%m-%d %H:%M}"
