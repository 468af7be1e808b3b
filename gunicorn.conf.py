"""What gunicorn does beside the options of the Procfile; it reads this file by itself."""

from __future__ import annotations

from typing import Any


def child_exit(server: Any, worker: Any) -> None:
    """What an ended web process counted stays in the metrics; what it held does not."""
    from tikdash.metrics import forget_process

    forget_process(worker.pid)
