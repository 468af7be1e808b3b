"""What a workspace has spent and may spend, asked through ports: the ledger is `billing`'s, which `snapshots` must not
import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class BudgetWord:
    """A cap that is near, or reached, as a sentence for the customer."""

    level: Literal["near", "reached"]
    sentence: str


@cache
def _port(path: str) -> Callable[..., Any]:
    return cast(Callable[..., Any], import_string(path))


def budget_words(tenant_id: int) -> list[BudgetWord]:
    """What is to be said of the tenant's caps of the day and the month; nothing while there is room."""
    return cast("list[BudgetWord]", _port(settings.BUDGET_WORDS)(tenant_id))


def credits_by_feature(tenant_id: int, days: int) -> dict[str, int]:
    """The credits that the tenant was charged in the last `days` UTC days, by feature (the kind of the job)."""
    return cast("dict[str, int]", _port(settings.CREDITS_BY_FEATURE)(tenant_id, days))
