"""What our copies of pictures are called, and which part of an upstream's address says that it is another picture.

A name holds the tenant and a digest of subject and content: a picture that changes gets another name, so that browsers
may keep what they have for good, and no two subjects share a file.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

AVATAR, COVER, STORY = "avatar", "cover", "story"
#: Where pages find the files; `snapshots.web.pictures` answers there.
ADDRESS = "/media/"
LONGEST_SOURCE = 300
_NAME = re.compile(r"pictures/([1-9][0-9]{0,18})/(?:avatar|cover|story)/[0-9a-f]{2}/[0-9a-f]{40}\.webp")


def file_name(tenant_id: int, kind: str, subject_id: int, content: bytes) -> str:
    """The name of the copy in the file storage, at most 120 characters; `subject_id` is the account's,
    the post's or the story's."""
    digest = hashlib.sha256(f"{subject_id}:".encode() + content).hexdigest()[:40]
    return f"pictures/{tenant_id}/{kind}/{digest[:2]}/{digest}.webp"


def is_file_of(tenant_id: int, name: str) -> bool:
    """Whether `name` is a name of a copy of this tenant's; nothing else is ever shown to its members."""
    found = _NAME.fullmatch(name)
    return found is not None and int(found[1]) == tenant_id


def address_of(name: str) -> str:
    """Where a page of the tenant finds the file; empty where there is none."""
    return ADDRESS + name if name else ""


def source_of(url: str) -> str:
    """What stays the same of a picture's address while host, expiry and signature change with every answer."""
    try:
        return urlsplit(url).path[:LONGEST_SOURCE]
    except ValueError:
        return url[:LONGEST_SOURCE]
