"""One picture from wherever the upstream says it is."""

from __future__ import annotations

from django.conf import settings

from snapshots.pictures.resizing import small_picture
from tikdash.errors import TikdashError
from tikdash.outgoing import Limits, NoAnswer, fetch

LIMITS = Limits(most_bytes=5 * 1024 * 1024, whole_s=15.0, step_s=5.0, redirects=2)
_TOO_BUSY = 429


class PictureGoneError(TikdashError):
    """Its server says that it does not exist, or not for us: what an expired signature gets."""

    code = "picture_gone"
    status = 502
    message = "The picture is not there any more."


def fetch_picture(url: str, kind: str) -> bytes:
    """The picture at `url` as a small WebP.

    Raises NoAnswer where trying again soon makes sense; AddressRefused, AnswerTooLarge, PictureGoneError and
    NotAPictureError are about this picture.
    """
    answer = fetch(url, limits=LIMITS, headers={"Accept": "image/*"}, trusted=settings.PICTURE_HOSTS_TRUSTED)
    if answer.status >= 500 or answer.status == _TOO_BUSY:
        raise NoAnswer(f"The server of the picture answers with status {answer.status}.")
    if answer.status != 200:
        raise PictureGoneError(f"The server of the picture answers with status {answer.status}.")
    return small_picture(answer.body, kind)
