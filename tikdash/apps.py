from __future__ import annotations

from django.apps import AppConfig


class TikdashConfig(AppConfig):
    name = "tikdash"
    label = "tikdash"

    def ready(self) -> None:
        from tikdash import checks  # noqa: F401  (registers the system checks)
