"""TikTok handles as people type them. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tikdash.errors import BadInput
from tikdash.words import gettext

HANDLE = re.compile(r"[a-z0-9_.]{2,24}\Z")
PROFILE_HOSTS = re.compile(r"(?:[a-z0-9-]+\.)?tiktok\.com\Z")
SHORT_LINK_HOSTS = {"vm.tiktok.com", "vt.tiktok.com"}


def clean_handle(text: str) -> str:
    """The handle in `text`: with or without @, with spaces around, or a profile's or post's address; lower case.

    Raises BadInput with a sentence that says what to type.
    """
    handle = text.strip().strip("\u200b\ufeff")
    if not handle:
        raise BadInput(gettext("Type a TikTok handle, for example @lena.bakes."))
    if "/" in handle:
        handle = _handle_in_address(handle)
    handle = handle.lstrip("@").strip().lower()
    if not HANDLE.match(handle) or handle.endswith("."):
        raise BadInput(
            gettext(
                "“{handle}” is not a TikTok handle: 2–24 letters, digits, dots and underscores, no dot at the end."
            ).format(handle=handle[:40])
        )
    return handle


def _handle_in_address(text: str) -> str:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = (parts.hostname or "").lower()
    except ValueError:
        host = ""
    if host in SHORT_LINK_HOSTS or (PROFILE_HOSTS.match(host) and parts.path.startswith("/t/")):
        raise BadInput(
            gettext("Short links do not say whose they are. Open it, then copy the profile's address or the handle.")
        )
    first = parts.path.split("/")[1] if host and "/" in parts.path else ""
    if not PROFILE_HOSTS.match(host) or not first.startswith("@"):
        raise BadInput(
            gettext("This is not the address of a TikTok profile. It looks like https://www.tiktok.com/@handle.")
        )
    return first
