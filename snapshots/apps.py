from __future__ import annotations

from django.apps import AppConfig


class SnapshotsConfig(AppConfig):
    name = "snapshots"
    verbose_name = "Tracked data"

    def ready(self) -> None:
        from snapshots.metrics import jobs
        from tikdash.metrics import register_at_scrape

        register_at_scrape(jobs)
