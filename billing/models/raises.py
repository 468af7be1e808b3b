from __future__ import annotations

from django.db import models

from tikdash.db.rls import TenantForeignKey


class LimitRaise(models.Model):
    """A larger limit for one tenant for some days: `value` in place of its plan's, until the UTC day `until` begins.

    It only ever raises: where the plan has more, or no limit at all, the plan's counts. Rows are never changed but by
    ending them earlier.
    """

    class Name(models.TextChoices):
        ACCOUNTS = "accounts", "Accounts"
        SEATS = "seats", "Seats"
        DAY = "credits_day", "Credits a day"
        MONTH = "credits_month", "Credits a month"

    tenant = TenantForeignKey()
    name = models.CharField(max_length=16, choices=Name)
    value = models.PositiveBigIntegerField()
    until = models.DateField(help_text="The first day on which the plan's limit counts again.")
    reason = models.CharField(max_length=200)
    made_by_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "limit_raises"
        verbose_name = "raised limit"
        ordering = ["-made_at"]
        indexes = [models.Index(name="limit_raises_tenant", fields=["tenant", "until"])]
        constraints = [
            models.CheckConstraint(name="limit_raises_reason", condition=~models.Q(reason="")),
            models.CheckConstraint(name="limit_raises_value", condition=models.Q(value__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.get_name_display()}: {self.value:,} until {self.until}"
