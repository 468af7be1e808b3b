from __future__ import annotations

from django.db import models


class WaitingMail(models.Model):
    """A mail that the mail server has not taken yet; once it has, the row is gone.

    Address, subject and text are sealed together: they hold codes and links that open something.
    """

    template = models.CharField(max_length=120, help_text="Which text it is, for operators.")
    content = models.TextField(help_text="Sealed.")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True, help_text="Not before: set ahead while somebody sends it.")
    attempts = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "waiting_mails"
        ordering = ["due_at"]

    def __str__(self) -> str:
        return f"{self.template} since {self.created_at:%Y-%m-%d %H:%M}"
