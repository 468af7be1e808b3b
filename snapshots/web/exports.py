"""Lists as files: the address of a list with `export.csv`, `.xlsx` or `.json` behind it, and the same filters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponseBase
from django.views.decorators.http import require_GET

from snapshots.analytics import accounts as analytics
from snapshots.analytics import posts as post_analytics
from snapshots.exports import (
    Sheet,
    accounts_sheet,
    all_posts_sheet,
    csv_response,
    definitions_response,
    growth_sheet,
    json_response,
    posts_sheet,
    xlsx_response,
)
from snapshots.web.account import days_in
from snapshots.web.post_filters import read_form
from tikdash.errors import BadInput, NotFound
from tikdash.plans import plan_service
from tikdash.words import gettext

FORMATS = ("csv", "xlsx", "json")


def exported(make_sheet: Callable[..., Sheet]) -> Callable[..., HttpResponseBase]:
    """A view of what `make_sheet(request, …)` gives, as the file that the address asks for.

    `part=definitions` gives what the columns of a CSV mean, `bom=1` the mark that Excel wants.
    """

    @require_GET
    @wraps(make_sheet)
    def view(request: Any, form: str, **ids: int) -> HttpResponseBase:
        if form not in FORMATS:
            raise NotFound(gettext("Lists are exported as {choices}.").format(choices=", ".join(FORMATS)))
        plan_service().require(request.tenant, "exports")
        sheet = make_sheet(request, **ids)
        if form == "xlsx":
            return xlsx_response(sheet)
        if form == "json":
            return json_response(sheet)
        bom, part = bool(request.GET.get("bom")), request.GET.get("part", "")
        if part == "definitions":
            return definitions_response(sheet, bom=bom)
        if part:
            raise BadInput(gettext("There is no such part of an export. Leave it out, or ask for “definitions”."))
        return csv_response(sheet, bom=bom)

    return view


@exported
def accounts(request: Any) -> Sheet:
    """The list of accounts."""
    return accounts_sheet(
        workspace=request.tenant.name,
        text=request.GET.get("q", "")[:100],
        reason=request.GET.get("reason", ""),
        sort=request.GET.get("sort") or analytics.DEFAULT_SORT,
    )


@exported
def posts(request: Any, account_id: int) -> Sheet:
    """The posts of an account."""
    sort = request.GET.get("sort") or post_analytics.DEFAULT_SORT
    return posts_sheet(tenant_id=request.tenant.id, account_id=account_id, sort=sort)


@exported
def all_posts(request: Any) -> Sheet:
    """The posts of all accounts that the form wants."""
    form = read_form(request.GET)
    if form.wanted is None:
        raise BadInput(next(iter(form.errors.values())))
    return all_posts_sheet(
        tenant_id=request.tenant.id,
        workspace=request.tenant.name,
        wanted=form.wanted,
        sort=form.sort,
        filters=[chip["text"] for chip in form.chips("")],
    )


@exported
def growth(request: Any, account_id: int) -> Sheet:
    """The daily counters of an account."""
    return growth_sheet(account_id=account_id, days=days_in(request))
