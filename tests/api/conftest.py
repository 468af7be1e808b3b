from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    """Requests are counted by the minute; tokens of other tests have had the same ids."""
    cache.clear()
