"""The copy that a person at TikTok asks for: what there is, as JSON and as CSV, in a zip that a worker makes.

Rows wait in files that have no name, a kind after the other, so that memory holds one table of one shard at most.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
from django.db import transaction

from accounts.models import PrivacyRequest
from accounts.services.auditing import record
from accounts.services.export_kinds import ExportKind, Making
from accounts.services.personal import Kind as PersonalKind
from accounts.services.personal import Row, export_of, kinds
from accounts.services.privacy import COPY, refuse_unless, search
from tikdash import clock
from tikdash.errors import NotFound
from tikdash.tiklive.people import Person
from tikdash.ui.cells import harmless

Write = Callable[[bytes], None]


class _Told:
    """The rows of one kind, in a file without a name, with the columns of each table."""

    def __init__(self, kind: PersonalKind, file: IO[bytes]) -> None:
        self.kind, self.rows, self._file = kind, 0, file
        self.columns: dict[str, dict[str, None]] = {}

    def keep(self, row: Row) -> None:
        """Takes one more."""
        self._file.write(orjson.dumps(row) + b"\n")
        self.columns.setdefault(str(row["table"]), {}).update(dict.fromkeys(row))
        self.rows += 1

    def lines(self) -> Iterator[bytes]:
        """Each row as JSON."""
        self._file.seek(0)
        for line in self._file:
            yield line.rstrip(b"\n")

    def of_table(self, table: str) -> Iterator[Row]:
        """The rows of one table."""
        return (row for row in map(orjson.loads, self.lines()) if row["table"] == table)


def write_copy(making: Making) -> None:
    """What there is of the person of a request: one JSON file, and a CSV file a table. In whose workspaces they are
    stays between us and our customers; by whose key they came is said. Raises LimitReached for a request that is over.
    """
    request = PrivacyRequest.objects.filter(pk=int(making.subject)).first()
    if request is None:
        raise NotFound("There is no such request.")
    refuse_unless(request, PrivacyRequest.State.OPEN)
    person = search(request)
    roles = {one["workspace"]: one["role"] for one in request.concerned}
    making.total = len(kinds()) + 1
    with ExitStack() as files:
        told = []
        for kind in kinds():
            its = _Told(kind, files.enter_context(TemporaryFile()))
            for row in export_of(kind, person):
                its.keep(_given_out(row, roles))
            told.append(its)
            for table, columns in its.columns.items():
                name = f"{kind.name.replace(' ', '-')}/{table.removeprefix('public.')}.csv"
                with making.file(name) as write:
                    _write_csv(its, table, list(columns), write)
        with making.file("data.json") as write:
            _write_json(person, told, write)
    making.done = making.total
    request.exported_at = clock.now()
    with transaction.atomic():
        request.save(update_fields=["exported_at"])
        rows = sum(its.rows for its in told)
        record("privacy.person_exported", after={"request": request.pk, "rows": rows})


def _write_json(person: Person, told: list[_Told], write: Write) -> None:
    about = {"handles": sorted(person.handles), "ids": sorted(person.ids), "sec_uids": sorted(person.sec_uids)}
    head = orjson.dumps({"about": about, "made_at": clock.now()})
    write(head[:-1] + b',\n"kinds":[')
    for number, its in enumerate(told):
        facts = {"name": its.kind.name, "purpose": its.kind.purpose, "kept": its.kind.kept}
        write((b",\n" if number else b"\n") + orjson.dumps(facts)[:-1] + b',"rows":[')
        for place, line in enumerate(its.lines()):
            write((b",\n" if place else b"\n") + line)
        write(b"]}")
    write(b"\n]}\n")


def _write_csv(told: _Told, table: str, columns: list[str], write: Write) -> None:
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(columns)
    for row in told.of_table(table):
        writer.writerow([_cell(row.get(name)) for name in columns])
        if line.tell() > 64 * 1024:
            write(line.getvalue().encode())
            line.seek(0)
            line.truncate()
    write(line.getvalue().encode())


def _given_out(row: Row, roles: dict[int, str]) -> Row:
    kept = {name: value for name, value in row.items() if name not in ("tenant_id", "row", "sample_id")}
    return kept | {"held_as": roles.get(row.get("tenant_id") or 0, "controller")}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return harmless(value if isinstance(value, str) else orjson.dumps(value).decode())


EXPORTS = (
    ExportKind(
        name=COPY,
        label="Copy for a person",
        help="What there is of the person of a request.",
        write=write_copy,
        step_up=True,
        of_operators=True,
        downloaded="privacy.copy_downloaded",
    ),
)
