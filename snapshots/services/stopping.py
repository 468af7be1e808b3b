"""A worker that was told to end: it begins nothing more, so that others take what it has claimed."""

from __future__ import annotations

import threading

_told = threading.Event()


def stop_beginning() -> None:
    """From now on no job begins in this process; those that run end as ever."""
    _told.set()


def go_on() -> None:
    """Takes `stop_beginning` back: for processes that outlive what they were told."""
    _told.clear()


def is_stopping() -> bool:
    """Whether this process has been told to end."""
    return _told.is_set()
