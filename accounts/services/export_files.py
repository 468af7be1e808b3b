"""Files of exports: where they are, and how they go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.core.files.storage import Storage, storages

from accounts.models import Export
from tikdash import clock
from tikdash.db.scope import all_tenants

#: A file without a row is left by a worker that was killed; so old it is nobody's.
ORPHAN_AFTER = timedelta(hours=1)
OPERATORS = "operators"
State = Export.State


def private_files() -> Storage:
    """Where the files are. Nothing serves it: a view gives them out, one by one."""
    return storages["exports"]


def drop_old_exports() -> int:
    """Deletes files whose time is over, that were called off, or that no row knows; returns how many."""
    now = clock.now()
    with all_tenants():
        Export.objects.filter(state=State.READY, expires_at__lte=now).update(state=State.EXPIRED)
        gone = Export.objects.exclude(file="").exclude(state__in=[State.READY, State.RUNNING])
        ids = list(gone.values_list("pk", flat=True))
    return drop_files_of(ids) + _drop_orphans()


def drop_files_of(export_ids: Iterable[UUID]) -> int:
    """Deletes the files of these exports, which nobody is to have any more; returns how many."""
    dropped = 0
    for export_id in export_ids:
        with all_tenants():
            row = Export.objects.exclude(file="").filter(pk=export_id).first()
            if row is None:
                continue
            private_files().delete(row.file)
            dropped += 1
            Export.objects.filter(pk=row.pk, file=row.file).update(file="", size=0)
    return dropped


def names_of_files(folder: str) -> list[str]:
    """The names of all files of a tenant (its number), or of operators."""
    try:
        _folders, files = private_files().listdir(folder)
    except FileNotFoundError:
        return []
    return [f"{folder}/{name}" for name in files if name]


def drop_folder(tenant_id: int) -> None:
    """Deletes all exported files of a tenant, whatever rows say."""
    for name in names_of_files(str(tenant_id)):
        private_files().delete(name)
    # Only a local folder is there without its files.
    private_files().delete(str(tenant_id))


def _drop_orphans() -> int:
    storage, dropped = private_files(), 0
    try:
        folders, _files = storage.listdir("")
    except FileNotFoundError:
        return 0
    for folder in folders:
        names = names_of_files(folder)
        with all_tenants():
            known = set(Export.objects.filter(file__in=names).values_list("file", flat=True))
        for name in names:
            if name not in known and storage.get_modified_time(name) < clock.now() - ORPHAN_AFTER:
                storage.delete(name)
                dropped += 1
    return dropped
