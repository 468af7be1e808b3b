"""Putting an announcement away."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.services.telling import dismiss
from tikdash.ui.htmx import wants_piece


@require_POST
def dismiss_announcement(request: Any, announcement_id: int) -> HttpResponse:
    """The person who is signed in does not see it any more; back to where they were."""
    if not dismiss(announcement_id=announcement_id, tenant=request.tenant, user_id=request.user.pk):
        raise Http404
    if wants_piece(request):
        return HttpResponse()
    back = request.POST.get("next", "")
    return redirect(back if get_adapter(request).is_safe_url(back) else "/")
