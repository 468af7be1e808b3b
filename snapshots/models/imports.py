from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tikdash.db.rls import TenantForeignKey


class ImportBatch(models.Model):
    """A list of handles that a person sent at once. Kept for a month, so that its page can be opened again.

    `rows` is the list as it was understood: `line`, `typed`, `handle`, and either `job`, the id of the check, or
    `error`, the sentence for a row that was refused at once. How a check went is on its job. `token` is made with the
    form: sent twice, it is one list.
    """

    tenant = TenantForeignKey()
    token = models.UUIDField()
    rows = models.JSONField(default=list)
    wanted = models.IntegerField(help_text="Rows of the list.")
    begun = models.IntegerField(help_text="Rows that a check was made for.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "import_batches"
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(name="import_batches_once", fields=["tenant", "token"])]

    def __str__(self) -> str:
        return f"{self.wanted} handles of {self.created_at:%Y-%m-%d %H:%M}"


class Removal(models.Model):
    """Accounts that a person stopped tracking at once: what can be undone for a while, and is then deleted.

    Until `removed_at` of the accounts is taken back, row-level security shows the tenant none of them.
    """

    tenant = TenantForeignKey()
    account_ids = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "removals"
        ordering = ["-created_at"]
        indexes = [models.Index(name="removals_newest", fields=["tenant", "-created_at"])]

    def __str__(self) -> str:
        return f"{len(self.account_ids)} accounts at {self.created_at:%Y-%m-%d %H:%M}"
