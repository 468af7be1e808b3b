"""Every page of the administration × every role of staff, with many rows in every table: it opens with a few
statements, however many rows it shows, or it refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.contrib import admin
from django.core.cache import cache

from accounts.services.staff_roles import ROLES
from accounts.tenant_page import actions
from tests.accounts.test_staff_roles import READS, of_role
from tests.admin_rows import LEFT_AS_THEY_ARE, ROWS, Made, many_rows
from tests.cast import Cast
from tests.isolation.test_public_urls import ADMIN_PATHS, filled
from tests.queries import statements_of

#: Of a list or a form. Each has so many rows to show that with one more for each of them it is beyond this.
MOST = 16
#: Pages that are put together of much, or of ten rows each of which is searched for: a tenant's and a person's people.
PUT_TOGETHER = {
    "/admin/": 62, "/admin/tiles/": 56, "tenant change": 62, "user change": 34, "capacityscenario review": 36,
}  # fmt: skip
#: Pages of one row that Django makes of nothing of ours, asked for where they are refused only: to open all takes long.
DJANGOS_OWN = {"history", "delete", "add"}
OF_MODEL = re.compile(r"admin/(\w+)/(\w+)/(.*)$")
HOLE = re.compile(r"^(?:1|<[^>]*>)(?=/)")
HOLE_FILLED = re.compile(r"^[\w-]+/$")
WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\S+)", re.IGNORECASE)
#: Written whoever does what: who is signed in, and what operators did.
ALSO_WRITTEN = {"sessions", "audit_log", "django_admin_log"}
#: What a role may do although the tables are those of others.
MAY_DO = {("support", "refresh"), ("finance", "give-plan"), ("finance", "plan")}


@dataclass(frozen=True)
class Address:
    """An address of the administration: of an app's model, about one row of it where the page is about a row."""

    path: str
    app: str = ""
    model: str = ""
    rest: str = ""
    row: str = ""

    @property
    def kind(self) -> str:
        """`list`, or the last word of the address: change, history, export, …"""
        return self.rest.strip("/").rpartition("/")[2] or "list"

    @property
    def only_leads_on(self) -> bool:
        """Django's older address of a row, which leads to the page to change it."""
        return self.rest.count("/") == 1 and self.rest not in ("add/", "export/") and bool(HOLE_FILLED.match(self.rest))

    @property
    def most(self) -> int:
        return PUT_TOGETHER.get(self.path) or PUT_TOGETHER.get(f"{self.model} {self.kind}") or MOST


def addresses(made: Made) -> list[Address]:
    """Every address, about rows that there are."""
    models = by_name()
    found = []
    for path in ADMIN_PATHS:
        match = OF_MODEL.match(path)
        if match is None or match.group(2) not in models:
            found.append(Address(filled(path)))
            continue
        app, name, rest = match.groups()
        rows = made.get(models[name]) or list(models[name]._default_manager.all()[:1])
        row = str(getattr(rows[0], "id", rows[0].pk) if rows else 1)
        rest = HOLE.sub(row, rest)
        for one in list(actions()) if "<slug:name>" in rest else [""]:
            there = rest.replace("<slug:name>", one)
            found.append(Address(filled(f"admin/{app}/{name}/{there}"), app, name, there, row))
    return found


def by_name() -> dict[str, Any]:
    """The models that the administration shows."""
    return {str(model._meta.model_name): model for model in admin.site._registry}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_page_opens_with_few_statements_or_refuses(cast: Cast, role: str) -> None:
    made, client = many_rows(), of_role(cast, role)
    client.get("/admin/")
    opened = refused = 0
    for one in addresses(made):
        reads = not one.model or READS[role](one.app, one.model)
        if reads and one.kind in DJANGOS_OWN:
            continue
        cache.clear()
        answers: list[Any] = []
        statements = statements_of(lambda one=one, answers=answers: answers.append(client.get(one.path)))
        status = answers[0].status_code
        assert status in (200, 302, 403, 404, 405), (one, status)
        assert len(statements) <= one.most, (one, len(statements), *(sql[:150] for sql in statements))
        if not reads:
            assert status == 403 or one.only_leads_on or one.model in LEFT_AS_THEY_ARE, (one, status)
        elif one.kind == "list" and one.model:
            assert status == 200, (one, status)
            is_full = by_name()[one.model] not in made or answers[0].context["cl"].result_count >= ROWS
            assert is_full, f"{one.path} has not the rows that were made"
        opened, refused = opened + (status == 200), refused + (status == 403)
    assert opened > 40, opened
    # Engineers may open what there is.
    assert role == "engineer" or refused > 20, refused


@pytest.mark.parametrize(("role", "apps"), [("support", ()), ("finance", ("billing",))])
def test_forms_about_rows_that_there_are_change_nothing_of_other_roles(
    cast: Cast, role: str, apps: tuple[str, ...]
) -> None:
    made, client = many_rows(), of_role(cast, role)
    ours = {model._meta.db_table for app in apps for model in django_apps.get_app_config(app).get_models()}
    for one in addresses(made):
        if (role, one.kind) in MAY_DO or one.kind == "history":
            continue
        form = {"post": "yes", "reason": "Because.", "action": "delete_selected", "_selected_action": one.row}
        statements = statements_of(lambda one=one, form=form: client.post(one.path, form))
        tables = {
            match.group(1).strip('"').split(".")[-1].strip('"') for sql in statements if (match := WRITES.match(sql))
        }
        assert tables <= ours | ALSO_WRITTEN, (one, tables)
