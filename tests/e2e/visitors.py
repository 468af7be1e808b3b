"""People in front of the product: browser windows that notice what no window may have, and what people do in them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from accounts.selectors import TenantRef
from snapshots.models import AccountSnapshot, FetchJob, TrackedAccount
from snapshots.selectors import handle_check
from snapshots.services.accounts import REFRESHED, clean_wish, request_tracking
from snapshots.services.partitions import PARTITIONED
from tests import factories
from tests.cast import OLGA, PASSWORD, code_now
from tests.e2e.stack import Stack, wait_for
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner, tenant_scope

WIDE, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 15_000
LOADED_WITH_FAILURE = "Failed to load resource: the server responded with a status of "

expect.set_options(timeout=PATIENCE_MS)


class Watch:
    """Notes errors of the console and of scripts, violations of the content policy, and requests to other hosts."""

    def __init__(self, context: BrowserContext, stack: Stack) -> None:
        self.faults: list[str] = []
        self._stack = stack
        self._allowed: set[int] = set()
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        context.on("request", self._see)
        context.on("response", self._read)
        context.on("requestfailed", self._miss)

    def allow(self, *statuses: int) -> None:
        """Answers with these statuses are what the test is about."""
        self._allowed |= set(statuses)

    def _hear(self, message: ConsoleMessage) -> None:
        # A failed answer is judged by its status in `_read`; the console only repeats it.
        if message.type in {"error", "warning"} and not message.text.startswith(LOADED_WITH_FAILURE):
            self.faults.append(f"console: {message.text} ({message.location.get('url')})")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        host = address.hostname or ""
        ours = address.port == self._stack.port and (host == "localhost" or host.endswith(".localhost"))
        if address.scheme not in {"data", "blob"} and not ours:
            self.faults.append(f"foreign host: {request.url}")

    def _read(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._allowed:
            self.faults.append(f"status {response.status}: {response.url}")

    def _miss(self, request: Request) -> None:
        # A request that the next page overtook is nobody's fault.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"no answer: {request.url} ({request.failure})")


class Visitors:
    """Opens windows, each with cookies of its own."""

    def __init__(self, browser: Browser, stack: Stack, windows: ExitStack) -> None:
        self._browser, self._stack, self._windows = browser, stack, windows

    def window(self, *, size: tuple[int, int] = WIDE, scheme: str = "light", script: bool = True) -> Page:
        """An empty window; `watch_of(page)` is its watch."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._windows.enter_context(_watched(context, Watch(context, self._stack)))
        return context.new_page()

    def member(self, email: str = "ana@acme.example", **window: Any) -> Page:
        """A window in which this member is signed in to her workspace and sees its list."""
        page = self.window(**window)
        page.goto(self._stack.url(email.split("@")[1].split(".")[0], "/accounts/"))
        sign_in(page, email)
        expect(page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
        page.wait_for_load_state()
        return page


_watches: dict[BrowserContext, Watch] = {}


@contextmanager
def _watched(context: BrowserContext, watch: Watch) -> Iterator[None]:
    _watches[context] = watch
    try:
        yield
        assert watch.faults == [], "\n".join(watch.faults)
    finally:
        del _watches[context]
        context.close()


def watch_of(page: Page) -> Watch:
    return _watches[page.context]


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    if email == OLGA:
        page.get_by_label("Code").fill(code_now())
        page.get_by_role("button", name="Sign in", exact=True).click()


def track(page: Page, handle: str) -> None:
    """Types a handle into the form of the list, as it is, and sends it."""
    page.get_by_label("TikTok handle").fill(handle)
    page.get_by_role("button", name="Track").click()


def expect_mistake(page: Page, sentence: str) -> None:
    """The field of the handle is described by this sentence, as a screen reader would say it."""
    field = page.get_by_label("TikTok handle")
    expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))


def tab_to(target: Locator) -> None:
    """Presses Tab until `target` has the focus."""
    for _ in range(60):
        if target.evaluate("element => element === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not reach {target}.")


def tile(page: Page, label: str) -> Locator:
    """The number of one tile of an account's page; its exact value is its title."""
    return page.locator(".tile", has=page.get_by_text(label, exact=True)).locator(".tile-value [title]")


def views(page: Page) -> list[int]:
    """The views column of the posts table, exact, in the order shown."""
    cells = page.locator("#posts td.col-plays").evaluate_all("all => all.map(one => one.title || one.textContent)")
    return [int(cell.replace(",", "")) for cell in cells]


def has_drawing(canvas: Locator) -> bool:
    """True where the canvas is not blank: it shows the series' colour on many pixels."""
    return bool(
        canvas.evaluate(
            """canvas => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let painted = 0;
                for (let i = 3; i < data.length; i += 4) if (data[i] > 0) painted += 1;
                return painted > 500;
            }"""
        )
    )


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def with_history(tenant: TenantRef, handle: str, followers: list[int | None], posts: int = 0, **fields: Any) -> int:
    """An account of `tenant` with one reading a day that ends today, and posts; nothing fetches it. Returns its id."""
    _make_months(tenant, len(followers))
    with tenant_scope(tenant):
        account: TrackedAccount = factories.make_account(handle, **{"follower_count": followers[-1]} | fields)
        factories.make_snapshots(account, followers)
        for number in range(posts):
            factories.make_post(account, title=f"Post number {number + 1}")
        return int(account.pk)


def tracked(tenant: TenantRef, handle: str, days: int = 1, reason: str = "own", tags: str = "") -> int:
    """An account that the worker has read, as if an hour ago, with `days` readings; returns its id.

    It is not due before tomorrow, so that only a person's wish makes the worker read it again.
    """
    _make_months(tenant, days)
    with tenant_scope(tenant):
        check_id = request_tracking(tenant=tenant, wish=clean_wish(handle=handle, reason=reason, tags=tags))
        wait_for(lambda: handle_check(check_id).account_id, f"@{handle}")
        account_id = handle_check(check_id).account_id
        assert account_id is not None
        jobs = FetchJob.objects.filter(account_id=account_id)
        first = jobs.filter(kind__in=REFRESHED)
        wait_for(lambda: not first.filter(succeeded_at=None).exists(), f"the posts of @{handle}")
        hour_ago = clock.now() - timedelta(hours=1)
        jobs.update(next_due_at=clock.now() + timedelta(days=1), requested_at=hour_ago)
        newest = AccountSnapshot.objects.get(account_id=account_id)
        for back in range(1, days):
            grown = 1 - 0.0012 * back - 0.002 * math.sin(back / 5)
            counters = {name: int(getattr(newest, name) * grown) for name in ("follower_count", "heart_count")}
            AccountSnapshot.objects.create(
                account_id=account_id,
                captured_on=newest.captured_on - timedelta(days=back),
                captured_at=newest.captured_at - timedelta(days=back),
                **{"video_count": newest.video_count - back // 2} | counters,
            )
    return account_id


def _make_months(tenant: TenantRef, days: int) -> None:
    with owner(tenant.schema_name):
        for table in PARTITIONED:
            ensure_months(table, {clock.today() - timedelta(days=back) for back in range(days + 2)})
