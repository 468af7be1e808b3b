"""Addresses of our other hosts."""

from __future__ import annotations

from django.http import HttpRequest


def host_url(request: HttpRequest, host: str) -> str:
    """`scheme://host:port` of another of our hosts, with the port of this request."""
    port = request.get_port()
    standard = {"http": "80", "https": "443"}[request.scheme or "http"]
    return f"{request.scheme}://{host}" + ("" if port == standard else f":{port}")
