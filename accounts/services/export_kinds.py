"""What can be exported: kinds, each with the function that writes its files into a zip.

Apps add theirs by modules that the setting EXPORT_KINDS names, so that they need not know each other. A kind writes as
it reads: nothing that grows with the data is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import IO, Any
from zipfile import ZipFile

from django.conf import settings
from django.utils.functional import Promise

from accounts.roles import Capability
from accounts.selectors import TenantRef
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext


class Stopped(Exception):
    """Somebody called the export off, or has taken it over: what is written is thrown away."""


class Making:
    """An export while it is made: the zip, and how far it is. Other threads read the figures, and set `is_over`."""

    def __init__(self, archive: ZipFile, tenant: TenantRef | None, subject: str, parameters: Mapping[str, Any]) -> None:
        self.archive, self.subject, self.parameters = archive, subject, parameters
        self._tenant = tenant
        self.done, self.total, self.size, self.is_over = 0, 0, 0, False

    @property
    def tenant(self) -> TenantRef:
        """Whose data it is; ValueError for an export of operators."""
        if self._tenant is None:
            raise ValueError("This export is of no tenant.")
        return self._tenant

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """One file of the zip, and what writes into it. Raises Stopped as soon as nobody wants it any more."""
        with self.archive.open(name, "w", force_zip64=True) as entry:

            def write(block: bytes) -> None:
                self._go_on()
                entry.write(block)
                self.size += len(block)

            yield write
        self.done += 1

    def copy(self, source: IO[bytes], name: str) -> None:
        """Puts a file into the zip."""
        with self.file(name) as write:
            while block := source.read(256 * 1024):
                write(block)

    def _go_on(self) -> None:
        if self.is_over:
            raise Stopped


@dataclass(frozen=True)
class ExportKind:
    """A kind of export. `feature` is what the plan must have; with `step_up` whoever asks or fetches says once more who
    they are. `formats` are those to choose from, the first where nobody chooses; `of_operators`: no tenant's.
    `resources` are those of the API that a token must be allowed to read for it; without any it is for people only.

    `check` looks at the parameters before anything is kept, and raises BadInput.
    """

    name: str
    label: str | Promise
    help: str | Promise
    write: Callable[[Making], None]
    capability: Capability = Capability.READ
    feature: str = ""
    formats: tuple[str, ...] = ()
    step_up: bool = False
    of_operators: bool = False
    resources: tuple[str, ...] = ()
    downloaded: str = "workspace.export_downloaded"

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of the wishes for it. Raises BadInput."""
        if not self.formats:
            return {}
        chosen = str(parameters.get("format") or self.formats[0])
        if chosen not in self.formats:
            raise BadInput(
                gettext("Choose one of the formats: {formats}.").format(formats=", ".join(self.formats)), field="format"
            )
        tags = [str(tag)[:40] for tag in parameters.get("tags") or []][:20]
        return {"format": chosen} | ({"tags": tags} if tags else {})


@cache
def export_kinds() -> dict[str, ExportKind]:
    """All kinds by name, in the order in which people are shown them."""
    found = [kind for path in settings.EXPORT_KINDS for kind in import_module(path).EXPORTS]
    return {kind.name: kind for kind in found}


def export_kind(name: str) -> ExportKind:
    """Raises NotFound."""
    if name not in export_kinds():
        raise NotFound(gettext("There is no such export."))
    return export_kinds()[name]
