from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

SLUG = RegexValidator(
    r"^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$",
    "Use 1–40 lower-case letters, digits and hyphens; begin with a letter and do not end with a hyphen.",
)


class Tenant(models.Model):
    """A customer: a workspace with members, a plan and an address of its own. Its rows are in `shard`."""

    class State(models.TextChoices):
        TRIAL = "trial", "Trial"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        #: A number that the ledger points at, and nothing else any more.
        ERASED = "erased", "Erased"

    class KeyMode(models.TextChoices):
        SHARED = "shared", "Shared key"
        OWN = "own", "Own key"
        TRIAL = "trial", "Shared key on trial, then own key"

    class PauseCause(models.TextChoices):
        OPS = "ops", "Operators"
        KEY = "key", "No key that works"
        TRIAL = "trial", "The trial is over"
        STATE = "state", "Suspended"
        MOVE = "move", "Being moved"

    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    shard = models.ForeignKey("accounts.Shard", on_delete=models.PROTECT, related_name="tenants")
    plan = models.CharField(max_length=20, default="free", help_text="Code of a plan in Billing.")
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    key_mode = models.CharField(max_length=8, choices=KeyMode, default=KeyMode.SHARED)
    time_zone = models.CharField(max_length=60, default="UTC")
    headline_rate = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="Id of the engagement rate that pages lead with; empty for the usual one.",
    )
    language = models.CharField(
        max_length=8, blank=True, default="", db_default="", help_text="Of mails to people who have not chosen theirs."
    )
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    fetching_paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    fetching_paused_reason = models.CharField(
        max_length=200, blank=True, db_default="", editable=False, help_text="A sentence that the customer reads."
    )
    fetching_paused_cause = models.CharField(
        max_length=8, choices=PauseCause, db_default="", blank=True, editable=False, help_text="Who may resume it."
    )
    state_before_suspension = models.CharField(max_length=12, db_default="", blank=True, editable=False)
    active_key = models.ForeignKey(
        "accounts.TenantKey",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    erase_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it is erased; until then it is read-only."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tenants"
        ordering = ["slug"]
        #: What operators do to a workspace, each for itself: `accounts.services.staff_roles` gives them out.
        permissions = [
            ("look_as_person", "Can look at a workspace as one of its people"),
            ("pause_fetching", "Can pause and resume the fetching of a workspace"),
            ("give_plan", "Can give a workspace another plan"),
            ("move_tenant", "Can move the rows of a workspace to another schema"),
            ("try_key", "Can have the key of a workspace tried again"),
            ("sign_out_people", "Can sign out everybody of a workspace"),
            ("take_along", "Can download all that a workspace has"),
            ("close_workspace", "Can have a workspace deleted"),
            ("bring_handles", "Can track a list of handles for a workspace"),
        ]
        constraints = [
            models.CheckConstraint(
                name="tenants_trial_has_end",
                condition=~models.Q(state="trial") | models.Q(trial_ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="tenants_pause_has_reason",
                condition=models.Q(fetching_paused_at__isnull=True) | ~models.Q(fetching_paused_reason=""),
            ),
        ]
        indexes = [
            # The dispatcher asks at every tick, however many tenants there are.
            models.Index(name="tenants_paused", fields=["id"], condition=models.Q(fetching_paused_at__isnull=False)),
            models.Index(name="tenants_own_key", fields=["id"], condition=models.Q(key_mode="own")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schema_name(self) -> str:
        """The schema that holds the tenant's rows."""
        return str(self.shard.schema_name)


class Domain(models.Model):
    """A host name under which a tenant is reached, without port; lower case."""

    domain = models.CharField(max_length=253, unique=True)
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.CASCADE, related_name="domains")
    is_primary = models.BooleanField(default=True)

    class Meta:
        db_table = "domains"
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(name="domains_one_primary", fields=["tenant"], condition=models.Q(is_primary=True)),
            models.CheckConstraint(
                name="domains_lower_case", condition=models.Q(domain=models.functions.Lower("domain"))
            ),
        ]

    def __str__(self) -> str:
        return self.domain
