from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from billing.models import Plan
from tests.cast import Cast


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    """Requests are counted by the minute; tokens of other tests have had the same ids."""
    cache.clear()


@pytest.fixture
def unlimited(committed_db: Cast) -> Iterator[None]:
    """Tokens of Acme ask as often as they like, in what is committed, too."""
    plan = Plan.objects.filter(code=committed_db.acme.plan)
    before = plan.values("api_requests_per_minute").get()
    plan.update(api_requests_per_minute=10**6)
    yield
    plan.update(**before)
