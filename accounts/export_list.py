"""Reading exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import ApiToken, Export
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
    tags: tuple[str, ...]
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


def exports_of_token(token_id: int, *, after: tuple[datetime, UUID] | None, most: int) -> list[ExportRef]:
    """Those that a token has asked for, the newest first, behind the moment and id of `after`."""
    rows = Export.objects.filter(of_token(token_id)).order_by("-created_at", "-pk")
    if after is not None:
        rows = rows.filter(Q(created_at__lt=after[0]) | Q(created_at=after[0], pk__lt=after[1]))
    return [_ref(row) for row in rows[:most]]


def export_of_token(token_id: int, export_id: UUID) -> ExportRef | None:
    """One of them."""
    row = Export.objects.filter(of_token(token_id), pk=export_id).first()
    return _ref(row) if row else None


def of_token(token_id: int) -> Q:
    """What a token has asked for, or the one in whose place it is."""
    former = ApiToken.objects.filter(replaced_by_id=token_id).values("pk")
    return Q(token_id=token_id) | Q(token_id__in=former)


def _ref(row: Export) -> ExportRef:
    is_over = row.state == Export.State.READY and row.expires_at is not None and row.expires_at <= clock.now()
    return ExportRef(
        row.pk, row.kind, str(row.parameters.get("format", "")), "expired" if is_over else str(row.state),
        row.asked_by_id, row.asked_label, tuple(row.parameters.get("tags", ())), row.done, row.total,
        row.size, row.error, row.created_at, row.finished_at, row.expires_at,
    )  # fmt: skip
