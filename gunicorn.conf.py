"""What gunicorn does beside the options of the Procfile; it reads this file by itself."""

from __future__ import annotations

import gc
from typing import Any


def post_worker_init(worker: Any) -> None:
    """The program itself is never garbage: collections, which run while somebody waits for a page, leave it out."""
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """What an ended web process counted stays in the metrics; what it held does not."""
    from tikdash.metrics import forget_process

    forget_process(worker.pid)
