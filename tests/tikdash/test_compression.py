"""Answers are compressed for those who take them so: text only, and never twice of the same length."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from tests.cast import Cast
from tests.snapshots.conftest import browser_of
from tikdash.compression import CompressionMiddleware

TEXT = "A loaf of bread. " * 500


def answered(response: Any, accepts: str = "gzip, br") -> Any:
    request = RequestFactory().get("/", headers={"accept-encoding": accepts})
    return CompressionMiddleware(lambda _: response)(request)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/csv", "application/json", "application/x-ndjson"])
def test_text_is_compressed(kind: str) -> None:
    response = answered(HttpResponse(TEXT, content_type=kind))
    assert response["Content-Encoding"] == "gzip" and len(response.content) < 500
    assert gzip.decompress(response.content).decode() == TEXT and "Accept-Encoding" in response["Vary"]


def test_an_export_that_is_streamed_is_compressed_as_it_comes() -> None:
    response = answered(StreamingHttpResponse((TEXT for _ in range(3)), content_type="text/csv"))
    assert gzip.decompress(b"".join(response)).decode() == TEXT * 3


@pytest.mark.parametrize(
    ("kind", "accepts"),
    [("image/webp", "gzip"), ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "gzip"),
     ("text/html", ""), ("text/html", "br")],
)  # fmt: skip
def test_what_is_packed_already_or_not_asked_for_stays(kind: str, accepts: str) -> None:
    response = answered(HttpResponse(TEXT, content_type=kind), accepts)
    assert "Content-Encoding" not in response and response.content.decode() == TEXT


def test_the_length_tells_nothing() -> None:
    assert len({len(answered(HttpResponse(TEXT)).content) for _ in range(40)}) > 5


def test_pages_come_compressed(cast: Cast) -> None:
    ana = browser_of(cast.ana, "acme.localhost")
    response = ana.get("/accounts/", headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip" and b"<h1" in gzip.decompress(response.content)
