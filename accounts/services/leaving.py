"""All that a workspace has, as files: what its people take along before it is deleted, or whenever they like."""

from __future__ import annotations

import zipfile
from typing import IO

import orjson
from django.core.files.storage import default_storage
from django.db import connection

from accounts.models import Membership
from accounts.roles import Capability, refuse_unless
from accounts.selectors import MembershipRef, TenantRef
from accounts.services.auditing import record
from accounts.services.traces import files_of
from tikdash import clock
from tikdash.db.copying import Table, tables_in_order
from tikdash.db.scope import tenant_scope

#: Of no use outside, and dangerous there: sealed secrets and what tokens are checked with.
NOT_TAKEN = frozenset({"secret", "data_key", "master_id", "fingerprint", "digest", "pepper_id", "token_hash"})
#: Said elsewhere: people in a file of their own; looks of staff, who are not named, in the log.
ELSEWHERE = frozenset({"domains", "memberships", "looks"})
#: Where people are, by their addresses and roles; the table itself has numbers only.
PEOPLE = "people.csv"


def write_everything(*, tenant: TenantRef, by: MembershipRef | None, to: IO[bytes], reason: str = "") -> int:
    """A zip with every table of the workspace as CSV, its pictures, and who its people are; returns how many files.

    Read in the tenant's own scope: row-level security decides what is its own. `by` is None for operators, whose
    permission the caller has asked, with the reason. Raises NotAllowed.
    """
    if by is not None:
        refuse_unless(by.role, Capability.CLOSE_WORKSPACE)
    # What is exempt from row-level security is not the tenant's to read as a whole.
    tables = [(schema, table) for schema in (tenant.schema_name, "public") for table in tables_in_order(schema)]
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        with tenant_scope(tenant):
            for schema, table in tables:
                if table.name not in ELSEWHERE:
                    _write_table(archive, schema, table)
            archive.writestr(PEOPLE, _people(tenant))
        for name in files_of(tenant.id):
            with default_storage.open(name) as picture, archive.open(name, "w") as entry:
                for block in picture.chunks():
                    entry.write(block)
        about = {"workspace": tenant.slug, "name": tenant.name, "made_at": clock.now(), "left_out": sorted(NOT_TAKEN)}
        archive.writestr("about.json", orjson.dumps(about, option=orjson.OPT_INDENT_2))
        files = len(archive.namelist())
    record("workspace.taken_along", tenant_id=tenant.id, after={"files": files}, reason=reason)
    return files


def _write_table(archive: zipfile.ZipFile, schema: str, table: Table) -> None:
    columns = ", ".join(f'"{name}"' for name in table.columns if name not in NOT_TAKEN and name != "tenant_id")
    with connection.cursor() as cursor, archive.open(f"{table.name}.csv", "w", force_zip64=True) as entry:
        statement = f'COPY (SELECT {columns} FROM "{schema}"."{table.name}") TO STDOUT (FORMAT csv, HEADER)'
        with cursor.copy(statement) as rows:
            for block in rows:
                entry.write(block)


def _people(tenant: TenantRef) -> str:
    rows = Membership.objects.filter(tenant_id=tenant.id).order_by("user__email")
    lines = ["email,role,since"]
    lines += [
        f"{email},{role},{at.isoformat()}" for email, role, at in rows.values_list("user__email", "role", "created_at")
    ]
    return "\n".join(lines) + "\n"
