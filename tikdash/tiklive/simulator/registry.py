"""Handles this simulator has been asked for. An id rebuilds a creator but cannot spell its handle."""

from __future__ import annotations

import threading
from pathlib import Path

from .creators import id_for_handle


class Registry:
    """Ids to first handles; with a file it survives a restart (one handle a line)."""

    def __init__(self, seed: int, path: Path | None = None) -> None:
        self._seed = seed
        self._path = path
        self._lock = threading.Lock()
        self._handles: dict[int, str] = {}
        if path and path.exists():
            self._handles = {id_for_handle(seed, handle): handle for handle in path.read_text().split()}

    def remember(self, account_id: int, handle: str) -> None:
        """Note a handle once."""
        if account_id in self._handles:
            return
        with self._lock:
            if account_id not in self._handles:
                self._handles[account_id] = handle
                self._append(handle)

    def handle_of(self, account_id: int) -> str:
        """The handle the account was first met by, or a made-up one that leads to the same id."""
        return self._handles.get(account_id) or f"user{account_id}"

    def ids(self) -> list[int]:
        """Every account met so far."""
        with self._lock:
            return list(self._handles)

    def _append(self, handle: str) -> None:
        if self._path:
            with self._path.open("a") as file:
                file.write(f"{handle}\n")
