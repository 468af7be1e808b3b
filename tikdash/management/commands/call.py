from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandError, CommandParser
from msgspec import Struct
from msgspec.structs import fields

from accounts.models import Tenant
from accounts.selectors import TenantRef, tenant_by_slug
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import BadInput, NotFound
from tikdash.management.commands._base import TikdashCommand
from tikdash.tiklive.client import client_for
from tikdash.tiklive.endpoints import CATALOGUE, Endpoint
from tikdash.tiklive.errors import NotAdmitted, TikLiveError
from tikdash.tiklive.ports import Meter, UsageRecord, load_ports

_TENANTS_NAMED = 10
_INDENT = "  "


class Command(TikdashCommand):
    help = (
        "Asks the upstream one thing for a tenant and prints the decoded answer, what it cost, and where it came from."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", help="the tenant that pays")
        parser.add_argument("endpoint", help=", ".join(CATALOGUE))
        parser.add_argument("parameters", nargs="*", metavar="KEY=VALUE")
        parser.add_argument("--fresh", action="store_true", help="ask the upstream, whatever the cache holds")

    def run(self, *, slug: str, endpoint: str, parameters: list[str], fresh: bool, **options: Any) -> tuple[str, Any]:
        asked = _endpoint(endpoint)
        params = _params(asked, parameters)
        tenant = _tenant(slug)
        ports = load_ports()
        meter = _Listening(ports.meter)
        try:
            with tenant_scope(tenant):
                client = client_for(
                    tenant.id,
                    feature="call",
                    priority="interactive",
                    fresh_since=clock.now() if fresh else None,
                    ports=replace(ports, meter=meter),
                )
                answer = client.answer(asked, params)
        except NotAdmitted as error:
            again = f" Try again in {error.retry_after:.0f} s." if error.retry_after else ""
            raise CommandError(f"{error}{again} {error.summary} ({meter.spent})") from None
        except TikLiveError as error:
            raise CommandError(f"{error} {error.summary} ({meter.spent})") from None
        data = {
            "tenant": tenant.slug,
            "endpoint": asked.slug,
            "parameters": params,
            "answer": _plain(answer.value),
            "measured_at": answer.measured_at.isoformat(timespec="milliseconds"),
            "from_cache": answer.from_cache,
            "credits": meter.credits,
            "attempts": meter.attempts,
            "latency_ms": meter.latency_ms,
        }
        cost = f"from the cache, measured {answer.measured_at:%Y-%m-%d %H:%M:%S} UTC" if answer.from_cache else ""
        name = type(answer.value).__name__
        return "\n".join([*_lines(name, answer.value), f"({cost or meter.spent})"]), data


class _Listening:
    """The meter of the settings, and what it was told during this call."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._events: list[UsageRecord] = []

    def begin(self, event: UsageRecord) -> None:
        self._meter.begin(event)

    def take_back(self, event: UsageRecord) -> None:
        self._meter.take_back(event)

    def record(self, event: UsageRecord) -> None:
        self._meter.record(event)
        self._events.append(event)

    def saved(self, **answer: Any) -> None:
        self._meter.saved(**answer)

    @property
    def credits(self) -> int:
        return sum(event.credits for event in self._events)

    @property
    def attempts(self) -> int:
        return len(self._events)

    @property
    def latency_ms(self) -> int:
        return sum(event.latency_ms for event in self._events)

    @property
    def spent(self) -> str:
        return f"{_number(self.credits, 'credit')}, {_number(self.attempts, 'attempt')}, {self.latency_ms} ms"


def _endpoint(slug: str) -> Endpoint[Any]:
    if slug not in CATALOGUE:
        raise NotFound(f"There is no endpoint “{slug}”. There are: {', '.join(CATALOGUE)}.")
    return CATALOGUE[slug]


def _params(endpoint: Endpoint[Any], parameters: list[str]) -> dict[str, str]:
    """The parameters by name; BadInput in one line that lists what the endpoint takes."""
    params: dict[str, str] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise BadInput(f"“{parameter}” is not KEY=VALUE. {_takes(endpoint)}")
        if name in params:
            raise BadInput(f"The parameter “{name}” is given twice. {_takes(endpoint)}")
        params[name] = value
    unknown = [name for name in params if name not in endpoint.required + endpoint.optional]
    if unknown:
        raise BadInput(f"There is no parameter {_quoted(unknown)}. {_takes(endpoint)}")
    missing = [name for name in endpoint.required if name not in params]
    if missing:
        raise BadInput(f"The parameter {_quoted(missing)} is missing. {_takes(endpoint)}")
    return params


def _takes(endpoint: Endpoint[Any]) -> str:
    wanted = ", ".join([f"{name}=…" for name in endpoint.required] + [f"[{name}=…]" for name in endpoint.optional])
    return f"{endpoint.slug} takes {wanted}."


def _tenant(slug: str) -> TenantRef:
    try:
        return tenant_by_slug(slug)
    except NotFound as error:
        slugs = list(Tenant.objects.order_by("slug").values_list("slug", flat=True)[: _TENANTS_NAMED + 1])
        more = ", …" if len(slugs) > _TENANTS_NAMED else ""
        there_are = f"There are: {', '.join(slugs[:_TENANTS_NAMED])}{more}." if slugs else "There is none yet."
        raise NotFound(f"{error} {there_are}") from None


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _plain(value: object) -> Any:
    """Our own field names, also where the upstream writes them in another way."""
    if isinstance(value, Struct):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _lines(label: str, value: object) -> Iterator[str]:
    """`label` and the value behind it, a line a field; `repr` keeps control characters away from the terminal."""
    if isinstance(value, Struct):
        yield label
        inner = ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, dict):
        yield f"{label} ({len(value)})"
        inner = ((ascii(name)[1:-1] if not name.isprintable() else name, item) for name, item in value.items())
    elif isinstance(value, tuple):
        yield f"{label} ({len(value)})"
        inner = ((str(number), item) for number, item in enumerate(value, 1))
    else:
        yield f"{label} = {value!r}"
        return
    for name, item in inner:
        yield from (textwrap.indent(line, _INDENT) for line in _lines(name, item))
