"""Pages fetched ahead: a pointer that rests on a row for a moment makes the browser ask for the row's page early.

The browser does it by itself (speculation rules), where it can, and only where data and battery allow. It costs no
credits: a page that is fetched has not been looked at until its own script says so.
"""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

#: Links that lead from a row to its page. "Moderate" is a pointer that rests for a fifth of a second, or a press.
ROW_LINKS = "a.stretch"
RULES = orjson.dumps(
    {"prefetch": [{"source": "document", "where": {"selector_matches": ROW_LINKS}, "eagerness": "moderate"}]}
)


@require_GET
@cache_control(private=True, max_age=86_400)
def rules(request: HttpRequest) -> HttpResponse:
    """The rules, as browsers ask for them."""
    return HttpResponse(RULES, content_type="application/speculationrules+json")


def with_rows(response: HttpResponse) -> HttpResponse:
    """A page with rows whose pages may be fetched ahead."""
    response["Speculation-Rules"] = f'"{reverse("prefetch_rules")}"'
    return response
