"""What operators do to many rows of a list at once: asked once more with counts and cost, by a worker where it is much.

Like the actions of a tenant's page (`accounts.tenant_page`): each app names its own in the settings (`BULK_ACTIONS`),
because a worker finds them by their name. Each row is a service call of its own, with its entry in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string

#: So many rows can be chosen at once.
MOST_ROWS = 10_000
#: So many names stand on the page that asks.
MOST_NAMES = 10


@dataclass(frozen=True)
class BulkAction:
    """Something that is done to each of the chosen rows.

    `says` are sentences about all of them: what happens, how much it concerns, what it costs. `run` does it to the row
    of that key and returns whether that changed anything, or raises TikdashError: then the others are done
    nevertheless. Called twice for a row, it does no harm.
    """

    name: str
    title: str
    permission: str
    model: type[Model]
    says: Callable[[QuerySet[Any]], Sequence[str]]
    run: Callable[[int, dict[str, Any]], bool]
    form: type[forms.Form] | None = None
    is_grave: bool = False

    def count_of(self, rows: int) -> str:
        """`1 tenant`, `1,200 tenants`."""
        names = self.model._meta
        return f"{rows:,} {names.verbose_name if rows == 1 else names.verbose_name_plural}"


@cache
def bulk_actions() -> dict[str, BulkAction]:
    """The actions of all apps by name."""
    return {one.name: one for path in settings.BULK_ACTIONS for one in import_string(path)}
