from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class AuditFields(models.Model):
    """Who did what to what, when and why; `tenant` is NULL for what concerns no tenant. Append-only."""

    class ActorKind(models.TextChoices):
        USER = "user", "Person"
        TOKEN = "token", "API token"
        STAFF = "staff", "Staff"
        TASK = "task", "Task"
        COMMAND = "command", "Command"
        SYSTEM = "system", "System"

    occurred_at = models.DateTimeField()
    event = models.CharField(max_length=40, help_text="A name of `accounts.audit_events`.")
    actor_kind = models.CharField(max_length=8, choices=ActorKind)
    actor_id = models.BigIntegerField(null=True, help_text="The person, or the token.")
    actor_label = models.CharField(max_length=254, db_default="", help_text="What it was called then.")
    as_user_id = models.BigIntegerField(null=True, help_text="The person as whom staff acted.")
    as_user_label = models.CharField(max_length=254, db_default="")
    target_kind = models.CharField(max_length=20, db_default="")
    target_id = models.CharField(max_length=64, db_default="")
    target_label = models.CharField(max_length=200, db_default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=400, db_default="")
    request_id = models.CharField(max_length=40, db_default="")

    class Meta:
        abstract = True


class AuditEntry(AuditFields):
    """The audit log, partitioned by month. The application's roles may add and read, nothing else."""

    pk = models.CompositePrimaryKey("id", "occurred_at")
    id = models.UUIDField()
    tenant = TenantForeignKey(null=True)

    class Meta:
        db_table = "audit_log"
        indexes = [models.Index(name="audit_log_tenant_time", fields=["tenant", "-occurred_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.event} {self.occurred_at:%Y-%m-%d %H:%M:%S}"


class AuditEntryRow(AuditFields):
    """The same table seen with `id` alone as its key: the admin cannot show models with a composite key. Read only."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", editable=False, null=True
    )

    class Meta:
        managed = False
        db_table = "audit_log"
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        ordering = ["-occurred_at", "-id"]

    def __str__(self) -> str:
        return f"{self.event} {self.occurred_at:%Y-%m-%d %H:%M:%S}"
