"""Our copies of avatars and covers, for the members of the tenant that they were made for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.http import require_safe

from snapshots.picture_names import is_file_of
from tikdash.errors import NotFound
from tikdash.media import SIGNED_FOR_S

#: Another picture has another name.
FOR_GOOD = "private, max-age=31536000, immutable"
#: Somewhat less than the signature of the bucket's address holds.
WHILE_SIGNED = f"private, max-age={SIGNED_FOR_S - 600}"


@require_safe
def picture(request: Any, name: str) -> HttpResponseBase:
    """The file, or its signed address where it is in a bucket; 404 for any name but those of this tenant's files."""
    if not is_file_of(request.tenant.id, name):
        raise NotFound
    if settings.MEDIA_ORIGIN:
        return HttpResponseRedirect(default_storage.url(name), headers={"Cache-Control": WHILE_SIGNED})
    try:
        file = default_storage.open(name)
    except FileNotFoundError:
        raise NotFound from None
    headers = {"Cache-Control": FOR_GOOD, "X-Content-Type-Options": "nosniff"}
    return FileResponse(file, content_type="image/webp", headers=headers)
