from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from tikdash.db.rls import TenantForeignKey


class PlatformBudget(models.Model):
    """What the whole deployment, or one key of ours, may spend in a UTC day and month. NULL: no cap.

    `reserve_percent` of each cap is kept for work that is critical: beyond the rest only such work runs.
    """

    DEPLOYMENT = "deployment"

    scope = models.CharField(
        max_length=40,
        primary_key=True,
        default=DEPLOYMENT,
        help_text="“deployment”, or the id of a key: “shared” is the platform's own.",
    )
    daily_credits = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    monthly_credits = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    reserve_percent = models.PositiveSmallIntegerField(
        default=10,
        validators=[MaxValueValidator(50)],
        help_text="Part of each cap that only refreshes and other critical work may use.",
    )

    class Meta:
        db_table = "platform_budgets"
        ordering = ["scope"]
        constraints = [
            models.CheckConstraint(name="platform_budgets_daily", condition=Q(daily_credits__gte=1)),
            models.CheckConstraint(name="platform_budgets_monthly", condition=Q(monthly_credits__gte=1)),
            models.CheckConstraint(name="platform_budgets_reserve", condition=Q(reserve_percent__lte=50)),
            # NULL passes: a cap that is not there contradicts nothing.
            models.CheckConstraint(
                name="platform_budgets_day_in_month",
                condition=Q(daily_credits__lte=F("monthly_credits")),
                violation_error_message="A day cannot have more credits than its month.",
            ),
        ]

    def __str__(self) -> str:
        return self.scope


class TenantBudget(models.Model):
    """What differs for one tenant from its plan, and what its grants add this month.

    `daily_credits` and `monthly_credits` stand in place of the plan's; NULL: the plan's. `extra_credits` is what
    grants add to the plan's credits in the month that begins on `extra_month`: counted after every rollup and change
    of grants, so that the gate need not.
    """

    tenant = TenantForeignKey()
    daily_credits = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    monthly_credits = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    extra_credits = models.BigIntegerField(default=0, editable=False)
    extra_month = models.DateField(null=True, editable=False)

    class Meta:
        db_table = "tenant_budgets"
        constraints = [
            models.UniqueConstraint(name="tenant_budgets_tenant", fields=["tenant"]),
            models.CheckConstraint(name="tenant_budgets_daily", condition=Q(daily_credits__gte=1)),
            models.CheckConstraint(name="tenant_budgets_monthly", condition=Q(monthly_credits__gte=1)),
            models.CheckConstraint(
                name="tenant_budgets_day_in_month",
                condition=Q(daily_credits__lte=F("monthly_credits")),
                violation_error_message="A day cannot have more credits than its month.",
            ),
        ]

    def __str__(self) -> str:
        return f"Budget of {self.tenant}"


class BudgetRefusal(models.Model):
    """Calls of one tenant that the gate refused on a UTC day, by feature, priority and the cap that was reached."""

    pk = models.CompositePrimaryKey("tenant", "day", "feature", "priority", "cap")
    tenant = TenantForeignKey()
    day = models.DateField()
    feature = models.CharField(max_length=40)
    priority = models.CharField(max_length=12)
    cap = models.CharField(max_length=20, help_text="tenant_day, tenant_month, key_day, key_month, all_day, all_month.")
    calls = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    sentence = models.CharField(max_length=300, help_text="What the customer was told.")

    class Meta:
        db_table = "budget_refusals"
        indexes = [models.Index(name="budget_refusals_day", fields=["day"])]

    def __str__(self) -> str:
        return f"{self.calls} refused by {self.cap} on {self.day}"


class PlanExcess(models.Model):
    """Since which UTC day a tenant has had more of something than its plan has: the grace counts from there."""

    pk = models.CompositePrimaryKey("tenant", "name")
    tenant = TenantForeignKey()
    name = models.CharField(max_length=20, help_text="accounts or seats.")
    since = models.DateField()

    class Meta:
        db_table = "plan_excesses"

    def __str__(self) -> str:
        return f"{self.name} since {self.since}"


class Subscription(models.Model):
    """The plan of a tenant from `starts_on` to the day before `ends_on` (UTC days; NULL: open), and its price then.

    Written by `billing.services.subscriptions` alone. What an invoice says of plans is made of these rows.
    """

    tenant = TenantForeignKey()
    plan = models.CharField(max_length=20)
    price_cents = models.PositiveBigIntegerField(default=0, help_text="A month, in cents.")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "subscriptions"
        ordering = ["starts_on"]
        # That no two of a tenant overlap is an exclusion constraint of the migration: ranges, without an extension.
        constraints = [
            models.CheckConstraint(
                name="subscriptions_days", condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan} from {self.starts_on}"
