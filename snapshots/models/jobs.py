from __future__ import annotations

from django.db import models
from django.db.models.functions import Greatest

from snapshots.models.accounts import TrackedAccount
from tikdash.db.rls import TenantForeignKey
from tikdash.words import N_

#: Seconds between two runs of kinds that spend no credits: every plan has them, and no plan says how often.
FIXED_CADENCES = {"pictures": 604_800}
#: Kinds that belong to no account, or only to the few that somebody asked them for.
RARE_KINDS = ["hashtag", "sound", "probe", "backfill"]


class FetchJob(models.Model):
    """One account's work of one kind, due at `next_due_at`: the row is the queue, Redis only carries wake-ups.

    A dispatcher claims a row by setting `lease_until`; a worker that begins sets `started_at`; until the lease ends
    nobody else takes the row. `cadence_s` and `offset_s` are seconds; a row without a cadence runs once.
    """

    class Kind(models.TextChoices):
        PROFILE = "profile", N_("Profile")
        POSTS = "posts", N_("Posts")
        EARLY = "early", N_("Early readings")
        DETAIL = "detail", N_("Details of posts")
        COMMENTS = "comments", N_("Comments")
        FOLLOWERS = "followers", N_("Followers")
        FOLLOWING = "following", N_("Followings")
        STORIES = "stories", N_("Stories")
        HASHTAG = "hashtag", N_("Hashtags")
        SOUND = "sound", N_("Sounds")
        PICTURES = "pictures", N_("Pictures")
        PROBE = "probe", N_("Handle check")
        BACKFILL = "backfill", N_("Backfill")

    class Queue(models.TextChoices):
        INTERACTIVE = "interactive", "Interactive"
        ENTERPRISE = "enterprise", "Enterprise"
        PRO = "pro", "Pro"
        FREE = "free", "Free"
        BACKFILL = "backfill", "Backfill"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        DEAD = "dead", "Dead"
        CANCELLED = "cancelled", "Cancelled"

    tenant = TenantForeignKey()
    account = models.ForeignKey(
        TrackedAccount, null=True, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="jobs"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    queue = models.CharField(max_length=12, choices=Queue)
    priority = models.SmallIntegerField(default=0, help_text="Higher runs first within its tenant.")
    cadence_s = models.IntegerField(null=True)
    why = models.CharField(max_length=120, blank=True, db_default="", help_text="Why the job runs as often as it does.")
    offset_s = models.IntegerField(default=0)
    next_due_at = models.DateTimeField()
    cursor = models.CharField(max_length=120, blank=True)
    credits_spent = models.IntegerField(db_default=0, help_text="Of work that is done once, such as a backfill.")
    credit_cap = models.IntegerField(null=True)
    params = models.JSONField(default=dict)
    attempts = models.SmallIntegerField(default=0, help_text="Failures since the last success.")
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.ACTIVE)
    requested_at = models.DateTimeField(null=True, help_text="When a person last asked for it.")
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True, help_text="The last error, as a sentence; empty after a success.")
    created_at = models.DateTimeField()
    #: When a dispatcher may take the row: it is due, and nobody holds it. One column, so that one index serves it.
    claimable_at = models.GeneratedField(
        expression=Greatest("next_due_at", "lease_until"), output_field=models.DateTimeField(), db_persist=True
    )

    class Meta:
        db_table = "fetch_jobs"
        permissions = [("retry_fetchjob", "Can give dead jobs another chance")]
        constraints = [
            # Of those without an account there may be many; they are in it so that a tenant's jobs are found by it.
            models.UniqueConstraint(name="fetch_jobs_once", fields=["tenant", "account", "kind"])
        ]
        indexes = [
            models.Index(
                name="fetch_jobs_claim",
                fields=["queue", "claimable_at"],
                include=["tenant", "priority", "id", "kind", "cadence_s"],
                condition=models.Q(state="active"),
            ),
            # For days on which more is due than one reads: each tenant's first job, without those behind it.
            models.Index(
                name="fetch_jobs_by_tenant",
                fields=["queue", "tenant", "priority", "claimable_at"],
                include=["id", "kind", "cadence_s"],
                condition=models.Q(state="active"),
            ),
            models.Index(name="fetch_jobs_paused", fields=["queue", "kind"], condition=models.Q(state="paused")),
            models.Index(name="fetch_jobs_dead", fields=["error_code", "kind"], condition=models.Q(state="dead")),
            # What is looked for among very many others.
            models.Index(name="fetch_jobs_rare", fields=["kind"], condition=models.Q(kind__in=RARE_KINDS)),
            models.Index(
                name="fetch_jobs_leased", fields=["queue", "lease_until"], condition=models.Q(lease_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} job {self.id}"
