"""How often one address or one person may do something; the numbers are in ACCOUNT_RATE_LIMITS, the counts in Redis."""

from __future__ import annotations

from allauth.core.internal import ratelimit
from django.http import HttpRequest


def is_too_often(request: HttpRequest, action: str) -> bool:
    """Counts this request, reading ones too, and says whether it is one too many."""
    return not ratelimit.consume(request, app="allauth.account", action=action, limit_get=True)
