"""The same for all accounts that were chosen on the list. What spends credits or removes is asked once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from snapshots.analytics.accounts import ids_of
from snapshots.services import bulk
from snapshots.services.removals import stop_tracking, undo_removal
from tikdash.errors import BadInput, TikdashError
from tikdash.ui import numbers
from tikdash.words import gettext, ngettext

MOST_CHOSEN = 5_000
FILTERS = ("q", "reason", "sort")
Action = Callable[[Any, list[int]], str]


@require_POST
def selected(request: Any) -> HttpResponse:
    """Does one thing with the accounts that were chosen, or asks whether it should; then the list, as it was."""
    try:
        ids, name = _chosen(request), request.POST.get("action", "")
        if name not in ACTIONS:
            raise BadInput(gettext("Choose what to do with the accounts."))
        if name in ASKED and not request.POST.get("confirmed"):
            return render(request, "snapshots/bulk_confirm.html", ASKED[name](ids) | _again(request, ids, name))
        if said := ACTIONS[name](request, ids):
            messages.success(request, said)
    except TikdashError as error:
        messages.error(request, str(error))
    return redirect(_back(request))


@require_POST
def undo(request: Any, removal_id: int) -> HttpResponse:
    """The accounts of a removal are tracked again."""
    try:
        back = undo_removal(tenant=request.tenant, removal_id=removal_id)
    except TikdashError as error:
        if error.status == 404:
            raise
        messages.error(request, str(error))
    else:
        messages.success(request, _back_again(back))
    return redirect("accounts")


def _back_again(n: int) -> str:
    said = ngettext(
        "{n} account is tracked again, with all numbers.", "{n} accounts are tracked again, with all numbers.", n
    )
    return _said(said, n)


def _chosen(request: Any) -> list[int]:
    """The ids that were ticked, or of all that the filter leaves. Those of other tenants lead nowhere."""
    if request.POST.get("all"):
        ids = ids_of(request.POST.get("q", "")[:100], request.POST.get("reason", ""), MOST_CHOSEN + 1)
    else:
        # One field with all of them where a page asked once more: a form may not have thousands of fields.
        typed = ",".join(request.POST.getlist("ids")).split(",")[: MOST_CHOSEN + 1]
        ids = [int(text) for text in typed if text.isascii() and text.isdecimal() and len(text) < 19]
    if not ids:
        raise BadInput(gettext("Choose at least one account first."))
    if len(ids) > MOST_CHOSEN:
        raise BadInput(
            gettext("Choose at most {most_chosen} accounts at a time.").format(most_chosen=numbers.exact(MOST_CHOSEN))
        )
    return ids


def _back(request: Any) -> str:
    query = {name: value[:100] for name in FILTERS if (value := request.POST.get(name, ""))}
    return f"{reverse('accounts')}?{urlencode(query)}" if query else reverse("accounts")


def _again(request: Any, ids: Sequence[int], name: str) -> dict[str, Any]:
    """What the page that asks has to send, so that the same accounts are meant, whatever happens to the list."""
    filters = {field: request.POST.get(field, "")[:100] for field in FILTERS}
    return {"ids": ",".join(map(str, ids)), "action": name, "filters": filters, "back": _back(request)}


def _add_tags(request: Any, ids: list[int]) -> str:
    tags = bulk.some_tags(request.POST.get("tags", "")[:500])
    changed, full = bulk.add_tags(account_ids=ids, tags=tags)
    said = _said(
        ngettext("{n} account is tagged with {tags}.", "{n} accounts are tagged with {tags}.", changed), changed
    )
    left = ngettext(
        "{n} account would have more than 10 tags, and keeps its own.",
        "{n} accounts would have more than 10 tags, and keep theirs.",
        full,
    )
    said = said.format(tags=", ".join(tags))
    return f"{said} {_said(left, full)}" if full else said


def _remove_tags(request: Any, ids: list[int]) -> str:
    tags = bulk.some_tags(request.POST.get("tags", "")[:500])
    n = bulk.remove_tags(account_ids=ids, tags=tags)
    return _said(ngettext("{n} account lost the tags {tags}.", "{n} accounts lost the tags {tags}.", n), n).format(
        tags=", ".join(tags)
    )


def _pause(request: Any, ids: list[int]) -> str:
    n = bulk.pause_accounts(account_ids=ids)
    said = ngettext(
        "{n} account is paused. Its numbers stay, nothing new is fetched.",
        "{n} accounts are paused. Their numbers stay, nothing new is fetched.",
        n,
    )
    return _said(said, n)


def _resume(request: Any, ids: list[int]) -> str:
    n = bulk.resume_accounts(account_ids=ids)
    return _said(ngettext("{n} account is fetched again.", "{n} accounts are fetched again.", n), n)


def _refresh(request: Any, ids: list[int]) -> str:
    n = len(bulk.refresh_accounts(tenant=request.tenant, account_ids=ids).ids)
    said = ngettext(
        "{n} account is being read. New numbers replace the old ones as they come.",
        "{n} accounts are being read. New numbers replace the old ones as they come.",
        n,
    )
    return _said(said, n)


def _stop(request: Any, ids: list[int]) -> str:
    stop_tracking(tenant=request.tenant, account_ids=ids)
    # The list itself says so, beside the button that takes it back.
    return ""


def _ask_to_refresh(ids: list[int]) -> dict[str, Any]:
    found = bulk.refreshable(ids)
    return {"refresh": found, "count": len(found.ids)}


def _ask_to_stop(ids: list[int]) -> dict[str, Any]:
    return {"count": bulk.count_tracked(ids)}


def _said(sentence: str, n: int) -> str:
    return sentence.replace("{n}", numbers.exact(n))


ACTIONS: dict[str, Action] = {
    "add_tags": _add_tags,
    "remove_tags": _remove_tags,
    "pause": _pause,
    "resume": _resume,
    "refresh": _refresh,
    "stop": _stop,
}
ASKED: dict[str, Callable[[list[int]], dict[str, Any]]] = {"refresh": _ask_to_refresh, "stop": _ask_to_stop}
