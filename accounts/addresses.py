"""Addresses of workspaces: what may be one, and suggestions made of a name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

LONGEST = 40
ADDRESS = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")

#: How the rest of an erased workspace is called, with its number.
ERASED = "erased-"
#: Hosts that Tikdash needs or may need itself, and names that strangers would take for it.
RESERVED = frozenset({
    "abuse", "account", "accounts", "admin", "api", "app", "assets", "auth", "autoconfig", "autodiscover", "billing",
    "blog", "cdn", "demo", "dev", "docs", "ftp", "help", "hostmaster", "imap", "localhost", "login", "mail", "media",
    "mx", "ns1", "ns2", "ops", "pop", "postmaster", "public", "root", "security", "shared", "signup", "smtp", "sso",
    "static", "status", "support", "test", "tikdash", "tiktok", "webmaster", "wpad", "www",
})  # fmt: skip


def is_address(text: str) -> bool:
    """True for what may stand before our domain; whether it is free is another question."""
    return ADDRESS.fullmatch(text) is not None and text not in RESERVED and not text.startswith(ERASED)


def address_of(name: str) -> str:
    """A name as an address: “Acme Talent & Söhne” is `acme-talent-sohne`; empty where no letter of a–z is in it."""
    plain = unicodedata.normalize("NFKD", name.lower()).replace("ß", "ss").replace("æ", "ae").replace("ø", "o")
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = re.sub(r"['’]", "", letters)
    slug = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    return re.sub(r"^[0-9-]+", "", slug)[:LONGEST].rstrip("-")


def candidates(name: str) -> Iterator[str]:
    """Addresses for a name, the nearest first, without an end; all are addresses, none is looked up."""
    base = address_of(name) or "workspace"
    if is_address(base):
        yield base
    for word in ("team", "hq", "social"):
        yield f"{base[: LONGEST - len(word) - 1].rstrip('-')}-{word}"
    for number in count(2):
        yield f"{base[: LONGEST - len(str(number)) - 1].rstrip('-')}-{number}"
