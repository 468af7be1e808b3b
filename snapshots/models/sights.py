from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class AccountSight(models.Model):
    """When an account last came into or went out of somebody's sight: stopped, taken back, tagged otherwise.

    For copies that follow by `updated_since`: the account's own row is gone then, or its posts did not change although
    they are new to a token for some tags. `gone_at` is None for one that is there. Nothing but a number of ours.
    """

    tenant = TenantForeignKey()
    account_id = models.BigIntegerField()
    gone_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "account_sights"
        constraints = [models.UniqueConstraint(name="account_sights_once", fields=["tenant", "account_id"])]
        indexes = [models.Index(name="account_sights_old", fields=["changed_at"])]

    def __str__(self) -> str:
        return f"{self.account_id} {'gone' if self.gone_at else 'there'}"
