from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tikdash.plans import FEATURES, KINDS_WITH_CADENCE

#: Seconds: nothing is read more often than once a minute or more seldom than every 90 days.
SHORTEST_S, LONGEST_S = 60, 90 * 86_400


def check_cadences(value: Any) -> None:
    """Raises ValidationError, with a sentence for each, for kinds that do not exist and times that cannot be."""
    if not isinstance(value, dict):
        raise ValidationError('Write seconds by kind of job: {"profile": 86400, "posts": 86400}.')
    wrong = [
        f"“{kind}” is no kind of job that a plan paces: {', '.join(sorted(KINDS_WITH_CADENCE))}."
        for kind in value
        if kind not in KINDS_WITH_CADENCE
    ]
    wrong += [
        f"“{kind}”: write whole seconds, from {SHORTEST_S} (a minute) to {LONGEST_S} (90 days)."
        for kind, seconds in value.items()
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not SHORTEST_S <= seconds <= LONGEST_S
    ]
    if wrong:
        raise ValidationError(wrong)


def check_features(value: Any) -> None:
    """Raises ValidationError for anything but a list of known features."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one in FEATURES for one in value):
        raise ValidationError(f"Write a list of some of: {', '.join(FEATURES)}.")
    if len(set(value)) < len(value):
        raise ValidationError("A feature stands in the list once.")


class Plan(models.Model):
    """What tenants of one plan may do. `cadences`: seconds between two runs of a job, by kind.

    `requests_per_minute` and `requests_burst` are a tenant's share of a key that it shares with others;
    `daily_credits` and `monthly_credits` are what it may spend in a UTC day and month, NULL without a cap. Beyond the
    month's credits work goes on for `grace_percent` of them, and beyond accounts and seats for `grace_days`; then what
    is too much pauses, and no row is dropped.
    """

    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=60)
    tracked_accounts = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    queue = models.CharField(
        max_length=12, choices=[("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")], default="free"
    )
    cadences = models.JSONField(
        default=dict,
        validators=[check_cadences],
        help_text='Seconds by kind of job: {"profile": 86400, "posts": 86400}. A kind that is missing is not in the'
        " plan.",
    )
    posts_kept_fresh = models.PositiveIntegerField(default=30, help_text="Newest posts whose counters every run reads.")
    readings_kept_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How long readings within the day are kept, days. Empty: as long as the installation says. They share"
        " tables, so the longest of all plans in use counts.",
    )

    requests_per_minute = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="Requests a minute that one tenant may take of a shared key.",
    )
    requests_burst = models.PositiveIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text="How many of these requests one tenant may make at once.",
    )
    daily_credits = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Credits that one tenant may spend in a day (UTC). Empty: no cap. Refreshes may use a small reserve"
        " beyond it.",
    )

    monthly_credits = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Credits that one tenant may spend in a month (UTC). Empty: no cap. Its grants come on top.",
    )
    grace_percent = models.PositiveSmallIntegerField(
        default=10,
        validators=[MaxValueValidator(100)],
        help_text="How far beyond the month's credits work goes on, %.",
    )
    grace_days = models.PositiveSmallIntegerField(
        default=14,
        validators=[MaxValueValidator(90)],
        help_text="How long a workspace that is beyond its accounts or seats goes on as before, days.",
    )
    seats = models.PositiveIntegerField(
        default=3, validators=[MinValueValidator(1)], help_text="People who may be members of one workspace."
    )
    features = models.JSONField(
        default=list,
        blank=True,
        validators=[check_features],
        help_text=f"What else is in the plan, a list of some of: {', '.join(FEATURES)}.",
    )
    api_requests_per_minute = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1)],
        help_text="Requests a minute that each API token of a tenant may make. Only where the API is in the plan.",
    )
    price_cents = models.PositiveIntegerField(default=0, help_text="A month, in cents.")
    history_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="How far back growth, comparisons and their files go, days. Empty: all that is kept. Nothing is"
        " dropped.",
    )

    class Meta:
        db_table = "plans"
        ordering = ["tracked_accounts"]
        constraints = [
            models.CheckConstraint(name="plans_requests_per_minute", condition=models.Q(requests_per_minute__gte=1)),
            models.CheckConstraint(name="plans_requests_burst", condition=models.Q(requests_burst__gte=1)),
            models.CheckConstraint(
                name="plans_api_requests_per_minute", condition=models.Q(api_requests_per_minute__gte=1)
            ),
            # NULL passes a check: a plan without a cap.
            models.CheckConstraint(name="plans_daily_credits", condition=models.Q(daily_credits__gte=1)),
            models.CheckConstraint(name="plans_monthly_credits", condition=models.Q(monthly_credits__gte=1)),
            models.CheckConstraint(
                name="plans_day_in_month",
                condition=models.Q(daily_credits__lte=models.F("monthly_credits")),
                violation_error_message="A day cannot have more credits than its month.",
            ),
            models.CheckConstraint(name="plans_tracked_accounts", condition=models.Q(tracked_accounts__gte=1)),
            models.CheckConstraint(name="plans_seats", condition=models.Q(seats__gte=1)),
            models.CheckConstraint(name="plans_grace", condition=models.Q(grace_percent__lte=100, grace_days__lte=90)),
            models.UniqueConstraint(
                models.functions.Lower("name"),
                name="plans_name",
                violation_error_message="There is a plan of this name already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
