"""What a browser makes of the list of all posts: first rows, how smoothly 5,000 rows scroll, bytes of a first visit.

Chromium without a screen, the product behind gunicorn as in the Procfile, the agency of `pages` in the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import chromium
from tests.bench.data import connected_to
from tests.bench.frame import Figure, Options, at_most
from tests.bench.pages import agency
from tests.bench.pages_data import HUNDREDTH, SIZES, pages_database
from tests.bench.serving import web

#: Rows that each round scrolls through.
ROWS = {"small": 1_000, "full": 5_000}
ROUNDS = 5
MOST_FRAME_MS, MOST_FIRST_MS, MOST_FIRST_KB = 50, 1_000, 400
#: As far as the fastest fling of a finger goes between two frames.
PIXELS_A_FRAME = 400
LIST = "/posts/?sort=-plays"
#: Pages that somebody may see first.
FIRST = ("/overview/", "/accounts/", "/accounts/1/", "/posts/", "/compare/?accounts=1,2,3")
#: When the first row stood on the screen, ms since the navigation began.
FIRST_ROW = """
    const look = () => document.querySelector('table.all-posts tbody tr')
        ? requestAnimationFrame(() => { window.firstRow = performance.now(); })
        : requestAnimationFrame(look);
    look();
"""
FIRST_ROW_SEEN = """
    () => new Promise((done) => {
        const look = () => window.firstRow ? done(window.firstRow) : requestAnimationFrame(look);
        look();
    })
"""
#: Scrolls as fast as rows come, and notes how long each frame took; the first ones are those of the start.
SCROLL = """
    ([wanted, pixels]) => new Promise((done) => {
        const frames = [];
        // Head, rows, and the row that brings more: a list that lives costs a frame nothing to count.
        const all = document.querySelector('table.all-posts').getElementsByTagName('tr');
        let before = 0;
        const step = (now) => {
            if (before) frames.push(now - before);
            before = now;
            const rows = all.length - 2;
            if (rows >= wanted) return done({ rows, frames: frames.slice(10) });
            window.scrollBy({ top: pixels, behavior: 'instant' });
            requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
    })
"""
#: The same browser with nothing to do: what other work on the machine costs a frame.
IDLE = """
    (count) => new Promise((done) => {
        const frames = [];
        let before = 0;
        const step = (now) => {
            if (before) frames.push(now - before);
            before = now;
            frames.length < count ? requestAnimationFrame(step) : done(frames.slice(10));
        };
        requestAnimationFrame(step);
    })
"""


def run(options: Options) -> Iterator[Figure]:
    name = pages_database(SIZES["full"] if options.size == "full" else HUNDREDTH, options)
    rows, executable = ROWS[options.size], chromium.find()
    assert executable is not None, chromium.HOW_TO_GET_IT
    cookies = _log_in(name)
    with web(name, log="scroll-web.log", LOG_LEVEL="WARNING") as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.ARGUMENTS)
        visitor = _Visitor(browser, served.port, cookies)
        firsts = [visitor.first_row_ms() for _ in range(ROUNDS + 1)][1:]
        yield _figure("first_rows_ms", "ms", median(firsts), MOST_FIRST_MS)
        frames, idle = zip(*(visitor.scrolled(rows) for _ in range(ROUNDS)), strict=True)
        facts = {
            "rows": rows,
            "idle_worst_ms": round(median(max(each) for each in idle), 1),
            "over_50_ms": median(sum(ms > MOST_FRAME_MS for ms in each) for each in frames),
            "median_frame_ms": round(median(median(each) for each in frames), 1),
        }
        yield _figure("worst_frame_ms", "ms", median(max(each) for each in frames), MOST_FRAME_MS, facts)
        kilobytes = {path: visitor.first_visit_kb(path) for path in FIRST}
        worst = max(kilobytes.values())
        yield _figure("first_visit_kb", "KB", worst, MOST_FIRST_KB, {"pages": kilobytes})
        browser.close()


class _Visitor:
    """The owner of the agency, logged in, with a browser that has seen nothing yet each time."""

    def __init__(self, browser: Browser, port: int, cookies: dict[str, str]) -> None:
        self.browser, self.port, self.cookies = browser, port, cookies

    @contextmanager
    def window(self) -> Iterator[tuple[BrowserContext, Page]]:
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        base = self.url("/")
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in self.cookies.items()])
        try:
            yield context, context.new_page()
        finally:
            context.close()

    def url(self, path: str) -> str:
        return f"http://bench-1.{settings.BASE_DOMAIN}:{self.port}{path}"

    def first_row_ms(self) -> float:
        with self.window() as (_, page):
            page.add_init_script(FIRST_ROW)
            assert page.goto(self.url(LIST), wait_until="load").ok  # type: ignore[union-attr]
            return float(page.evaluate(FIRST_ROW_SEEN))

    def scrolled(self, rows: int) -> tuple[list[float], list[float]]:
        """How long the frames took, and as many frames of an empty page right behind."""
        with self.window() as (context, page):
            page.goto(self.url(LIST), wait_until="load")
            found: dict[str, Any] = page.evaluate(SCROLL, [rows, PIXELS_A_FRAME])
            assert found["rows"] >= rows, found["rows"]
            idle = context.new_page().evaluate(IDLE, len(found["frames"]))
            return found["frames"], idle

    def first_visit_kb(self, path: str) -> float:
        """Everything that came over the line until the page was quiet, heads of answers included."""
        with self.window() as (context, page):
            received: list[int] = []
            line = context.new_cdp_session(page)
            line.send("Network.enable")
            line.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
            page.goto(self.url(path), wait_until="networkidle")
            return round(sum(received) / 1_000, 1)


def _figure(metric: str, unit: str, value: float, aim: float, facts: dict[str, Any] | None = None) -> Figure:
    return Figure("scroll", metric, unit, value, None, ROUNDS, at_most(aim), facts or {})


def _log_in(name: str) -> dict[str, str]:
    with connected_to(name):
        one = agency()
        client = Client(headers={"host": one.host})
        client.force_login(one.user)
        return {key: morsel.value for key, morsel in client.cookies.items()}
