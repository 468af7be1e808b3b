"""A browser and the whole product around it. They live as long as this package's tests run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.cast import Cast
from tests.e2e.stack import Stack, running_stack
from tests.e2e.visitors import Visitors


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def stack(_cast: Cast, django_db_blocker: pytest.FixtureRequest) -> Iterator[Stack]:
    """Web, worker, beat and simulator. Use `world`, which cleans up behind each test."""
    with django_db_blocker.unblock(), running_stack() as running:  # type: ignore[attr-defined]
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = chromium.find()
    if executable is None:
        pytest.fail(chromium.HOW_TO_GET_IT, pytrace=False)
    # Playwright drives the browser from an event loop in this thread, where Django then refuses to ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=chromium.ARGUMENTS)
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def world(stack: Stack, committed_db: Cast) -> Iterator[Cast]:
    """The cast with nothing tracked, and the upstream at the time of the machine, standing still."""
    stack.upstream.order("reset")
    stack.later(seconds=0)
    yield committed_db
    stack.settle()


@pytest.fixture
def visitors(browser: Browser, stack: Stack, world: Cast) -> Iterator[Visitors]:
    """Opens windows; at the end none of them may have had an error or have asked another host."""
    with ExitStack() as windows:
        yield Visitors(browser, stack, windows)


@pytest.fixture
def page(visitors: Visitors) -> Page:
    """A window on a wide screen, nobody signed in."""
    return visitors.window()


@pytest.fixture
def ana(visitors: Visitors) -> Page:
    """A window in which Ana, owner of Acme, sees her list."""
    return visitors.member("ana@acme.example")
