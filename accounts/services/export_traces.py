"""People at TikTok in files that were exported: such a file is found by reading it, and goes as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zipfile import BadZipFile, ZipFile

from accounts.models import Export
from accounts.services.export_files import drop_files_of, private_files
from accounts.services.personal import Row
from tikdash import clock
from tikdash.db.scope import all_tenants
from tikdash.tiklive.people import Person

BLOCK = 1024 * 1024
#: More than the longest name, so that one that lies across two blocks is found in the second.
OVERLAP = 512
State = Export.State


def exports_naming(person: Person) -> Iterator[Row]:
    """Finished exports in which the person is named. Nothing of the file is given out: its rows are told as such."""
    for row in _finished():
        if _names(row.file, person):
            yield {"table": "exports", "row": str(row.pk), "tenant_id": row.tenant_id, "kind": row.kind}


def drop_exports_naming(person: Person) -> int:
    """Deletes these files; returns how many. Exports that are being made begin anew: they may have read the person's
    rows already, which are gone by now."""
    with all_tenants():
        Export.objects.filter(state=State.RUNNING).update(state=State.WAITING, lease_until=None)
        named = [row.pk for row in _finished() if _names(row.file, person)]
        Export.objects.filter(pk__in=named).update(state=State.EXPIRED, expires_at=clock.now())
    return drop_files_of(named)


def _finished() -> list[Export]:
    with all_tenants():
        return list(Export.objects.exclude(file="").exclude(state=State.RUNNING).order_by("created_at"))


def _names(name: str, person: Person) -> bool:
    names, numbers = re.compile(person.names_pattern, re.IGNORECASE), re.compile(person.ids_pattern)
    try:
        with private_files().open(name) as file, ZipFile(file) as archive:
            return any(
                names.search(text) or numbers.search(text)
                for entry in archive.namelist()
                if not entry.endswith(".webp")
                for text in _texts(archive, entry)
            )
    except FileNotFoundError:
        return False
    except BadZipFile:
        # Half a file of a worker that was killed: nobody can tell what is in it.
        return True


def _texts(archive: ZipFile, entry: str) -> Iterator[str]:
    with archive.open(entry) as file:
        before = b""
        while block := file.read(BLOCK):
            yield (before + block).decode("utf-8", "replace")
            before = block[-OVERLAP:]
