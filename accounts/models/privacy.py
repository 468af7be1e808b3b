from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class PrivacyRequest(models.Model):
    """What a person known to TikTok has asked of us: to see what we have, or to have it erased.

    `identity` and `contact` are sealed and go when the request is done; what stays are keyed digests, counts and dates.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", "Access: a copy of what is kept"
        ERASURE = "erasure", "Erasure, and to be left out from then on"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ERASING = "erasing", "Being erased"
        SWEEPING = "sweeping", "Erased; looked for once more in a while"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    class By(models.TextChoices):
        PERSON = "person", "The person"
        REPRESENTATIVE = "representative", "Somebody for the person"
        AUTHORITY = "authority", "An authority"
        CUSTOMER = "customer", "A customer, to whom the person turned"

    class Basis(models.TextChoices):
        ACCESS = "gdpr-15", "GDPR art. 15: access"
        NOT_NEEDED = "gdpr-17-1-a", "GDPR art. 17 (1) a: no longer needed"
        CONSENT = "gdpr-17-1-b", "GDPR art. 17 (1) b: consent withdrawn"
        OBJECTION = "gdpr-17-1-c", "GDPR art. 17 (1) c, 21: objection"
        UNLAWFUL = "gdpr-17-1-d", "GDPR art. 17 (1) d: unlawful"
        CHILD = "gdpr-17-1-f", "GDPR art. 17 (1) f: a child's data"
        OTHER = "other", "Another law"

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.ERASURE)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN, editable=False)
    asked_by = models.CharField("who asked", max_length=14, choices=By, default=By.PERSON)
    basis = models.CharField("legal basis", max_length=12, choices=Basis, default=Basis.OBJECTION)
    identity = models.TextField(blank=True, editable=False, help_text="Sealed; empty once the request is done.")
    contact = models.TextField(blank=True, editable=False, help_text="Where to answer; sealed, as the identity.")
    digests = ArrayField(models.CharField(max_length=64), default=list, editable=False)
    asked_on = models.DateField(help_text="The day on which it reached us; the answer is due 30 days later.")
    due_on = models.DateField(editable=False)
    found = models.JSONField(default=dict, editable=False, help_text="Rows by kind of data, at the last search.")
    concerned = models.JSONField(default=list, editable=False, help_text="Workspaces by number, and our role in each.")
    erased = models.JSONField(default=dict, editable=False, help_text="Rows by kind of data.")
    outcome = models.CharField(max_length=400, blank=True, help_text="Why it was refused. No names.")
    created_at = models.DateTimeField(auto_now_add=True)
    searched_at = models.DateTimeField(null=True, editable=False)
    exported_at = models.DateTimeField(null=True, editable=False)
    sweep_at = models.DateTimeField(null=True, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "privacy_requests"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="privacy_requests_forget",
                condition=~models.Q(state__in=["done", "refused"]) | models.Q(identity="", contact=""),
            )
        ]

    def __str__(self) -> str:
        return f"Request {self.pk} ({self.get_state_display().lower()})"


class LeftOut(models.Model):
    """A handle, id or sec_uid of a person about whom we keep nothing, as a keyed digest. Deleted, it is taken back."""

    class What(models.TextChoices):
        HANDLE = "handle", "Handle"
        ID = "id", "TikTok id"
        SEC_UID = "sec_uid", "sec_uid"

    what = models.CharField(max_length=7, choices=What)
    digest = models.CharField(max_length=64, unique=True)
    pepper_id = models.CharField(max_length=16)
    request = models.ForeignKey(PrivacyRequest, on_delete=models.PROTECT, related_name="left_out")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "left_out"
        verbose_name = "entry of who is left out"
        verbose_name_plural = "who is left out"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.get_what_display()} of request {self.request_id}"
