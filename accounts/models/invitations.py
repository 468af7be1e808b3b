from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from accounts.models.users import Membership
from tikdash.db.rls import TenantForeignKey


class Invitation(models.Model):
    """An open invitation into the workspace. Accepted or taken back, the row is gone; the audit log remembers.

    The link in the mail holds the token, the row its SHA-256 only.
    """

    tenant = TenantForeignKey()
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Membership.Role)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "invitations"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(name="invitations_once", fields=["tenant", "email"]),
            models.CheckConstraint(name="invitations_email_lower_case", condition=models.Q(email=Lower("email"))),
            models.CheckConstraint(name="invitations_no_owner", condition=models.Q(role__in=["admin", "member"])),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"
