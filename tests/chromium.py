"""Where the browser is, and how it must be started; `python -m tests.chromium` says so when there is none."""

from __future__ import annotations

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium's sandbox cannot be had as root.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
HOW_TO_GET_IT = "Browser tests need Chromium, which is not here. On Debian or Ubuntu: apt-get install chromium"


def find() -> str | None:
    """The path of a browser, or None. CHROMIUM names another one."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    if find() is None:
        sys.exit(HOW_TO_GET_IT)
