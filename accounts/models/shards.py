from __future__ import annotations

from django.db import models
from django_tenants.models import TenantMixin


class Shard(TenantMixin):
    """A schema that holds tenants' rows: many tenants in a shared one, a single tenant in a dedicated one.

    This is django-tenants' tenant model; its own `with`, `activate` and automatic schemas are not used
    (`tikdash.db.scope`, `accounts.services.placement`).
    """

    class Kind(models.TextChoices):
        SHARED = "shared", "Shared"
        DEDICATED = "dedicated", "Dedicated"

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SHARED)
    created_at = models.DateTimeField(auto_now_add=True)

    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        db_table = "shards"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.schema_name} ({self.kind})"
