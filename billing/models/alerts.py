from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from tikdash.crypto import keyed_digest, lock, unlock
from tikdash.db.rls import TenantForeignKey

#: What addresses of webhooks are sealed for.
SEALED_FOR = "billing.alert_channels"


def shown_of(url: str) -> str:
    """What people are shown of a webhook's address, which is a password: its host and its end."""
    return f"{urlsplit(url).hostname} …{url.rstrip('/')[-4:]}"


def digest_of(url: str) -> str:
    """By which the same address is known again."""
    return keyed_digest(SEALED_FOR, url)


class AlertChannel(models.Model):
    """Where alerts about spending go: an e-mail address, or the address of an incoming webhook (Slack's and alike).

    Without a tenant: about the whole deployment, for operations. `escalation`: only for what is critical. A webhook's
    address is a password: saving the row seals it, and leaves what may be shown of it in its place.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook (Slack and alike)"

    tenant = TenantForeignKey(null=True, blank=True)
    kind = models.CharField(max_length=8, choices=Kind)
    address = models.CharField(max_length=500, help_text="Of a webhook only what may be shown.")
    sealed = models.TextField(blank=True, db_default="", editable=False, help_text="A webhook's address.")
    digest = models.CharField(
        max_length=64, blank=True, db_default="", editable=False, help_text="Keyed, so that none is there twice."
    )
    escalation = models.BooleanField(default=False, help_text="Only what is critical: from 90 % on.")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "alert_channels"
        constraints = [
            models.UniqueConstraint(
                name="alert_channels_once", fields=["tenant", "kind", "address", "digest"], nulls_distinct=False
            ),
            models.CheckConstraint(name="alert_channels_sealed", condition=Q(kind="email") | ~Q(sealed="")),
            models.CheckConstraint(name="alert_channels_address", condition=~Q(address="")),
        ]

    def __str__(self) -> str:
        return self.shown

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.kind == self.Kind.WEBHOOK and "://" in self.address:
            url = self.address
            self.address, self.sealed, self.digest = shown_of(url), lock(url, SEALED_FOR), digest_of(url)
        super().save(*args, **kwargs)

    @property
    def shown(self) -> str:
        """What people are shown: the address, of a webhook only its host and its end."""
        return self.address

    @property
    def target(self) -> str:
        """The whole address, for whoever sends to it. Raises CannotUnseal."""
        return unlock(self.sealed, SEALED_FOR) if self.kind == self.Kind.WEBHOOK else self.address


class UsageAlert(models.Model):
    """One thing that was found about spending, once per period: `rule` and `subject` in the period from `period`.

    Without a tenant: about the whole deployment or a key. It is resolved when it is no longer so.
    """

    class Rule(models.TextChoices):
        SEVENTY = "budget_70", "70 % of the month's budget"
        NINETY = "budget_90", "90 % of the month's budget"
        DAY_20 = "budget_75_by_20", "75 % by day 20"
        FORECAST = "forecast", "Forecast beyond the budget"
        ANOMALY = "anomaly", "Twice the calls of yesterday"
        PACK = "pack_empty", "Pack nearly empty"

    class Level(models.TextChoices):
        NOTICE = "notice", "Notice"
        WARNING = "warning", "Warning"
        CRITICAL = "critical", "Critical"

    tenant = TenantForeignKey(null=True, blank=True)
    rule = models.CharField(max_length=20)
    subject = models.CharField(max_length=60, help_text="What it is about: “month”, a key, an endpoint, a queue.")
    period = models.DateField(help_text="First day of the period: of the month, or the day itself.")
    level = models.CharField(max_length=8, choices=Level)
    sentence = models.CharField(max_length=400)
    facts = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last found to be so.")
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "usage_alerts"
        ordering = ["-opened_at"]
        indexes = [models.Index(name="usage_alerts_open", fields=["tenant"], condition=Q(resolved_at__isnull=True))]
        constraints = [
            models.UniqueConstraint(
                name="usage_alerts_once", fields=["tenant", "rule", "subject", "period"], nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.sentence


class AlertDelivery(models.Model):
    """One notice of one alert on its way to one channel. Sent at least once: a worker may die between both."""

    class Notice(models.TextChoices):
        OPENED = "opened", "Opened"
        RESOLVED = "resolved", "Resolved"

    tenant = TenantForeignKey(null=True, blank=True)
    alert = models.ForeignKey(UsageAlert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    notice = models.CharField(max_length=8, choices=Notice)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, help_text="NULL: delivered, or given up.")
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "alert_deliveries"
        indexes = [
            models.Index(name="alert_deliveries_due", fields=["next_try_at"], condition=Q(next_try_at__isnull=False))
        ]
        constraints = [
            models.UniqueConstraint(name="alert_deliveries_once", fields=["alert", "channel", "notice"]),
        ]

    def __str__(self) -> str:
        return f"{self.notice} to {self.channel}"
