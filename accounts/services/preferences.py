"""What a person chose for themselves: the language of the pages and the time zone of the times on them."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext

from accounts.models import User
from accounts.time_zones import is_time_zone
from tikdash.errors import BadInput


def set_preferences(*, user: User, language: str | None = None, time_zone: str | None = None) -> None:
    """Keeps what is given; an empty text goes back to the browser's language, or the workspace's time zone.

    Raises BadInput for a language that the pages do not speak and for a time zone that does not exist.
    """
    if language and language not in dict(settings.LANGUAGES):
        raise BadInput(gettext("Choose one of the languages of the list."), field="language")
    if time_zone and not is_time_zone(time_zone):
        raise BadInput(
            gettext("Choose one of the time zones of the list, for example Europe/Paris."), field="time_zone"
        )
    given = {"language": language, "time_zone": time_zone}
    chosen = {name: value for name, value in given.items() if value is not None}
    for name, value in chosen.items():
        setattr(user, name, value)
    if chosen:
        user.save(update_fields=[*chosen])
