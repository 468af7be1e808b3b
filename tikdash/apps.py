from __future__ import annotations

from django.apps import AppConfig


class TikdashConfig(AppConfig):
    name = "tikdash"
    label = "tikdash"

    def ready(self) -> None:
        # Registers the system checks, and makes ours the Celery application of web and commands too.
        from tikdash import celery, checks  # noqa: F401
