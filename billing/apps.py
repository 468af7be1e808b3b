from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from billing.operations import watches
        from tikdash.metrics import register_at_scrape

        register_at_scrape(watches)
