"""What staff changes by plain forms of the administration is in the audit log, too.

Actions are service calls, which write their own entries; a form of Django's has none. People and addresses of a
workspace stand in the customer's log, like what its own people do; log-ins, second factors and alike in that of
operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from accounts.models import Domain, Membership
from accounts.services.auditing import Target, record

Row = Membership | Domain


class RecordedMixin:
    """Rows of operations: what was saved, by the names of the fields, and what was removed."""

    saved_event = removed_event = ""

    def target_of(self, obj: Any) -> Target:
        """What the entry names; nothing secret."""
        return Target(str(obj._meta.model_name), obj.pk, str(obj))

    def facts_of(self, obj: Any) -> dict[str, Any]:
        """What stands in the entry beside the fields' names."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._saved(obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._saved(obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        for obj in rows:
            record(self.removed_event, target=self.target_of(obj), before=self.facts_of(obj))
        return super().log_deletions(request, rows)  # type: ignore[misc]

    def _saved(self, obj: Any, message: Any) -> None:
        # Rows below this one write their own entries; where nothing was changed there is no part at all.
        ours = [each for part in message for each in part.values() if "name" not in each]
        if not ours:
            return
        fields = sorted({str(name) for each in ours for name in each.get("fields", ())})
        record(self.saved_event, target=self.target_of(obj), after={"fields": fields or ["all"]} | self.facts_of(obj))


class PlacesMixin:
    """People and addresses of workspaces, as rows of their own or below another row."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        saved(obj, form.initial, form.changed_data if change else None)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        for row in rows:
            removed(row)
        return super().log_deletions(request, rows)  # type: ignore[misc]


class PlacesBelowMixin:
    """The same for rows of theirs below a tenant or a person."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        for row in formset.deleted_objects:
            removed(row)
        for each in formset.initial_forms:
            if each.has_changed() and each not in formset.deleted_forms:
                saved(each.instance, each.initial, each.changed_data)
        for row in formset.new_objects:
            saved(row, {}, None)


def saved(row: Row, before: dict[str, Any], changed: list[str] | None) -> None:
    """Writes down that the row is new (`changed` is None), or which of its fields were others."""
    was = {name: before.get(name) for name in changed or ()}
    if {"tenant", "user"} & was.keys():
        # Another one in place of this one.
        removed(type(row)(**{f"{name}_id": before.get(name, getattr(row, f"{name}_id")) for name in _links(row)},
                          **{name: before.get(name, getattr(row, name)) for name in _facts(row)}))  # fmt: skip
        changed = None
    if isinstance(row, Domain):
        if changed is None or was:
            after = {"fields": ["domains"], "domain": row.domain, "is_primary": row.is_primary}
            _of_workspace(row, before=was if changed is not None else None, after=after)
    elif changed is None:
        record("person.added", tenant_id=row.tenant_id, target=_person(row), after={"role": row.role})
    elif "role" in was:
        after = {"role": row.role}
        record("person.role_changed", tenant_id=row.tenant_id, target=_person(row), before=was, after=after)


def removed(row: Row) -> None:
    """Writes down that a person or an address is no longer of its workspace."""
    if isinstance(row, Domain):
        _of_workspace(row, before={"domain": row.domain}, after={"fields": ["domains"]})
    else:
        record("person.removed", tenant_id=row.tenant_id, target=_person(row), before={"role": row.role})


def _links(row: Row) -> tuple[str, ...]:
    return ("tenant",) if isinstance(row, Domain) else ("tenant", "user")


def _facts(row: Row) -> tuple[str, ...]:
    return ("domain", "is_primary") if isinstance(row, Domain) else ("role",)


def _of_workspace(row: Domain, *, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    target = Target("tenant", row.tenant_id, row.tenant.slug)
    record("workspace.changed", tenant_id=row.tenant_id, target=target, before=before, after=after)


def _person(row: Membership) -> Target:
    return Target("user", row.user_id, row.user.email)
