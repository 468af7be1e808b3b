"""The front page of the admin: the state of the fleet in one look, put together of what the apps say.

It opens when things are broken: what cannot be said is “unknown since …” in its tile, a slow question is called off,
and without Redis nothing is kept. Tiles are the same for everybody, so that they are kept for a few seconds.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache as once
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django_celery_beat.models import PeriodicTask
from redis.exceptions import RedisError

from accounts.models import Tenant
from billing.operations import queue_standings
from snapshots.scheduling.dispatch import LAST_TICK
from tikdash import clock
from tikdash.errors import TikdashError
from tikdash.ui.numbers import exact
from tikdash.ui.tiles import (
    BAD,
    GOOD,
    KEY,
    RISKS,
    WARN,
    Figure,
    Row,
    Tile,
    TileProvider,
    at,
    risks_by_tenant,
    span,
    tile,
)

log = structlog.get_logger(__name__)

#: A tile's questions are called off after so long: at night a slow database must not take the page along.
PATIENCE_MS = 2_000
MOST_RISKS = 12
#: The dispatcher ticks every two seconds; beat writes down every three minutes what it has sent.
TICK_IS_LATE_S, BEAT_IS_LATE_S = 60, 600
#: When each tile was last known, where Redis cannot say it.
_known: dict[str, datetime] = {}


@dataclass(frozen=True)
class Shown:
    """A tile as the page shows it: either `tile`, or since when nobody knows and why."""

    provider: TileProvider
    tile: Tile | None
    link: str
    why_unknown: str = ""
    since: str = ""


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's callback for the first page."""
    return context | {"title": "The fleet", "tiles": tiles_for(request.user), "as_of": at(clock.now())}


def refreshed(request: HttpRequest) -> HttpResponse:
    """The tiles alone: the page asks for them while somebody looks at it."""
    if not request.user.has_perm("accounts.view_tenant") and not any(_may_see(request.user, one) for one in _tiles()):
        raise PermissionDenied
    return TemplateResponse(request, "admin/_tiles.html", {"tiles": tiles_for(request.user), "as_of": at(clock.now())})


def tiles_for(user: Any) -> list[Shown]:
    """Every tile that the person may see, in the order of the settings."""
    providers = [provider for provider in _tiles() if _may_see(user, provider)]
    try:
        kept, has_redis = cache.get_many([_key(one) for one in providers]), True
    except (RedisError, OSError):
        kept, has_redis = {}, False
    found, fresh = [], list[tuple[TileProvider, Tile]]()
    for provider in providers:
        made = kept.get(_key(provider))
        shown = _asked(provider) if made is None else _shown(provider, made)
        if made is None and shown.tile is not None:
            fresh.append((provider, shown.tile))
        found.append(_for(user, shown))
    if has_redis and fresh:
        _keep(fresh)
    return found


@tile("fleet", "Beat and workers", permission="snapshots.view_fetchjob",
      link="admin:django_celery_beat_periodictask_changelist")  # fmt: skip
def fleet() -> Tile:
    """Whether beat sends, workers take, and how many threads there are."""
    tick, beat = _last_tick(), PeriodicTask.objects.filter(enabled=True).order_by("-last_run_at")
    last_beat = beat.exclude(last_run_at=None).values_list("last_run_at", flat=True).first()
    return Tile(
        figures=(
            tick,
            _ago("Beat", last_beat, BEAT_IS_LATE_S, reverse("admin:django_celery_beat_periodictask_changelist")),
            *_workers(),
        ),
        said=f"Off: {', '.join(off)}." if (off := _switched_off()) else "",
    )


@tile("risks", "Tenants at risk", permission="accounts.view_tenant", link="admin:accounts_tenant_changelist", wide=True)
def risks() -> Tile:
    """Those whose numbers are late, whose jobs die, who have no key, or who have used up their quota."""
    found = risks_by_tenant()
    tenants = reverse("admin:accounts_tenant_changelist")
    of_kind = Counter(kind for of_one in found.values() for kind in {risk.kind for risk in of_one})
    worst = sorted(found, key=lambda one: -sum(risk.weight for risk in found[one]))[:MOST_RISKS]
    slugs = dict(Tenant.objects.filter(pk__in=worst).values_list("pk", "slug"))
    return Tile(
        figures=(
            Figure("At risk", exact(len(found)), "", WARN if found else GOOD, f"{tenants}?risk=any"),
            *(
                Figure(label, exact(of_kind[kind]), "", (BAD if kind == KEY else WARN) if of_kind[kind] else "",
                       f"{tenants}?risk={kind}")
                for kind, label in RISKS.items()
            ),
        ),
        headings=("Tenant", "Why"),
        rows=tuple(
            Row(
                (slugs[tenant_id], ". ".join(risk.said for risk in sorted(found[tenant_id], key=lambda r: -r.weight))),
                BAD if sum(risk.weight for risk in found[tenant_id]) >= 1 else WARN,
                reverse("admin:accounts_tenant_change", args=[tenant_id]),
            )
            for tenant_id in worst
            if tenant_id in slugs
        ),
        nothing="None.",
    )  # fmt: skip


@once
def _tiles() -> list[TileProvider]:
    return [import_string(path) for path in settings.OPS_TILES]


def _may_see(user: Any, provider: TileProvider) -> bool:
    return bool(user.has_perm(provider.permission))


def _key(provider: TileProvider) -> str:
    return f"ops:tile:{provider.code}"


def _asked(provider: TileProvider) -> Shown:
    """Asks for a tile; what goes wrong is said in it and logged, and is nobody else's trouble."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            made = provider.work()
    except Exception as error:
        # The page opens whatever is broken.
        log.warning("tile_unknown", tile=provider.code, error=type(error).__name__, exc_info=True)
        return Shown(provider, None, _link(provider), _why(error), _since(provider))
    _known[provider.code] = clock.now()
    return _shown(provider, made)


def _shown(provider: TileProvider, made: Tile) -> Shown:
    return Shown(provider, made, _link(provider))


def _for(user: Any, shown: Shown) -> Shown:
    """The same without links to lists that the person may not open."""
    if shown.tile is None:
        return replace(shown, link=_open_to(user, shown.link))
    figures = tuple(replace(one, link=_open_to(user, one.link)) for one in shown.tile.figures)
    rows = tuple(replace(one, link=_open_to(user, one.link)) for one in shown.tile.rows)
    return replace(shown, link=_open_to(user, shown.link), tile=replace(shown.tile, figures=figures, rows=rows))


def _open_to(user: Any, link: str) -> str:
    """`/admin/APP/MODEL/…` where the person may see that model's rows; otherwise nothing."""
    parts = link.split("/")
    if len(parts) < 5:
        return link
    return link if any(user.has_perm(f"{parts[2]}.{verb}_{parts[3]}") for verb in ("view", "change")) else ""


def _link(provider: TileProvider) -> str:
    return reverse(provider.link) if provider.link else ""


def _why(error: Exception) -> str:
    """What went wrong, without what the error itself says: that may hold an address or a password."""
    if isinstance(error, TikdashError):
        return str(error)
    if isinstance(error, RedisError | OSError):
        return "Redis does not answer."
    if isinstance(error, DatabaseError):
        if getattr(error.__cause__, "sqlstate", "") == "57014":
            return f"The database takes more than {PATIENCE_MS / 1000:.0f} s to say it."
        return "The database does not answer."
    return "This tile has an error: the log has it, as tile_unknown."


def _since(provider: TileProvider) -> str:
    with suppress(RedisError, OSError):
        if moment := cache.get(f"ops:known:{provider.code}"):
            return at(moment)
    moment = _known.get(provider.code)
    return at(moment) if moment else "this process began"


def _keep(fresh: list[tuple[TileProvider, Tile]]) -> None:
    now = clock.now()
    with suppress(RedisError, OSError):
        for provider, made in fresh:
            cache.set(_key(provider), made, provider.kept_s)
        cache.set_many({f"ops:known:{provider.code}": now for provider, _ in fresh}, 86_400)


def _last_tick() -> Figure:
    try:
        ticked = cache.get(LAST_TICK)
    except (RedisError, OSError):
        return Figure("Last tick", "unknown", "Redis does not answer", BAD)
    if ticked is None:
        return Figure("Last tick", "none for an hour", "no worker runs, or no beat", BAD)
    age = max(0.0, time.time() - float(ticked))
    return Figure("Last tick", f"{span(age)} ago", "", BAD if age > TICK_IS_LATE_S else GOOD)


def _ago(label: str, moment: datetime | None, late_s: int, link: str) -> Figure:
    if moment is None:
        return Figure(label, "never", "", WARN, link)
    age = max(timedelta(), clock.now() - moment).total_seconds()
    return Figure(label, f"{span(age)} ago", "", BAD if age > late_s else "", link)


def _workers() -> list[Figure]:
    """Threads that answered when the newest sample was taken; a worker takes it, so an old one means that none runs."""
    queues = queue_standings()
    if not queues:
        return [Figure("Threads", "unknown", "no sample yet", WARN)]
    age = max(0.0, (clock.now() - queues[0].sampled_at).total_seconds())
    link = reverse("admin:billing_queuesample_changelist")
    if age > 300:
        return [Figure("Threads", "none", f"nobody has sampled for {span(age)}", BAD, link)]
    threads = queues[0].threads
    if threads is None:
        return [Figure("Threads", "unknown", "no worker answered", BAD, link)]
    return [Figure("Threads", f"{threads:,}", f"{span(age)} ago", GOOD, link)]


def _switched_off() -> list[str]:
    known = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    off = PeriodicTask.objects.filter(enabled=False, task__in=known).order_by("name")
    return list(off.values_list("name", flat=True)[:10])
