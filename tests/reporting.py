"""A destination for error reports that keeps what Sentry would have been sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tikdash import error_reports

DSN = "https://public@sentry.invalid/1"


class Kept(Transport):
    """Keeps envelopes as the bytes that would have gone over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[bytes] = []
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope.serialize())
        event = envelope.get_event() or envelope.get_transaction_event()
        if event is not None:
            self.events.append(dict(event))

    @property
    def everything(self) -> str:
        return b"\n".join(self.envelopes).decode()


@contextmanager
def reporting() -> Iterator[Kept]:
    """Errors are reported to what comes out, for as long as the block runs."""
    kept = Kept()
    with sentry_sdk.isolation_scope():
        error_reports.configure(DSN, "tests", "tikdash@0", transport=kept)
        try:
            yield kept
            sentry_sdk.flush()
        finally:
            sentry_sdk.get_global_scope().set_client(None)
