from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tikdash.db.rls import TenantForeignKey


class ApiToken(models.Model):
    """A partner's token for one tenant: `tkd_KEY_SECRET`. The key finds the row; of the secret there is a keyed hash.

    The hash is HMAC-SHA256 under a pepper of TOKEN_PEPPERS, so that a dump of the table verifies nothing.
    """

    tenant = TenantForeignKey()
    name = models.CharField(max_length=80)
    key = models.CharField(max_length=12, unique=True, help_text="Not secret: lists and logs may show `tkd_KEY`.")
    pepper_id = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=24))
    tags = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Only accounts with one of these; empty: all."
    )
    networks = ArrayField(
        models.CharField(max_length=49), default=list, help_text="Only from these addresses; empty: from anywhere."
    )
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    form_hash = models.CharField(
        max_length=64, db_default="", help_text="SHA-256 of what names the form that made it: sent twice, it makes one."
    )
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=200, db_default="")

    class Meta:
        db_table = "api_tokens"
        verbose_name = "API token"
        ordering = ["-created_at"]
        indexes = [models.Index(name="api_tokens_tenant", fields=["tenant", "-created_at"])]
        constraints = [
            models.UniqueConstraint(
                name="api_tokens_form", fields=["tenant", "form_hash"], condition=~models.Q(form_hash="")
            ),
            models.CheckConstraint(name="api_tokens_scopes", condition=~models.Q(scopes=[])),
        ]

    def __str__(self) -> str:
        return f"{self.name} (tkd_{self.key})"
