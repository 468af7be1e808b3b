from __future__ import annotations

from django.db import models


class Session(models.Model):
    """One browser on one host. The cookie holds the key; the row its hash only, and sealed what the session carries.

    So a dump of the table opens no session, and shows no code or key that a form keeps for its next step.
    """

    key_hash = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the cookie.")
    data = models.TextField(help_text="Sealed.")
    expires_at = models.DateTimeField(db_index=True)
    user = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.CASCADE,
        # Somebody may be deleted while a session of theirs is written.
        db_constraint=False,
        related_name="sessions",
        help_text="Who is signed in.",
    )
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, db_default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "sessions"
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"session since {self.created_at:%Y-%m-%d %H:%M}"
