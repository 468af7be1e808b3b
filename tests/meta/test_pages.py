"""No page of customers without a browser test: each address has its row in `tests/e2e/pages.py`."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.e2e import pages
from tests.isolation.test_public_urls import ADMIN, ALL
from tests.isolation.test_urls import all_names

KNOWN = {*pages.tasks(), *pages.NO_PAGE}
#: Without the administration, which is the staff's.
OF_PUBLIC_HOST = {str(pattern.name) for path, pattern in ALL if not path.startswith(ADMIN)}


def test_every_address_of_customers_is_a_page_with_a_browser_test_or_no_page() -> None:
    assert (all_names() | OF_PUBLIC_HOST) - KNOWN == set()


def test_no_row_is_left_of_an_address_that_is_gone() -> None:
    assert KNOWN - all_names() - OF_PUBLIC_HOST == set()


def test_a_page_is_in_one_list() -> None:
    assert len(KNOWN) == sum(
        map(len, (pages.OF_WORKSPACE, pages.OF_PUBLIC_HOST, pages.OPEN, pages.IN_PASSING, pages.NO_PAGE))
    )


@pytest.mark.parametrize("name", pages.tasks())
def test_the_browser_test_that_does_its_task_is_there(name: str) -> None:
    module, test = pages.tasks()[name].split("::")
    assert callable(getattr(import_module(f"tests.e2e.{module}"), test))
