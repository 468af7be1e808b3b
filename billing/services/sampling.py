"""Takes samples of queues and tables, follows what is watched, and opens and resolves alarms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from billing.models import AlertChannel, AlertDelivery, QueueSample, TableSample, UsageAlert, WatchState
from billing.watching import (
    CRITICAL,
    OK,
    WATCHES,
    Finding,
    QueueNow,
    Standing,
    TableNow,
    Thresholds,
    follow,
    of_ceiling,
    of_partitions,
    of_queue,
    of_tables,
)
from tikdash import clock
from tikdash.db.partition_health import faults_of_partitions
from tikdash.db.scope import all_tenants
from tikdash.db.table_sizes import table_sizes
from tikdash.work import QueueFigures, queue_figures

log = structlog.get_logger(__name__)

#: Rates are taken over so many of the newest samples: single minutes have batches that end just before or after.
RATE_SAMPLES = 5
WEEK, MONTH = timedelta(days=7), timedelta(days=28)


def sample_queues() -> list[Finding]:
    """Writes a sample of every queue, and follows queues and workers; returns what was found."""
    now = clock.now().replace(microsecond=0)
    figures, threads = queue_figures(), threads_running()
    with all_tenants(), transaction.atomic():
        before = {sample.queue: sample for sample in _newest_samples()}
        QueueSample.objects.bulk_create(
            [_sample(each, before.get(each.queue), now, threads) for each in figures], ignore_conflicts=True
        )
        QueueSample.objects.filter(sampled_at__lt=now - timedelta(days=settings.QUEUE_SAMPLES_KEPT_DAYS)).delete()
        queues = [_queue_now(each) for each in figures]
    limits = thresholds()
    watched = [queue for queue in queues if queue.queue not in settings.WATCH_NOT]
    found = [finding for queue in watched for finding in of_queue(queue, limits)]
    found.append(of_ceiling(watched, threads, limits))
    note(found, now)
    return found


def sample_tables() -> list[Finding]:
    """Writes today's sizes of all tables over those of earlier today; follows growth, disk and months ahead."""
    now, today = clock.now(), clock.today()
    sizes = table_sizes()
    with all_tenants(), transaction.atomic():
        TableSample.objects.filter(day=today).delete()
        TableSample.objects.bulk_create(
            TableSample(day=today, name=size.name, rows=size.rows, bytes=size.bytes) for size in sizes
        )
        tables = [_table_now(size.name, size.bytes, today) for size in sizes]
    found = [*of_tables(tables, thresholds()), of_partitions(faults_of_partitions(settings.PARTITIONS_AHEAD_MONTHS))]
    # A sample every six hours: several in a row would be a day.
    note(found, now, samples=1)
    return found


def thresholds() -> Thresholds:
    """The limits of the settings."""
    return Thresholds(
        drain_s=settings.WATCH_DRAIN_S,
        overdue_s=settings.WATCH_OVERDUE_S,
        ceiling=settings.WORKERS_CEILING,
        disk_bytes=settings.DATABASE_DISK_BYTES,
        disk_days=settings.WATCH_DISK_DAYS,
    )


def note(findings: Iterable[Finding], now: datetime, samples: int | None = None) -> None:
    """Follows each finding and opens or resolves its alarm. The same moment again changes nothing."""
    needed = settings.WATCH_SAMPLES if samples is None else samples
    with all_tenants(), transaction.atomic():
        states = {(state.watch, state.subject): state for state in WatchState.objects.select_for_update()}
        for finding in findings:
            state = states.get((finding.watch, finding.subject))
            if state and state.seen_at >= now:
                continue
            standing, news = follow(_standing(state) if state else None, finding, now, needed)
            _save(state, standing, now)
            if news == "opened":
                _open_alarm(finding, now)
            elif news == "resolved":
                _resolve_alarm(finding, now)
            elif standing.alarmed_at:
                _alarm_goes_on(finding, now)


def threads_running() -> int | None:
    """All threads of all workers that answer; None where none does."""
    try:
        answers = current_app.control.inspect(timeout=settings.WORKERS_ANSWER_WITHIN_S).stats() or {}
    except (BrokerError, RedisError, OSError):
        return None
    return sum(int(answer["pool"]["max-concurrency"]) for answer in answers.values()) or None


# --- samples ---------------------------------------------------------------------------------------------------------


def _newest_samples() -> list[QueueSample]:
    newest = QueueSample.objects.aggregate(at=Max("sampled_at"))["at"]
    return list(QueueSample.objects.filter(sampled_at=newest)) if newest else []


def _sample(figures: QueueFigures, before: QueueSample | None, now: datetime, threads: int | None) -> QueueSample:
    rate = None
    if before and before.ended is not None and figures.ended is not None and now > before.sampled_at:
        ended = figures.ended - before.ended
        # Less than before: Redis was emptied meanwhile.
        rate = ended / (now - before.sampled_at).total_seconds() if ended >= 0 else None
    return QueueSample(
        sampled_at=now,
        queue=figures.queue,
        waiting=figures.waiting,
        oldest_s=figures.oldest_s,
        in_flight=figures.in_flight,
        ended=figures.ended,
        busy_s=figures.busy_s,
        ended_per_s=rate,
        threads=threads,
    )


def _queue_now(figures: QueueFigures) -> QueueNow:
    """With the rate over the newest samples in which there was something to do, and what a busy thread ends."""
    samples = list(QueueSample.objects.filter(queue=figures.queue).order_by("-sampled_at")[:RATE_SAMPLES])
    rates = [sample.ended_per_s for sample in samples if sample.ended_per_s is not None]
    per_thread = figures.ended / figures.busy_s if figures.ended and figures.busy_s else None
    return QueueNow(
        queue=figures.queue,
        waiting=figures.waiting,
        oldest_s=figures.oldest_s,
        in_flight=figures.in_flight,
        ended_per_s=sum(rates) / len(rates) if rates else None,
        per_thread=per_thread,
    )


def _table_now(name: str, size: int, today: date) -> TableNow:
    """Growth over the last week, and over the four weeks before it, from samples of these days or the nearest older."""
    week_ago, month_ago = _bytes_on(name, today - WEEK), _bytes_on(name, today - WEEK - MONTH)
    return TableNow(
        name=name,
        bytes=size,
        per_day=(size - week_ago) / WEEK.days if week_ago is not None else None,
        per_day_before=(week_ago - month_ago) / MONTH.days if week_ago is not None and month_ago is not None else None,
    )


def _bytes_on(name: str, day: date) -> int | None:
    found = TableSample.objects.filter(name=name, day__lte=day, day__gt=day - WEEK).order_by("-day")
    return found.values_list("bytes", flat=True).first()


# --- states and alarms -----------------------------------------------------------------------------------------------


def _standing(state: WatchState) -> Standing:
    finding = Finding(state.watch, state.subject, state.level, state.sentence, state.value, state.threshold)
    return Standing(finding, state.since, state.streak, state.alarmed_at)


def _save(state: WatchState | None, standing: Standing, now: datetime) -> None:
    finding = standing.finding
    WatchState.objects.update_or_create(
        watch=finding.watch,
        subject=finding.subject,
        defaults={
            "level": finding.level,
            "sentence": finding.sentence[:300],
            "value": finding.value,
            "threshold": finding.threshold,
            "since": standing.since,
            "seen_at": now,
            "streak": standing.streak,
            "alarmed_at": standing.alarmed_at,
        },
    )


def _open_alarm(finding: Finding, now: datetime) -> None:
    """One a day and subject: what comes and goes is told once, and stays readable."""
    alert, is_new = UsageAlert.objects.update_or_create(
        tenant=None,
        rule=finding.watch,
        subject=finding.subject,
        period=now.date(),
        defaults={
            "level": _level_of_alert(finding),
            "sentence": _sentence(finding),
            "facts": {"value": finding.value, "threshold": finding.threshold},
            "seen_at": now,
            "resolved_at": None,
        },
        create_defaults={
            "level": _level_of_alert(finding),
            "sentence": _sentence(finding),
            "facts": {"value": finding.value, "threshold": finding.threshold},
            "opened_at": now,
            "seen_at": now,
        },
    )
    log.warning("watch_alarm", watch=finding.watch, subject=finding.subject, sentence=finding.sentence)
    if is_new:
        _tell(alert, AlertDelivery.Notice.OPENED, now)


def _alarm_goes_on(finding: Finding, now: datetime) -> None:
    if finding.level != OK:
        _open_alarms(finding).update(seen_at=now, level=_level_of_alert(finding), sentence=_sentence(finding))


def _resolve_alarm(finding: Finding, now: datetime) -> None:
    for alert in _open_alarms(finding):
        alert.resolved_at = now
        alert.save(update_fields=["resolved_at"])
        _tell(alert, AlertDelivery.Notice.RESOLVED, now)
    log.info("watch_resolved", watch=finding.watch, subject=finding.subject)


def _open_alarms(finding: Finding) -> QuerySet[UsageAlert]:
    return UsageAlert.objects.filter(tenant=None, rule=finding.watch, subject=finding.subject, resolved_at__isnull=True)


def _tell(alert: UsageAlert, notice: str, now: datetime) -> None:
    """A delivery to every channel of operations; the task that delivers alerts sends them."""
    channels = AlertChannel.objects.filter(tenant=None, active=True)
    if alert.level != UsageAlert.Level.CRITICAL:
        channels = channels.filter(escalation=False)
    AlertDelivery.objects.bulk_create(
        [
            AlertDelivery(tenant=None, alert=alert, channel=channel, notice=notice, next_try_at=now)
            for channel in channels
        ],
        ignore_conflicts=True,
    )


def _level_of_alert(finding: Finding) -> str:
    return str(UsageAlert.Level.CRITICAL if finding.level == CRITICAL else UsageAlert.Level.WARNING)


def _sentence(finding: Finding) -> str:
    return f"{WATCHES[finding.watch]}, {finding.subject}: {finding.sentence}"[:400]
