"""What operators see of the client; `tikdash.metrics` shows it. Names and meanings: docs/operations.md."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter("tikdash_upstream_requests", "Attempts that reached the upstream.", ["endpoint", "outcome"])
LATENCY = Histogram(
    "tikdash_upstream_latency_seconds",
    "From the first byte sent to the last one received.",
    ["endpoint"],
    buckets=(0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 40),
)
CREDITS = Counter("tikdash_upstream_credits", "Credits that answers have cost.", ["endpoint", "feature"])
RETRIES = Counter("tikdash_upstream_retries", "Attempts after the first of a call.", ["endpoint", "after"])
REFUSALS = Counter("tikdash_upstream_refusals", "Times a request was told to wait, by what it waits for.", ["reason"])
WAITS = Histogram(
    "tikdash_upstream_wait_seconds",
    "What a request slept for its turn, by what it waited for last.",
    ["reason"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2),
)
CACHE = Counter(
    "tikdash_upstream_cache", "Questions to the cache: hit, miss, or shared with whoever asked.", ["result"]
)


def attempted(endpoint: str, outcome: str, latency_ms: int, credits: int, feature: str) -> None:
    """One attempt that reached the upstream."""
    REQUESTS.labels(endpoint, outcome).inc()
    LATENCY.labels(endpoint).observe(latency_ms / 1000)
    if credits:
        CREDITS.labels(endpoint, feature).inc(credits)


def retried(endpoint: str, after: str) -> None:
    """Another attempt, after the error `after`."""
    RETRIES.labels(endpoint, after).inc()


def refused(reason: str) -> None:
    """A request has to wait for `reason`."""
    REFUSALS.labels(reason).inc()


def waited(milliseconds: int, reason: str) -> None:
    """What a request slept before it was admitted or given up; nothing is noted for nothing."""
    if milliseconds:
        WAITS.labels(reason).observe(milliseconds / 1000)


def cached(result: str) -> None:
    """The cache was asked."""
    CACHE.labels(result).inc()
