"""Up to ten accounts beside each other: one chart, shares of voice, the table of metrics."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.selectors import TenantRef
from snapshots.analytics.compare import MOST_ACCOUNTS, VOICE_DAYS, Comparison, ShareOfVoice, series_of, table, voices
from snapshots.analytics.engagement import Summary
from snapshots.analytics.growth import COUNTERS
from snapshots.analytics.metrics import METRICS
from snapshots.handles import clean_handle
from snapshots.selectors import account_id_of, accounts_to_choose
from snapshots.web.account_growth import range_label, ranges_of
from snapshots.web.export_links import export_links
from snapshots.web.metric_words import headline_of
from tikdash.errors import BadInput, NotFound
from tikdash.plans import limits_of
from tikdash.ui import numbers
from tikdash.ui.htmx import with_query
from tikdash.words import gettext

RANGES = (30, 90, 365)
DEFAULT_DAYS, DEFAULT_METRIC, DEFAULT_VOICE = 90, "follower_count", 30
DRAWN = ("follower_count", "heart_count", "video_count")
#: A table of more days than this shows every n-th.
MOST_LINES = 60
ROWS = (
    "follower_growth", "er_views", "er_views_mean", "er_views_median", "er_views_saves", "er_followers",
    "er_followers_median", "like_rate", "views_median", "views_mean", "views_per_follower", "posts_per_week",
    "comments_per_1k_likes", "shares_per_1k_likes", "consistency",
)  # fmt: skip


@require_GET
def show(request: Any) -> HttpResponse:
    """The comparison that the address names; `add` is a handle that joins it."""
    typed = request.GET.get("add", "").strip()
    context: dict[str, Any] = {"typed": typed[:100], "add_error": "", "error": "", "most": MOST_ACCOUNTS}
    ids: list[int] = []
    try:
        ids = read_ids(request.GET.get("accounts", ""))
        if typed:
            joined = _joined(ids, typed)
            return redirect(with_query(request, accounts=",".join(map(str, joined)), add=None))
        if ids:
            context |= _comparison(request, ids)
    except NotFound as error:
        if not typed:
            raise
        context["add_error"] = str(error)
    except BadInput as error:
        context["add_error" if typed else "error"] = str(error)
    failed = bool(context["error"] or context["add_error"])
    if typed and ids and failed:
        context |= _comparison(request, ids)
    context["choices"] = accounts_to_choose()
    context["start_url"] = _start_url(context["choices"])
    return render(request, "snapshots/compare.html", context, status=422 if failed else 200)


@require_GET
def series(request: Any) -> HttpResponse:
    """The chart's lines as JSON: days, and the values of each account."""
    shown = series_in(request, read_ids(request.GET.get("accounts", "")))
    lines = [{"name": f"@{line.handle}", "values": line.values} for line in shown.lines]
    answer = {"dates": shown.dates, "lines": lines, "indexed": shown.indexed, "label": shown.label}
    return HttpResponse(orjson.dumps(answer), content_type="application/json")


def read_ids(text: str) -> list[int]:
    """The accounts that an address names, in their order. Raises BadInput for what is no list of numbers."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if any(not (part.isascii() and part.isdecimal()) or len(part) > 18 for part in parts):
        raise BadInput(
            gettext("Accounts to compare are named by their numbers, for example 1,2,3. Add them by handle below.")
        )
    ids = [int(part) for part in parts]
    if len(ids) > MOST_ACCOUNTS:
        raise BadInput(
            gettext("At most {most_accounts} accounts can be compared; the address names {n}.").format(
                most_accounts=MOST_ACCOUNTS, n=len(ids)
            )
        )
    return list(dict.fromkeys(ids))


def _joined(ids: list[int], typed: str) -> list[int]:
    found = account_id_of(clean_handle(typed))
    if found in ids:
        raise BadInput(gettext("This account is among them already."))
    if len(ids) == MOST_ACCOUNTS:
        raise BadInput(
            gettext("At most {most_accounts} accounts can be compared. Take one out first.").format(
                most_accounts=MOST_ACCOUNTS
            )
        )
    return [*ids, found]


def _number(request: Any, name: str, default: int, sentence: str) -> int:
    text = request.GET.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or len(text) > 4:
        raise BadInput(sentence)
    return int(text)


def series_in(request: Any, ids: list[int]) -> Comparison:
    """The lines that the address wants. Raises BadInput and NotFound."""
    mode = request.GET.get("mode") or "absolute"
    if mode not in {"absolute", "indexed"}:
        raise BadInput(gettext("There is no mode “{mode}”. Choose absolute or indexed.").format(mode=mode[:20]))
    return series_of(
        tenant_id=request.tenant.id,
        account_ids=ids,
        metric=request.GET.get("metric") or DEFAULT_METRIC,
        days=limits_of(request.tenant).days_shown(
            _number(request, "days", DEFAULT_DAYS, gettext("The range is a number of days: 30, 90 or 365."))
        ),
        indexed=mode == "indexed",
    )


def voice_days_in(request: Any) -> int:
    """Of how many days the shares of voice are. Raises BadInput for what is no number."""
    return _number(request, "voice", DEFAULT_VOICE, gettext("Shares of voice are of 7, 30 or 90 days."))


def _comparison(request: Any, ids: list[int]) -> dict[str, Any]:
    voice_days = voice_days_in(request)
    shown = series_in(request, ids)
    heard = voices(tenant_id=request.tenant.id, account_ids=ids, days=voice_days)
    return {
        "export": export_links("compare_export", {"accounts": _ids_text(ids), "voice": voice_days}),
        "series_export": export_links("compare_series_export", request.GET.dict() | {"accounts": _ids_text(ids)}),
        "chosen": [_chosen(request, ids, place, line) for place, line in enumerate(shown.lines)],
        "chart": _chart(request, shown),
        "voices": _voices(heard),
        "voice_as_of": heard.as_of,
        "voice_days": [
            {"label": numbers.days(days), "url": with_query(request, voice=days), "active": days == voice_days}
            for days in VOICE_DAYS
        ],
        "metrics": _metrics(table(tenant_id=request.tenant.id, account_ids=ids), rows_of(request.tenant)),
    }


def _ids_text(ids: list[int]) -> str:
    return ",".join(map(str, ids))


def _chosen(request: Any, ids: list[int], place: int, line: Any) -> dict[str, Any]:
    rest = ",".join(str(each) for each in ids if each != line.account_id)
    return {
        "handle": line.handle,
        "place": place + 1,
        "reason": line.reason,
        "url": reverse("account", args=[line.account_id]),
        "without_url": with_query(request, accounts=rest, add=None),
    }


def _chart(request: Any, shown: Comparison) -> dict[str, Any]:
    query = request.GET.urlencode()
    days = _number(request, "days", DEFAULT_DAYS, "")
    step = max(1, -(-len(shown.dates) // MOST_LINES))
    places = range(len(shown.dates) - 1, -1, -step)
    return {
        "label": shown.label,
        "indexed": shown.indexed,
        "base_on": shown.base_on,
        "lines": shown.lines,
        "as_of": max((line.as_of for line in shown.lines if line.as_of), default=None),
        "series_url": f"{reverse('compare_series')}?{query}",
        "metrics": [
            {"label": gettext(COUNTERS[key]), "url": with_query(request, metric=key), "active": key == shown.metric}
            for key in DRAWN
        ],
        "ranges": [
            {"label": range_label(length), "url": with_query(request, days=length), "active": length == days}
            for length in ranges_of(request, RANGES)
        ],
        "modes": [
            {"label": gettext("Absolute"), "url": with_query(request, mode=None), "active": not shown.indexed},
            {"label": gettext("Indexed"), "url": with_query(request, mode="indexed"), "active": shown.indexed},
        ],
        "step": step,
        "table": [
            {
                "day": numbers.day(date.fromisoformat(shown.dates[place])),
                "values": [line.values[place] for line in shown.lines],
            }
            for place in places
        ],
    }


def _voices(heard: ShareOfVoice) -> list[dict[str, Any]]:
    parts = ((gettext("Views"), "plays"), (gettext("Engagement"), "engagement"), (gettext("Posts"), "posts"))
    return [
        {
            "label": label,
            "bars": [
                {"handle": voice.handle, "place": place, "share": getattr(voice, name)}
                for place, voice in enumerate(heard.voices, start=1)
            ],
        }
        for label, name in parts
    ]


def rows_of(tenant: TenantRef) -> list[str]:
    """The metrics of the table, the workspace's engagement rate first."""
    return list(dict.fromkeys((headline_of(tenant).id, *ROWS)))


def _metrics(summaries: list[Summary], rows: list[str]) -> list[dict[str, Any]]:
    """One line a metric; the best value of each is marked where more or less is better and at least two are known."""
    lines = []
    for metric_id in rows:
        metric = METRICS[metric_id]
        values = [summary.values[metric_id] for summary in summaries]
        known = [value.value for value in values if value.value is not None]
        best = {"more": max, "less": min}.get(metric.direction)
        lines.append(
            {
                "metric": metric,
                "values": values,
                "best": best(known) if best and len(set(known)) > 1 else None,
            }
        )
    return lines


def _start_url(choices: list[tuple[int, str]]) -> str:
    """A comparison to begin with: the largest five."""
    return f"{reverse('compare')}?accounts={','.join(str(id) for id, _ in choices[:5])}" if choices else ""
