from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from billing.capacity.inputs import BOUNDS


def _between(owner: str, name: str) -> list[Any]:
    """The bounds of the planner, each with its sentence."""
    least, most = BOUNDS[owner][name]
    low = "This cannot be negative." if least == 0 else f"At least {least:,g}."
    return [MinValueValidator(least, low), MaxValueValidator(most, f"At most {most:,.10g}.")]


class CapacityScenario(models.Model):
    """One set of inputs of the capacity planner; its tiers, features and tables are rows of their own.

    Fields are those of `billing.capacity.inputs`, which says what they mean. Empty limits are none.
    """

    name = models.CharField(max_length=60, unique=True)
    note = models.CharField(max_length=300, blank=True)
    threads = models.IntegerField("worker threads", default=8, validators=_between("Workers", "threads"))
    ceiling = models.IntegerField(
        "ceiling of threads",
        default=64,
        validators=_between("Workers", "ceiling"),
        help_text="Most that may be started.",
    )
    jobs_per_second = models.FloatField(
        "jobs a second of a thread", default=1.0, validators=_between("Workers", "jobs_per_second")
    )
    jobs_per_account = models.FloatField(
        "jobs a day per account", default=4.0, validators=_between("Workers", "jobs_per_account")
    )
    peak_share = models.FloatField(
        "part of a day's jobs in the busiest span",
        default=0.0833,
        validators=_between("Workers", "peak_share"),
        help_text="0.0833 where the day's work is due within an hour and the span is five minutes.",
    )
    drain_s = models.IntegerField("seconds to drain in", default=300, validators=_between("Workers", "drain_s"))
    keys = models.IntegerField("keys of our own", default=1, validators=_between("Limits", "keys"))
    calls_per_minute = models.IntegerField(
        "calls a minute of a key", default=160, validators=_between("Limits", "calls_per_minute")
    )
    monthly_calls = models.BigIntegerField(
        "calls a month of one deployment", null=True, blank=True, default=7_500_000,
        validators=_between("Limits", "monthly_calls"),
    )  # fmt: skip
    monthly_credits = models.BigIntegerField(
        "credits a month", null=True, blank=True, validators=_between("Limits", "monthly_credits")
    )
    most_tenants = models.IntegerField(
        "tenants on one database", null=True, blank=True, default=10_000, validators=_between("Limits", "tenants")
    )
    most_accounts = models.IntegerField(
        "accounts on one database", null=True, blank=True, default=100_000, validators=_between("Limits", "accounts")
    )
    rows_per_day = models.BigIntegerField(
        "rows written a day", null=True, blank=True, default=3_000_000, validators=_between("Limits", "rows_per_day")
    )
    disk_bytes = models.BigIntegerField(
        "bytes of disk", null=True, blank=True, validators=_between("Limits", "disk_bytes")
    )
    calibrated_at = models.DateTimeField(null=True, editable=False)
    calibration = models.JSONField(default=list, editable=False, help_text="What could not be measured, as sentences.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "capacity_scenarios"
        ordering = ["name"]
        verbose_name = "scenario"

    def __str__(self) -> str:
        return self.name


class CapacityTier(models.Model):
    """Sheet 2: tenants of one plan."""

    scenario = models.ForeignKey(CapacityScenario, on_delete=models.CASCADE, related_name="tiers")
    code = models.CharField("tier", max_length=20)
    tenants = models.IntegerField(validators=_between("Tier", "tenants"))
    accounts = models.IntegerField(
        validators=_between("Tier", "accounts"), help_text="That all of its tenants track together."
    )
    growth = models.FloatField(
        "growth in 30 days", default=0.0, validators=_between("Tier", "growth"), help_text="0.1 is a tenth."
    )

    class Meta:
        db_table = "capacity_tiers"
        ordering = ["id"]
        verbose_name = "tier"
        constraints = [models.UniqueConstraint(name="capacity_tiers_once", fields=["scenario", "code"])]

    def __str__(self) -> str:
        return self.code


class CapacityFeature(models.Model):
    """Sheet 1: what one feature asks of one endpoint for one tier."""

    scenario = models.ForeignKey(CapacityScenario, on_delete=models.CASCADE, related_name="features")
    name = models.CharField("feature", max_length=40)
    endpoint = models.CharField(max_length=40)
    tier = models.CharField(max_length=20)
    active = models.IntegerField(validators=_between("Feature", "active"), help_text="Tenants or accounts that use it.")
    calls_per_day = models.FloatField("calls a day each", validators=_between("Feature", "calls_per_day"))
    credits_per_call = models.FloatField(
        "credits a call", default=1.0, validators=_between("Feature", "credits_per_call")
    )

    class Meta:
        db_table = "capacity_features"
        ordering = ["id"]
        verbose_name = "feature"

    def __str__(self) -> str:
        return f"{self.name} ({self.tier})"


class CapacityTable(models.Model):
    """Sheet 4: a table that grows with the accounts."""

    scenario = models.ForeignKey(CapacityScenario, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField("table", max_length=63)
    rows_per_account = models.FloatField("rows a day per account", validators=_between("Table", "rows_per_account"))
    bytes_per_row = models.FloatField(
        "bytes a row", validators=_between("Table", "bytes_per_row"), help_text="With its indexes."
    )
    kept_days = models.IntegerField(
        "days kept", null=True, blank=True, validators=_between("Table", "kept_days"), help_text="Empty: for good."
    )
    bytes_now = models.BigIntegerField("bytes now", default=0, validators=_between("Table", "bytes_now"))

    class Meta:
        db_table = "capacity_tables"
        ordering = ["id"]
        verbose_name = "table"
        constraints = [models.UniqueConstraint(name="capacity_tables_once", fields=["scenario", "name"])]

    def __str__(self) -> str:
        return self.name


class QuarterPlan(models.Model):
    """What was planned for a quarter, as it was when somebody adopted it: the review compares with this.

    `quarter` is its first day; `inputs` are those of the scenario `name`, which may have changed since.
    """

    quarter = models.DateField(primary_key=True)
    name = models.CharField(max_length=60)
    inputs = models.JSONField()
    adopted_at = models.DateTimeField()

    class Meta:
        db_table = "quarter_plans"
        ordering = ["-quarter"]

    def __str__(self) -> str:
        return f"{self.name} for the quarter from {self.quarter}"
