from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class UsageFields(models.Model):
    """One attempt of one call that reached the upstream. Append-only."""

    occurred_at = models.DateTimeField()
    key_id = models.CharField(max_length=40)
    endpoint = models.CharField(max_length=40)
    feature = models.CharField(max_length=40)
    priority = models.CharField(max_length=12)
    outcome = models.CharField(max_length=40, help_text="“ok” or the code of the error.")
    http_status = models.SmallIntegerField(null=True)
    credits = models.SmallIntegerField()
    attempts = models.SmallIntegerField()
    latency_ms = models.IntegerField()

    class Meta:
        abstract = True


class UsageEvent(UsageFields):
    """The ledger's first entry, partitioned by month. `id` is the client's request id, so a replay writes nothing."""

    pk = models.CompositePrimaryKey("id", "occurred_at")
    id = models.UUIDField()
    tenant = TenantForeignKey()

    class Meta:
        db_table = "usage_events"
        indexes = [models.Index(name="usage_events_tenant_time", fields=["tenant", "occurred_at"])]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.outcome} {self.occurred_at:%Y-%m-%d %H:%M:%S}"


class UsageRecordRow(UsageFields):
    """The same table seen with `id` alone as its key: the admin cannot show models with a composite key. Read only."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", editable=False
    )

    class Meta:
        managed = False
        db_table = "usage_events"
        verbose_name = "usage event"
        ordering = ["-occurred_at"]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.outcome}"
