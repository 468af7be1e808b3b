"""What people change of themselves."""

from __future__ import annotations

from accounts.models import User
from tikdash.db.scope import no_scope


def rename_person(*, user_id: int, name: str) -> None:
    """The name that others see; empty, they see the address."""
    with no_scope():
        User.objects.filter(pk=user_id).update(name=" ".join(name.split()))
