from __future__ import annotations

from django.db import models


class SignUp(models.Model):
    """What somebody who signed up asked for; made, and the row deleted, when the address is confirmed."""

    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="sign_up")
    workspace = models.CharField(max_length=120, help_text="Name of the workspace.")
    slug = models.CharField(max_length=40, help_text="The address that was wished for; taken only when it is made.")
    handle = models.CharField(max_length=40, blank=True, help_text="The first TikTok handle, cleaned.")
    time_zone = models.CharField(max_length=60, default="UTC")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "sign_ups"
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.workspace} ({self.slug})"
