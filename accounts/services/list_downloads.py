"""That somebody of operations took a list of the administration along as a file."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.services.auditing import Target, record
from tikdash.db.scope import current_scope


def record_download(*, model: str, name: str, chosen: Mapping[str, str], rows: int) -> None:
    """Which list, of which shard, how it was filtered and searched, and how many rows were in the file."""
    filters = ", ".join(f"{key}={value}" for key, value in sorted(chosen.items()))
    facts = {"rows": rows, "filter": filters or "none", "schema": current_scope().schema}
    record("operations.list_downloaded", target=Target("list", model, name), after=facts)
