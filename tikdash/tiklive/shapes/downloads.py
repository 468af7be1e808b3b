"""Addresses of a post's video file."""

from __future__ import annotations

from msgspec import Struct

from tikdash.tiklive.errors import BadPayload
from tikdash.tiklive.shapes.lenient import json_object
from tikdash.tiklive.text import clean_text


class DownloadLinks(Struct, frozen=True):
    """Where the video can be fetched for a short while, at least one of the two; never to be kept."""

    video: str | None = None
    video_hd: str | None = None


def decode_download(body: bytes) -> DownloadLinks:
    """The addresses, http or https only; BadPayload when there is none."""
    content = json_object(body)
    links = DownloadLinks(_link(content.get("video")), _link(content.get("video_hd")))
    if links == DownloadLinks():
        raise BadPayload("no address of a video", reason="no_usable_fields")
    return links


def _link(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    link = clean_text(value).strip()
    # It may end up in a page, where an address of another kind could run as a script.
    return link if link.lower().startswith(("https://", "http://")) else None
