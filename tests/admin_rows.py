"""Many rows of every model that the administration shows, so that a page which asks for each row is seen to do so.

Rows are made by their fields' types; `GIVEN` says what a model wants beyond that. Every link is filled, also one that
may be empty: a link that is None asks for nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import NOT_PROVIDED

from accounts.models import AuditEntry, Domain, Membership, Tenant, TenantKey, User
from billing.models import UsageEvent
from snapshots.models import AccountSnapshot, AudienceMember, FetchJob, HashtagSnapshot, PostSnapshot, SoundSnapshot
from tikdash import clock
from tikdash.db.scope import all_tenants

ROWS = 14
Made = dict[type[models.Model], list[Any]]

#: Rows that the administration shows under another model's name.
WRITTEN_AS = {"auditentryrow": AuditEntry, "usagerecordrow": UsageEvent}
#: What has rows of its own making: of each there is what the cast and Django's own migrations made, or one at most.
LEFT_AS_THEY_ARE = {"maintenance", "plan", "platformbudget"}
#: What pages show below a row: of the first row of each there are many.
BELOW: tuple[type[models.Model], ...] = (AccountSnapshot, PostSnapshot, HashtagSnapshot, SoundSnapshot, AudienceMember)


def _later(number: int) -> Any:
    return clock.now() + timedelta(days=1, minutes=number)


GIVEN: dict[str, Callable[[int], dict[str, Any]]] = {
    "tenant": lambda n: {"slug": f"crowd-{n}", "state": "active", "fetching_paused_at": None, "trial_ends_at": None},
    "domain": lambda n: {"domain": f"crowd-{n}.localhost"},
    "user": lambda n: {"email": f"crowd{n}@crowd.example", "is_staff": False, "is_superuser": False},
    "look": lambda n: {"began_at": None, "until": None},
    "announcement": lambda n: {"starts_at": clock.now(), "ends_at": _later(n)},
    "upstreamincident": lambda n: {"began_at": clock.now(), "ended_at": _later(n), "by_hand": True},
    "privacyrequest": lambda n: {"identity": "", "contact": "", "state": "open"},
    "tenanterasure": lambda n: {"state": "called_off"},
    "tenantkey": lambda n: {"state": "refused", "secret": "", "data_key": "", "version": n + 1},
    "apitoken": lambda n: {"scopes": ["read"], "revoked_at": None, "replaced_by": None, "form_hash": ""},
    "authenticator": lambda n: {"type": "recovery_codes", "data": {}},
    "alertchannel": lambda n: {"kind": "email", "address": f"crowd{n}@crowd.example"},
    "invoice": lambda n: {"lines": {"items": [], "days": []}},
    "capacityscenario": lambda n: {},
    "quarterplan": lambda n: {"inputs": {}},
    "fetchjob": lambda n: {
        "state": "dead" if n % 2 else "active", "kind": FetchJob.Kind.values[n % 3], "lease_until": None,
        "params": {}, "next_due_at": clock.now(),
    },
    "periodictask": lambda n: {"crontab": None, "solar": None, "clocked": None, "expires": None, "start_time": None},
    "crontabschedule": lambda n: {},
    "trackedaccount": lambda n: {"username": f"crowd{n}", "state": "active", "removed_at": None},
    "creditpack": lambda n: {"expires_on": None},
    "creditgrant": lambda n: {"expires_on": None},
    "subscription": lambda n: {"ends_on": None},
}  # fmt: skip


def many_rows() -> Made:
    """Makes them in the shared schema; returns the rows by the model that the administration shows."""
    made: Made = {}
    with all_tenants("shared"):
        shown = [model for model in admin.site._registry if model._meta.model_name not in LEFT_AS_THEY_ARE]
        for model in shown:
            _made(model, made)
        for model in BELOW:
            _made(model, made, of_one=True)
        # A tenant's and a person's page have a line for each.
        first = made[Tenant][0]
        for user in made[User][1:]:
            Membership.objects.get_or_create(tenant=first, user=user)
        for number in range(1, ROWS):
            Domain.objects.create(tenant=first, domain=f"more-{number}.localhost", is_primary=False)
        person = made[User][0]
        for tenant in made[Tenant]:
            Membership.objects.get_or_create(tenant=tenant, user=person)
        _made(TenantKey, made, of_one=True)
    return made


def _made(model: type[models.Model], made: Made, of_one: bool = False) -> list[Any]:
    if model in made:
        return made[model]
    written = WRITTEN_AS.get(str(model._meta.model_name), model)
    made[model] = found = []
    found += [written._default_manager.create(**_values(written, number, made, of_one)) for number in range(ROWS)]
    return found


def _values(model: type[models.Model], number: int, made: Made, of_one: bool) -> dict[str, Any]:
    values = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.AutoField | models.GeneratedField) or not hasattr(field, "attname"):
            continue
        if isinstance(field, models.ForeignKey):
            if field.related_model is not model:
                values[field.name] = _linked(field, 0 if of_one else number, made)
        elif (field.default is NOT_PROVIDED and field.db_default is NOT_PROVIDED) or field.unique:
            values[field.name] = _value(field, number)
    return values | GIVEN.get(str(model._meta.model_name), lambda _: {})(number)


def _linked(field: Any, number: int, made: Made) -> Any:
    model = field.related_model
    if model._meta.model_name in LEFT_AS_THEY_ARE or model not in admin.site._registry:
        return model._default_manager.first()
    return _made(model, made)[number % ROWS]


def _value(field: Any, number: int) -> Any:
    if field.choices:
        return field.choices[number % len(field.choices)][0]
    if isinstance(field, ArrayField):
        return []
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.DateTimeField):
        return clock.now() - timedelta(minutes=number)
    if isinstance(field, models.DateField):
        return clock.today() - timedelta(days=number)
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.CharField | models.TextField):
        return f"{field.name}-{number}"[-(field.max_length or 40) :]
    return Decimal(number + 1) if isinstance(field, models.DecimalField) else number + 1
