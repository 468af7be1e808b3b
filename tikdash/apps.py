from __future__ import annotations

from django.apps import AppConfig

from tikdash import words


class TikdashConfig(AppConfig):
    name = "tikdash"
    label = "tikdash"

    def ready(self) -> None:
        from django.conf import settings
        from django.utils import timezone, translation

        # Registers the system checks, and makes ours the Celery application of web and commands too.
        from tikdash import celery, checks, error_reports  # noqa: F401
        from tikdash.db.partition_health import partitions
        from tikdash.metrics import register_at_scrape
        from tikdash.tiklive.breaker import breaker_states

        words.read_by(
            words.Reader(
                gettext=translation.gettext,
                ngettext=translation.ngettext,
                pgettext=translation.pgettext,
                language=translation.get_language,
                local=timezone.localtime,
            )
        )
        register_at_scrape(breaker_states)
        register_at_scrape(partitions)

        # After the logs are configured: Sentry wraps the hook for uncaught errors that it finds.
        error_reports.configure(settings.SENTRY_DSN, settings.SENTRY_ENVIRONMENT, settings.SENTRY_RELEASE)
