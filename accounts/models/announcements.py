from __future__ import annotations

from django.db import models


class Announcement(models.Model):
    """A sentence of ours above customers' pages from `starts_at` to `ends_at`: for all, for a plan, or for one tenant.

    Each person puts it away for themselves. A text is shown as it was written, in one language.
    """

    text = models.CharField(max_length=400, help_text="What customers read, without markup.")
    plan = models.CharField(max_length=20, blank=True, default="", help_text="Code of a plan; empty: all plans.")
    # Not `tenant`: the row is ours, not the tenant's.
    only_for = models.ForeignKey(
        "accounts.Tenant",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="One tenant; empty: all.",
    )
    starts_at = models.DateTimeField(help_text="UTC.")
    ends_at = models.DateTimeField(help_text="UTC.")

    class Meta:
        db_table = "announcements"
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(name="announcements_text", condition=~models.Q(text="")),
            models.CheckConstraint(
                name="announcements_order",
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                violation_error_message="It must end after it begins.",
            ),
        ]
        # Every page asks, and nearly always there is none.
        indexes = [models.Index(name="announcements_ends", fields=["ends_at"])]

    def __str__(self) -> str:
        return self.text[:60]


class Dismissal(models.Model):
    """A person who has put an announcement away."""

    pk = models.CompositePrimaryKey("announcement", "user_id")
    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="dismissals")
    user_id = models.BigIntegerField()

    class Meta:
        db_table = "dismissals"

    def __str__(self) -> str:
        return f"announcement {self.announcement_id}, person {self.user_id}"


class Maintenance(models.Model):
    """The switch: while its row is there customers only read, and with `work_stops` nothing is fetched."""

    THE_ONE = 1

    id = models.SmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    sentence = models.CharField(max_length=200, help_text="What customers read, for example until when it takes.")
    work_stops = models.BooleanField(default=False, help_text="No job begins meanwhile; those that run end.")
    began_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "maintenance"
        verbose_name = "maintenance"
        verbose_name_plural = "maintenance"
        constraints = [
            models.CheckConstraint(name="maintenance_one", condition=models.Q(id=1)),
            models.CheckConstraint(name="maintenance_sentence", condition=~models.Q(sentence="")),
        ]

    def __str__(self) -> str:
        return f"Maintenance since {self.began_at:%Y-%m-%d %H:%M} UTC"
