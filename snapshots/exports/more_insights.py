"""More lists that are computed: the numbers of one post, and of an account samples of followers, what happened, jobs,
costs, hours and weeks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from snapshots.analytics.activity import Activity
from snapshots.analytics.audience import Audience
from snapshots.analytics.cost import Cost
from snapshots.analytics.history import Annotation
from snapshots.analytics.metrics import METRICS, Value
from snapshots.analytics.timing import BestTimes, Frequency
from snapshots.exports.insights import rows_sheet
from snapshots.exports.sheet import Column, Sheet
from tikdash import clock
from tikdash.words import N_, gettext

VALUES = (
    Column("metric", N_("Metric"), "r.metric"),
    Column("name", N_("Name"), "r.name"),
    Column("value", N_("Value"), "r.value", "number", note=N_("Rates are fractions: 0.0616 is 6.16 %.")),
    Column("n", N_("Sample"), "r.n", "number"),
    Column("reason", N_("Why there is no value"), "r.reason"),
    Column("unit", N_("Unit"), "r.unit"),
    Column("version", N_("Version"), "r.version", "number"),
    Column("formula", N_("Formula"), "r.formula"),
    Column("denominator", N_("Denominator"), "r.denominator"),
    Column("window", N_("Window"), "r.window"),
    Column("as_of", N_("As of"), "r.as_of", "time"),
)
SAMPLES = (
    Column("sampled_at", N_("Read"), "r.sampled_at", "time"),
    Column("followers_read", N_("Followers read"), "r.followers_read", "number"),
    Column("followers", N_("Followers"), "r.followers", "number", "followers"),
    Column("bots", N_("Look like bots"), "r.bots", "number"),
    Column("bot_share", N_("Share of likely bots"), "r.bot_share", "fraction", "bot_share"),
    Column(
        "bot_share_low", N_("Share of likely bots, low"), "r.bot_share_low", "fraction", note=N_("Interval of 95 %.")
    ),
    Column(
        "bot_share_high", N_("Share of likely bots, high"), "r.bot_share_high", "fraction", note=N_("Interval of 95 %.")
    ),
    Column("reason", N_("Why there is no value"), "r.reason"),
    Column("follow_ratio", N_("Followers per followed account"), "r.follow_ratio", "number", "follow_ratio",
           note=N_("Of the newest reading, on the first row.")),
)  # fmt: skip
HAPPENED = (
    Column("date", N_("Date (UTC)"), "r.date", "date"),
    Column("kind", N_("Kind"), "r.kind"),
    Column("text", N_("What"), "r.text"),
    Column("author", N_("Author"), "r.author"),
)
HOURS = (
    Column("weekday", N_("Weekday, 1 is Monday"), "r.weekday", "number"),
    Column("hour", N_("Hour"), "r.hour", "number"),
    Column("posts", N_("Posts"), "r.posts", "number"),
    Column(
        "multiple", N_("Multiple"), "r.multiple", "number",
        note=N_("Median views over the account’s median; empty with fewer than 3 posts."),
    ),
)  # fmt: skip
JOBS = (
    Column("what", N_("What"), "r.what"),
    Column("state", N_("State"), "r.state"),
    Column(
        "every_hours", N_("Every so many hours"), "r.every_hours", "number",
        note=N_("Empty for what is done once."),
    ),
    Column("why", N_("Why so often"), "r.why"),
    Column("succeeded_at", N_("Last read"), "r.succeeded_at", "time"),
    Column("next_due_at", N_("Next"), "r.next_due_at", "time"),
    Column("failed_at", N_("Last failure"), "r.failed_at", "time"),
    Column("failures", N_("Failures in a row"), "r.failures", "number"),
    Column("error", N_("Last error"), "r.error"),
    Column("credits", N_("Credits"), "r.credits", "number", note=N_("Only of what is done once.")),
)  # fmt: skip
COSTS = (
    Column("what", N_("What"), "r.what"),
    Column("credits", N_("Credits"), "r.credits", "number"),
    Column(
        "known", N_("How it is known"), "r.known",
        note=N_("Estimated: its part of the workspace’s credits, by how often it is read."),
    ),
)  # fmt: skip
WEEKS = (
    Column("monday", N_("Week of"), "r.monday", "date"),
    Column("posts", N_("Posts"), "r.posts", "number", note=N_("Empty: the posts of that week were not read.")),
)


def values_sheet(title: str, name: str, values: Iterable[Value]) -> Sheet:
    """A row a metric, with its value, definition and version."""
    found = list(values)
    told = [
        {
            "metric": value.metric_id, "name": gettext(metric.name), "value": _exact(value.value), "n": value.n,
            "reason": value.reason, "unit": "fraction" if metric.unit == "%" else metric.unit,
            "version": value.version, "formula": gettext(metric.formula), "denominator": gettext(metric.denominator),
            "window": gettext(metric.window), "as_of": value.as_of,
        }
        for value in found
        for metric in [METRICS[value.metric_id]]
    ]  # fmt: skip
    as_of = max((value.as_of for value in found if value.as_of), default=None)
    return rows_sheet(title, name, VALUES, told, as_of=as_of)


def samples_sheet(handle: str, account_id: int, found: Audience) -> Sheet:
    """The samples of an account's followers, the newest first."""
    told = [
        {
            "sampled_at": sample.sampled_at, "followers_read": sample.size, "followers": sample.total,
            "bots": sample.all_three, "bot_share": _exact(sample.bot_share.value),
            "bot_share_low": _exact(sample.bot_share.low), "bot_share_high": _exact(sample.bot_share.high),
            "reason": sample.bot_share.reason,
            "follow_ratio": _exact(found.follow_ratio.value) if place == 0 else None,
        }
        for place, sample in enumerate(found.history)
    ]  # fmt: skip
    as_of = found.history[0].sampled_at if found.history else None
    title = gettext("Samples of followers of @{handle}").format(handle=handle)
    return rows_sheet(title, f"samples-{account_id}", SAMPLES, told, as_of=as_of)


def happened_sheet(handle: str, account_id: int, notes: Sequence[Annotation], days: int) -> Sheet:
    """What happened to an account, the newest first."""
    told = [{"date": note.day, "kind": note.kind, "text": note.text, "author": note.author} for note in reversed(notes)]
    title = gettext("What happened to @{handle}").format(handle=handle)
    return rows_sheet(title, f"happened-{account_id}", HAPPENED, told, as_of=None, filters=[("days", str(days))])


def jobs_sheet(handle: str, account_id: int, jobs: Sequence[Activity]) -> Sheet:
    """What is read of an account, how often, and how it went."""
    told = [
        {
            "what": job.label, "state": job.state, "every_hours": _hours(job.cadence_s),
            "why": job.why, "succeeded_at": job.succeeded_at,
            "next_due_at": job.next_due_at if job.state == "active" else None, "failed_at": job.failed_at,
            "failures": job.attempts, "error": job.error, "credits": job.credits_spent,
        }
        for job in jobs
    ]  # fmt: skip
    title = gettext("What is read of @{handle}").format(handle=handle)
    return rows_sheet(title, f"jobs-{account_id}", JOBS, told, as_of=clock.now())


def costs_sheet(handle: str, account_id: int, costs: Sequence[Cost], days: int) -> Sheet:
    """What an account cost in the last days, the dearest first."""
    told = [
        {
            "what": cost.label,
            "credits": _exact(cost.credits),
            "known": gettext("estimated") if cost.estimated else gettext("counted"),
        }
        for cost in costs
    ]
    title = gettext("What @{handle} costs").format(handle=handle)
    return rows_sheet(title, f"costs-{account_id}", COSTS, told, as_of=clock.now(), filters=[("days", str(days))])


def hours_sheet(handle: str, account_id: int, found: BestTimes) -> Sheet:
    """The hours of the week by the clock of a zone."""
    told = [
        {"weekday": slot.weekday, "hour": slot.hour, "posts": slot.n, "multiple": _exact(slot.multiple)}
        for row in found.grid
        for slot in row
    ]
    title = gettext("Best time to post of @{handle}").format(handle=handle)
    return rows_sheet(
        title, f"hours-{account_id}", HOURS, told, as_of=found.as_of,
        filters=[("time zone", found.zone), ("posts", str(found.n)), ("remark", found.reason)],
    )  # fmt: skip


def weeks_sheet(handle: str, account_id: int, found: Frequency) -> Sheet:
    """Posts by week, the newest first."""
    told = [{"monday": week.monday, "posts": week.posts} for week in reversed(found.weeks)]
    title = gettext("Posts a week of @{handle}").format(handle=handle)
    mean = "" if found.mean is None else str(round(found.mean, 4))
    return rows_sheet(
        title, f"weeks-{account_id}", WEEKS, told, as_of=found.as_of,
        filters=[("time zone", found.zone), ("posts a week", mean)],
    )  # fmt: skip


def _hours(seconds: int | None) -> float | int | None:
    return seconds and (seconds // 3600 if seconds % 3600 == 0 else round(seconds / 3600, 2))


def _exact(value: float | int | None) -> float | int | None:
    return value if value is None or isinstance(value, int) else round(value, 6)
