from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from tikdash.db.rls import TenantForeignKey


def amount(cents: int) -> str:
    """Cents as people write them: `1,234.50`."""
    return f"{cents / 100:,.2f}"


class CreditPack(models.Model):
    """Credits that we have bought of the upstream for one key of ours. `expires_on` is the first day without them."""

    key_id = models.CharField(max_length=40, default="shared")
    credits = models.PositiveBigIntegerField(validators=[MinValueValidator(1)])
    price_cents = models.PositiveBigIntegerField(default=0, help_text="What the pack cost, in cents.")
    bought_on = models.DateField()
    expires_on = models.DateField(
        null=True, blank=True, help_text="First day on which it counts no longer. Empty: never."
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "credit_packs"
        ordering = ["bought_on", "id"]
        constraints = [
            models.CheckConstraint(name="credit_packs_credits", condition=Q(credits__gte=1)),
            models.CheckConstraint(
                name="credit_packs_days",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("bought_on")),
                violation_error_message="It must end after it begins.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.credits:,} credits of {self.bought_on}"


class CreditGrant(models.Model):
    """Credits of one tenant beyond those of its plan: a pack that it bought, a promotion, amends.

    They are used in the order of `priority`, then of expiry, then of age. The plan's own credits of a month have
    priority 100: what has less is used first, what has more after them. `expires_on` is the first day without them.
    """

    class Kind(models.TextChoices):
        PACK = "pack", "Pack"
        PROMOTION = "promotion", "Promotion"
        AMENDS = "amends", "Amends"

    tenant = TenantForeignKey()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PACK)
    credits = models.PositiveBigIntegerField(validators=[MinValueValidator(1)])
    price_cents = models.PositiveBigIntegerField(default=0, help_text="What the tenant pays for it once, in cents.")
    priority = models.PositiveSmallIntegerField(
        default=200, help_text="The lower, the sooner used. The plan's own credits of a month have 100."
    )
    starts_on = models.DateField()
    expires_on = models.DateField(
        null=True, blank=True, help_text="First day on which it counts no longer. Empty: never."
    )
    note = models.CharField(max_length=200, blank=True, help_text="The customer reads it.")
    made_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    made_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "credit_grants"
        ordering = ["priority", F("expires_on").asc(nulls_last=True), "id"]
        indexes = [models.Index(name="credit_grants_tenant", fields=["tenant", "starts_on"])]
        constraints = [
            models.CheckConstraint(name="credit_grants_credits", condition=Q(credits__gte=1)),
            models.CheckConstraint(
                name="credit_grants_days",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gt=F("starts_on")),
                violation_error_message="It must end after it begins.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.credits:,} credits"


class Invoice(models.Model):
    """A tenant's bill of one calendar month (UTC), as it was issued: made of rollups, frozen in `lines`."""

    tenant = TenantForeignKey()
    month = models.DateField(help_text="Its first day.")
    number = models.CharField(max_length=30, unique=True)
    issued_at = models.DateTimeField()
    customer = models.CharField(max_length=120)
    plan = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    credits = models.BigIntegerField(help_text="Charged in the month, with corrections.")
    total_cents = models.BigIntegerField()
    lines = models.JSONField(help_text="As printed: text, quantity, unit, cents; by day and endpoint for the CSV.")

    class Meta:
        db_table = "invoices"
        ordering = ["-month"]
        constraints = [models.UniqueConstraint(name="invoices_one_a_month", fields=["tenant", "month"])]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> str:
        """The total as printed."""
        return amount(self.total_cents)

    @property
    def items_shown(self) -> list[dict[str, str]]:
        """What is to be paid, line by line, as printed."""
        return [{"text": item["text"], "amount": amount(item["cents"])} for item in self.lines["items"]]
