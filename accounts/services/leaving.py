"""All that a workspace has, as files: what its people take along before it is deleted, or whenever they like."""

from __future__ import annotations

from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from django.core.files.storage import default_storage
from django.db import connection
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.roles import Capability
from accounts.selectors import TenantRef
from accounts.services.auditing import record
from accounts.services.export_kinds import ExportKind, Making
from accounts.services.traces import files_of
from tikdash import clock
from tikdash.db.copying import Table, tables_in_order
from tikdash.db.scope import tenant_scope

#: Of no use outside, and dangerous there: sealed secrets and what tokens are checked with.
NOT_TAKEN = frozenset(
    {"secret", "data_key", "master_id", "fingerprint", "digest", "pepper_id", "token_hash", "sealed", "form_hash"}
)
#: What is exempt from row-level security is not the tenant's to read as a whole, exports are no data
#: of theirs, looks of staff, who are not named, stand in the log, and versions say nothing outside.
TABLES_NOT_TAKEN = frozenset({"domains", "memberships", "exports", "looks", "account_versions"})
#: Where people are, by their addresses and roles; the table itself has numbers only.
PEOPLE = "people.csv"


def write_everything(making: Making) -> None:
    """Every table of the workspace as CSV, its pictures, and who its people are.

    Read in the tenant's own scope: row-level security decides what is its own.
    """
    tenant = making.tenant
    tables = [
        (schema, table)
        for schema in (tenant.schema_name, "public")
        for table in tables_in_order(schema)
        if table.name not in TABLES_NOT_TAKEN
    ]
    pictures = files_of(tenant.id)
    making.total = len(tables) + len(pictures) + 2
    with tenant_scope(tenant):
        for schema, table in tables:
            _write_table(making, schema, table)
        with making.file(PEOPLE) as write:
            write(_people(tenant))
    for name in pictures:
        try:
            with default_storage.open(name) as picture:
                making.copy(picture, name)
        except FileNotFoundError:
            # Replaced by a newer one since the list was made.
            continue
    with making.file("about.json") as write:
        about = {"workspace": tenant.slug, "name": tenant.name, "made_at": clock.now(), "left_out": sorted(NOT_TAKEN)}
        write(orjson.dumps(about, option=orjson.OPT_INDENT_2))


def write_for_operators(*, tenant: TenantRef, to: IO[bytes], reason: str) -> None:
    """The same for operators, whose permission the caller has asked; the reason is in the customer's audit log."""
    with ZipFile(to, "w", ZIP_DEFLATED) as archive:
        write_everything(Making(archive, tenant, "", {}))
        files = len(archive.namelist())
    record("workspace.taken_along", tenant_id=tenant.id, after={"files": files}, reason=reason)


def _write_table(making: Making, schema: str, table: Table) -> None:
    columns = ", ".join(f'"{name}"' for name in table.columns if name not in NOT_TAKEN and name != "tenant_id")
    with connection.cursor() as cursor, making.file(f"{table.name}.csv") as write:
        statement = f'COPY (SELECT {columns} FROM "{schema}"."{table.name}") TO STDOUT (FORMAT csv, HEADER)'
        with cursor.copy(statement) as rows:
            for block in rows:
                write(bytes(block))


def _people(tenant: TenantRef) -> bytes:
    rows = Membership.objects.filter(tenant_id=tenant.id).order_by("user__email")
    lines = ["email,role,since"]
    lines += [
        f"{email},{role},{at.isoformat()}" for email, role, at in rows.values_list("user__email", "role", "created_at")
    ]
    return ("\n".join(lines) + "\n").encode()


EXPORTS = (
    ExportKind(
        name="everything",
        label=_("Everything"),
        help=_("All tables of the workspace as CSV, its pictures and its people. For owners."),
        write=write_everything,
        capability=Capability.CLOSE_WORKSPACE,
        step_up=True,
        downloaded="workspace.taken_along",
    ),
)
