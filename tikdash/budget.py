"""What a workspace has spent, asked through a port: the ledger is `billing`'s, which `snapshots` must not
import."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def _port(path: str) -> Callable[..., Any]:
    return cast(Callable[..., Any], import_string(path))


def credits_by_feature(tenant_id: int, days: int) -> dict[str, int]:
    """The credits that the tenant was charged in the last `days` UTC days, by feature (the kind of the job)."""
    return cast("dict[str, int]", _port(settings.CREDITS_BY_FEATURE)(tenant_id, days))
