from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models


class Plan(models.Model):
    """What tenants of one plan may do. `cadences`: seconds between two runs of a job, by kind."""

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=60)
    tracked_accounts = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    queue = models.CharField(
        max_length=12, choices=[("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")], default="free"
    )
    cadences = models.JSONField(default=dict, help_text='Seconds by kind of job: {"profile": 86400, "posts": 86400}.')
    posts_kept_fresh = models.PositiveIntegerField(default=30, help_text="Newest posts whose counters every run reads.")
    chart_days = models.PositiveIntegerField(default=365, help_text="Longest range a chart offers, days.")

    class Meta:
        db_table = "plans"
        ordering = ["tracked_accounts"]

    def __str__(self) -> str:
        return self.name
