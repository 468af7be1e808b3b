"""Reading exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Export
from tikdash import clock

MOST_SHOWN = 30
OPEN = ("waiting", "running")


@dataclass(frozen=True)
class ExportRef:
    """One export as people see it. `permille` is how far it is, None while nobody knows how much there is."""

    id: UUID
    kind: str
    format: str
    state: str
    asked_by_id: int | None
    asked_label: str
    done: int
    total: int
    size: int
    error: str
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is waited for."""
        return self.state in OPEN

    @property
    def permille(self) -> int | None:
        """In thousandths, at most all."""
        return min(1000, self.done * 1000 // self.total) if self.total else None


def exports_listed(*, subject: str = "") -> list[ExportRef]:
    """The exports of the present scope about `subject`, the newest first. In a tenant's scope they are its own."""
    return [_ref(row) for row in Export.objects.filter(subject=subject).order_by("-created_at")[:MOST_SHOWN]]


def export_listed(export_id: UUID) -> ExportRef | None:
    """One of the present scope."""
    row = Export.objects.filter(pk=export_id).first()
    return _ref(row) if row else None


def _ref(row: Export) -> ExportRef:
    is_over = row.state == Export.State.READY and row.expires_at is not None and row.expires_at <= clock.now()
    return ExportRef(
        row.pk, row.kind, str(row.parameters.get("format", "")), "expired" if is_over else str(row.state),
        row.asked_by_id, row.asked_label, row.done, row.total, row.size, row.error, row.created_at, row.finished_at,
        row.expires_at,
    )  # fmt: skip
