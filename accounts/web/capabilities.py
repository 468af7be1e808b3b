"""Views that not every member may open; the table is `accounts.roles`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import FileResponse, Http404, HttpResponse

from accounts.roles import Capability, refuse_unless

View = Callable[..., HttpResponse | FileResponse]


def requires(capability: Capability) -> Callable[[View], View]:
    """On a workspace's host: members whose role lacks it get 403 with the sentence that says who may."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse | FileResponse:
            if request.membership is None:
                raise Http404
            refuse_unless(request.membership.role, capability)
            return view(request, *args, **kwargs)

        return guarded

    return decorate
