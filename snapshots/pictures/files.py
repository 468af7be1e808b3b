"""Copies in the file storage: a local folder, or S3 by setting."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tikdash.errors import Unavailable
from tikdash.words import gettext


def keep_file(name: str, content: bytes) -> None:
    """Writes a copy; the same name holds the same content, so writing it again changes nothing.

    Raises Unavailable where a local folder takes no file.
    """
    try:
        default_storage.save(name, ContentFile(content))
    except OSError as error:
        raise Unavailable(
            gettext("The folder of pictures takes no file: {value}.").format(
                value=error.strerror or type(error).__name__
            )
        ) from None


def drop_file(name: str) -> None:
    """Deletes a copy; one that is not there is no error."""
    default_storage.delete(name)
