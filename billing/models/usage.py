from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from tikdash.db.rls import TenantForeignKey


class UsageFields(models.Model):
    """One attempt of one call that reached the upstream. Append-only."""

    occurred_at = models.DateTimeField()
    key_id = models.CharField(max_length=40)
    endpoint = models.CharField(max_length=40)
    feature = models.CharField(max_length=40)
    priority = models.CharField(max_length=12)
    outcome = models.CharField(max_length=40, help_text="“ok” or the code of the error.")
    http_status = models.SmallIntegerField(null=True)
    # Of one request, whose price is the catalogue's: 1 at present. What takes many requests, a backfill, has as many
    # rows; sums are 64 bits wide.
    credits = models.SmallIntegerField()
    attempts = models.SmallIntegerField()
    latency_ms = models.IntegerField()

    class Meta:
        abstract = True


class UsageEvent(UsageFields):
    """The ledger's first entry, partitioned by month. `id` is the client's request id, so a replay writes nothing."""

    pk = models.CompositePrimaryKey("id", "occurred_at")
    id = models.UUIDField()
    tenant = TenantForeignKey()

    class Meta:
        db_table = "usage_events"
        indexes = [
            models.Index(name="usage_events_tenant_time", fields=["tenant", "occurred_at"]),
            # Rows come in the order of time: what the rollup reads of a month of 100 M rows is found by 0.1 MB.
            BrinIndex(name="usage_events_time", fields=["occurred_at"], pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.outcome} {self.occurred_at:%Y-%m-%d %H:%M:%S}"


class UsageRecordRow(UsageFields):
    """The same table seen with `id` alone as its key: the admin cannot show models with a composite key. Read only."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", editable=False
    )

    class Meta:
        managed = False
        db_table = "usage_events"
        verbose_name = "usage event"
        ordering = ["-occurred_at"]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.outcome}"


class UsageDaily(models.Model):
    """The rollup: all requests of a UTC day of one tenant with one key to one endpoint for one feature and priority.

    `requests` = `ok` + `failed` + `unsettled`. `credits` is what the upstream took, `charged` the part of it that the
    tenant pays: credits of requests that failed are ours. `unsettled` requests began and nobody knows how they ended
    (decision 0020): they are in `credits` with nothing, and with `unsettled_credits` at the most.
    """

    pk = models.CompositePrimaryKey("tenant", "day", "key_id", "endpoint", "feature", "priority")
    tenant = TenantForeignKey()
    day = models.DateField()
    key_id = models.CharField(max_length=40)
    endpoint = models.CharField(max_length=40)
    feature = models.CharField(max_length=40)
    priority = models.CharField(max_length=12)
    requests = models.IntegerField()
    ok = models.IntegerField()
    failed = models.IntegerField()
    unsettled = models.IntegerField()
    credits = models.BigIntegerField()
    charged = models.BigIntegerField()
    unsettled_credits = models.BigIntegerField()
    latency_ms = models.BigIntegerField(help_text="Sum over all requests, milliseconds.")

    class Meta:
        db_table = "usage_daily"
        # Days come one after the other, and a row is added to all day long: this index costs an update nothing.
        indexes = [BrinIndex(name="usage_daily_day", fields=["day"], pages_per_range=16, autosummarize=True)]

    def __str__(self) -> str:
        return f"{self.day} {self.endpoint} {self.feature}: {self.credits}"


class UsageHourly(models.Model):
    """Requests and credits of one hour (UTC) to one endpoint, of the whole deployment: what is unusual is seen here."""

    pk = models.CompositePrimaryKey("hour", "endpoint")
    hour = models.DateTimeField()
    endpoint = models.CharField(max_length=40)
    requests = models.IntegerField()
    credits = models.BigIntegerField()

    class Meta:
        db_table = "usage_hourly"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:00 {self.endpoint}: {self.requests}"


class UsageFill(models.Model):
    """How far a UTC day is rolled up: every event before `filled_until` is in the rollup, exactly once.

    STARTED is written, and committed, before a part of the day is counted; `filled_until` moves in the transaction
    that counts. DONE: the whole day is. `events` and `credits` are what has been counted, to be compared with.
    """

    class State(models.TextChoices):
        STARTED = "started", "Started"
        DONE = "done", "Done"

    day = models.DateField(primary_key=True)
    state = models.CharField(max_length=8, choices=State, default=State.STARTED)
    filled_until = models.DateTimeField()
    events = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    fills = models.IntegerField(default=0, help_text="How often the whole day was counted anew.")

    class Meta:
        db_table = "usage_fills"
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day} {self.state}"


class LateUsage(models.Model):
    """A day that got an event, or the end of one, after it may have been counted: it is counted anew."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()

    class Meta:
        db_table = "usage_late"

    def __str__(self) -> str:
        return f"{self.day}"


class UsageSaved(models.Model):
    """Answers that cost nothing, and the credits that they would have cost, by what made them free."""

    class Way(models.TextChoices):
        CACHE = "cache", "Kept answer"
        FLIGHT = "flight", "Asked at the same time"
        SHARED = "shared", "Shared with other workspaces"

    pk = models.CompositePrimaryKey("tenant", "day", "endpoint", "feature", "way")
    tenant = TenantForeignKey()
    day = models.DateField()
    endpoint = models.CharField(max_length=40)
    feature = models.CharField(max_length=40)
    way = models.CharField(max_length=8, choices=Way)
    answers = models.BigIntegerField()
    credits = models.BigIntegerField()

    class Meta:
        db_table = "usage_saved"
        indexes = [models.Index(name="usage_saved_day", fields=["day"])]

    def __str__(self) -> str:
        return f"{self.day} {self.endpoint} {self.way}: {self.credits}"


class UsageCorrection(models.Model):
    """Credits that are put right by hand: a row of its own with a reason, never a change of what was counted.

    Positive credits are added to what the tenant is charged, negative ones are taken off. `day` is the UTC day on
    which they count; one of a month that has its invoice already counts on the day on which it was made.
    """

    tenant = TenantForeignKey()
    day = models.DateField()
    credits = models.BigIntegerField(help_text="Negative: the tenant gets them back.")
    reason = models.CharField(max_length=300, help_text="The customer reads it on the invoice.")
    made_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    made_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "usage_corrections"
        ordering = ["-made_at"]
        indexes = [models.Index(name="usage_corrections_day", fields=["tenant", "day"])]
        constraints = [
            models.CheckConstraint(name="usage_corrections_credits", condition=~models.Q(credits=0)),
            models.CheckConstraint(name="usage_corrections_reason", condition=~models.Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.credits:+} on {self.day}"
