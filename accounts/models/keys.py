from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class TenantKey(models.Model):
    """A key for the upstream that a tenant has brought. Only a checked one is ever used (`tenants.active_key`).

    The secret is sealed (`tikdash.crypto`) for its tenant; it goes as soon as the key is of no use any more.
    """

    class State(models.TextChoices):
        CHECKING = "checking", "Being checked"
        ACTIVE = "active", "In use"
        RETIRED = "retired", "Replaced"
        INVALID = "invalid", "Refused by TikLiveAPI"
        REFUSED = "refused", "Did not pass the check"
        DELETED = "deleted", "Deleted"

    class Step(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        USERID = "userid", "Asking for an account"
        POST = "post", "Asking for a post"
        DONE = "done", "Done"

    tenant = TenantForeignKey()
    version = models.IntegerField(help_text="Counts the tenant's keys, from 1.")
    state = models.CharField(max_length=8, choices=State, default=State.CHECKING)
    secret = models.TextField(db_default="", help_text="Sealed by the data key; empty once it is not needed.")
    data_key = models.TextField(db_default="", help_text="Wrapped by the master key.")
    master_id = models.CharField(max_length=32, db_default="")
    fingerprint = models.CharField(max_length=32, help_text="Tells the same key again; says nothing of it.")
    last_four = models.CharField(max_length=4)
    mode_before = models.CharField(max_length=8, db_default="", help_text="The mode to which a deletion leads back.")
    step = models.CharField(max_length=8, choices=Step, default=Step.WAITING)
    attempts = models.SmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    has_downloads = models.BooleanField(null=True, help_text="Whether its plan gives addresses of videos.")
    error = models.CharField(max_length=200, db_default="")
    created_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenant_keys"
        ordering = ["tenant", "-version"]
        constraints = [
            models.UniqueConstraint(name="tenant_keys_version", fields=["tenant", "version"]),
            models.UniqueConstraint(
                name="tenant_keys_one_active", fields=["tenant"], condition=models.Q(state="active")
            ),
            models.CheckConstraint(
                name="tenant_keys_secret_while_needed",
                condition=models.Q(state__in=["checking", "active"]) | models.Q(secret="", data_key=""),
            ),
        ]
        indexes = [
            models.Index(name="tenant_keys_checking", fields=["created_at"], condition=models.Q(state="checking")),
            models.Index(name="tenant_keys_master", fields=["master_id"], condition=~models.Q(secret="")),
        ]

    def __str__(self) -> str:
        return f"key {self.version}, …{self.last_four} ({self.state})"

    @property
    def purpose(self) -> str:
        """For what the secret is sealed."""
        return f"key of tenant {self.tenant_id}"
