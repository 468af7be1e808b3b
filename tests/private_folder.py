"""The private storage of exports in a folder of a test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.storage import storages


def use_private_folder(settings: Any, folder: Path) -> Path:
    """From now on exports lie in `folder`; `settings` are pytest-django's, and take it back."""
    private = settings.STORAGES["exports"]
    here = private | {"OPTIONS": private["OPTIONS"] | {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"exports": here}
    assert str(storages["exports"].location) == str(folder)  # type: ignore[attr-defined]
    return folder
