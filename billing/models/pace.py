from __future__ import annotations

from django.db import models


class KeyPace(models.Model):
    """When the next request with one key may be made while Redis is gone, by PostgreSQL's clock."""

    key_id = models.CharField(max_length=40, primary_key=True)
    next_at = models.DateTimeField()

    class Meta:
        db_table = "key_paces"

    def __str__(self) -> str:
        return f"{self.key_id} from {self.next_at:%H:%M:%S}"
