from __future__ import annotations

from uuid import uuid4

from django.db import models


class TenantErasure(models.Model):
    """The deletion of a workspace: asked for, called off, or carried out. What is left of it is the certificate.

    Holds nothing of a person: the workspace is a number and keyed digests. `counts` are rows by table, written in the
    transaction that deletes them; `kept` is what invoices need, in which no person stands.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Asked for"
        CALLED_OFF = "called_off", "Called off"
        ERASING = "erasing", "Being erased"
        DONE = "done", "Erased"

    class By(models.TextChoices):
        OWNER = "owner", "The owner"
        OPERATOR = "operator", "An operator"
        COMMAND = "command", "The command line"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # Not `tenant`: the row is nobody's, and stays when the tenant has gone.
    number = models.BigIntegerField("workspace", help_text="Number of the workspace.")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    asked_by = models.CharField(max_length=8, choices=By)
    asker = models.CharField(max_length=64, blank=True, help_text="Keyed digest of who asked.")
    reason = models.CharField(max_length=200, blank=True, help_text="Only until it is carried out.")
    was_suspended = models.BooleanField(default=False, help_text="Whether it was suspended before.")
    asked_at = models.DateTimeField()
    erase_at = models.DateTimeField()
    called_off_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    schemas = models.JSONField(default=list)
    address = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the workspace's address.")
    pepper_id = models.CharField(max_length=16, blank=True, help_text="Which pepper keys the digests.")
    counts = models.JSONField(default=dict)
    kept = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the certificate.")

    class Meta:
        db_table = "tenant_erasures"
        verbose_name = "deletion of a workspace"
        verbose_name_plural = "deletions of workspaces"
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                name="tenant_erasures_one", fields=["number"], condition=models.Q(state__in=["asked", "erasing"])
            )
        ]

    def __str__(self) -> str:
        return f"Workspace {self.number}: {self.get_state_display().lower()}"
