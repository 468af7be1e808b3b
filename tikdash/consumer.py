"""The worker's consumer of messages: Celery's, which a broker that goes away does not end."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer as CelerysConsumer


class Consumer(CelerysConsumer):  # type: ignore[misc]
    """Gives up a lost connection's messages instead of ending the worker over them.

    Celery 5.7 closes the lost connection; Kombu 5.7 then fails on it with an AttributeError that nobody expects, when
    it puts back the messages of the tasks that run, and again when these end and are acknowledged. Neither is needed: a
    job whose message is lost is found again by its lease, a message that was never acknowledged comes again some time,
    and whatever runs twice does no harm.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> Any:
        # None before the first connection.
        if (messages := getattr(self, "task_consumer", None)) is not None:
            channel = messages.channel
            channel.do_restore = False
            channel.basic_ack = channel.basic_reject = _too_late
        return super().on_connection_error_after_connected(exc)


def _too_late(delivery_tag: str, **ignored: Any) -> None:
    """The connection over which the message came is gone."""
