"""Compares the database with what was sent and with what is true, and complains in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from snapshots.analytics import growth
from snapshots.ingest.quality import ZEROED_ABOVE
from snapshots.models import (
    AccountHandle,
    AccountReading,
    AccountSnapshot,
    Post,
    PostReading,
    PostSnapshot,
    TrackedAccount,
)
from tests.soak.log import EARLIEST_S, LARGEST_BODY, Log, Read, Sent, Values
from tests.soak.truth import ACCOUNT, POST, Truth
from tikdash.db.scope import tenant_scope

SLOT_S = 6 * 3600
#: Of these nobody can tell whether they were charged for: they count as paid, also where they would have been free.
UNREADABLE = tuple(
    f"fault:{kind}" for kind in ("reset", "truncated", "not_json", "wrong_shape", "empty_object", "enveloped", "nulls")
)


class Referee:
    """All that is wrong with a tenant's rows, as sentences in `complaints`; `seen` counts what it has compared."""

    def __init__(self, slug: str, log: Log, truth: Truth, begin: datetime, end: datetime) -> None:
        self.slug, self.log, self.truth, self.begin, self.end = slug, log, truth, begin, end
        self.complaints: list[str] = []
        self.seen: Counter[str] = Counter()

    def judge(self, expected: set[str], intraday: bool) -> None:
        """Compares all rows of the tenant whose scope is open; `expected` are the ids of its accounts."""
        accounts = list(TrackedAccount.objects.all())
        self._same("accounts", {account.tiktok_user_id for account in accounts}, expected)
        for account in accounts:
            self._header(account)
            self._days(account)
            self._chart(account)
            self._posts(account)
            if intraday:
                self._readings(account)

    # --- accounts ----------------------------------------------------------------------------------------------------

    def _header(self, account: TrackedAccount) -> None:
        """Name and state are those of the end; former names are those that TikTok had shown us."""
        uid = account.tiktok_user_id
        state = self.truth.state(uid, self.end)
        self._equal(f"@{account.username} state", account.state, state)
        shown = [read.at for read in self.log.reads[uid] if read.given]
        shown += [sent.at for sent in self.log.profiles[uid] if sent.profile is not None and sent.profile[2]]
        names = dict.fromkeys(self.truth.handle(uid, at) for at in [self.begin, *sorted(shown)])
        self._equal(f"@{account.username} handle", account.username, list(names)[-1])
        former = set(AccountHandle.objects.filter(account=account).values_list("username", flat=True))
        self._equal(f"@{account.username} former handles", former, set(names) - {account.username})
        self.seen["accounts"] += 1
        self.seen["renamed"] += bool(former)
        self.seen[state] += state != "active"

    def _days(self, account: TrackedAccount) -> None:
        """A row for each day with an answer, and its values those of the day's last one."""
        last = _last_of_days(self.log.profiles[account.tiktok_user_id])
        rows = {row.captured_on: row for row in AccountSnapshot.objects.filter(account_id=account.pk)}
        self._same(f"days of @{account.username}", set(rows), set(last))
        for day in rows.keys() & last.keys():
            row, sent = rows[day], last[day]
            assert sent.profile is not None
            self._equal(f"@{account.username} on {day}: values", _values(row, ACCOUNT), sent.profile[1])
            self._equal(f"@{account.username} on {day}: captured at", row.captured_at, sent.at)
            self.seen["account days"] += 1

    def _chart(self, account: TrackedAccount) -> None:
        """Each number that is drawn is true; where a true one is left out, it was doubted for a while."""
        uid = account.tiktok_user_id
        captured = {row.captured_on: row for row in AccountSnapshot.objects.filter(account_id=account.pk)}
        for metric in growth.COUNTERS:
            series = growth.series(account.pk, metric, (self.end - self.begin).days + 3)
            before: int | None = None
            for text, value in zip(series.dates, series.values, strict=True):
                row = captured.get(date.fromisoformat(text))
                if row is None:
                    self._equal(f"@{account.username} {metric} {text}: drawn without a row", value, None)
                    continue
                true = self.truth.account(uid, row.captured_at)[metric]
                if value is None:
                    self.seen["true values left out"] += getattr(row, metric) == true
                elif not _as_true(value, true, before):
                    self.complaints.append(
                        f"{self.slug}: @{account.username} {metric} {text}: {value} drawn, true {true}"
                    )
                before = before if value is None else value
                self.seen["drawn"] += value is not None

    # --- posts -------------------------------------------------------------------------------------------------------

    def _posts(self, account: TrackedAccount) -> None:
        uid, name = account.tiktok_user_id, f"@{account.username}"
        reads = self.log.reads[uid]
        stored = {post.aweme_id: post for post in Post.objects.filter(account_id=account.pk)}
        served: dict[str, list[tuple[Sent, Values]]] = {}
        for read in reads:
            for sent in read.answers:
                for row in sent.page.posts if sent.page else ():
                    served.setdefault(row.id, []).append((sent, row.values))
        self._same(f"posts of {name}", set(stored), set(served))
        self._equal(f"{name}: posts twice", Post.objects.filter(account_id=account.pk).count(), len(stored))
        snapshots: dict[int, dict[date, PostSnapshot]] = {}
        for row in PostSnapshot.objects.filter(post_id__in=[post.pk for post in stored.values()]):
            snapshots.setdefault(row.post_id, {})[row.captured_on] = row
        gone = self._gone(reads)
        for aweme_id in stored.keys() & served.keys():
            post, given = stored[aweme_id], served[aweme_id]
            self._equal(f"{name} {aweme_id}: first seen", post.first_seen_at, given[0][0].at)
            self._equal(f"{name} {aweme_id}: deleted", post.deleted_at, gone.get(aweme_id))
            self._post_days(f"{name} {aweme_id}", uid, post, given, snapshots.get(post.pk, {}))
            self.seen["posts"] += 1
            self.seen["vanished posts"] += post.deleted_at is not None
        self._truly_gone(uid, name, reads, stored)

    def _gone(self, reads: list[Read]) -> dict[str, datetime]:
        """By post, since when it has been missing where it should have stood."""
        made: dict[str, int] = {}
        gone: dict[str, datetime] = {}
        for read in reads:
            for page in read.pages:
                for row in page.posts:
                    made[row.id] = row.made
                    gone.pop(row.id, None)
            if not read.is_sound or read.since is None:
                continue
            until, given = read.at.timestamp(), read.given
            for post_id, at in made.items():
                if post_id not in given and read.since <= at < until and post_id not in gone:
                    gone[post_id] = read.at
        return gone

    def _truly_gone(self, uid: str, name: str, reads: list[Read], stored: dict[str, Post]) -> None:
        """Against the truth, not the record: posts within the last read that nothing spoilt."""
        last = next((read for read in reversed(reads) if read.is_sound and not read.is_spoilt and read.since), None)
        if last is None or any(read.at > last.at for read in reads if read.given):
            return
        for post in stored.values():
            made = post.posted_at.timestamp()
            if (last.since or EARLIEST_S) <= made < last.at.timestamp() and not post.pinned:
                visible = self.truth.is_visible(uid, post.aweme_id, last.at)
                self._equal(f"{name} {post.aweme_id}: flagged as vanished", post.deleted_at is not None, not visible)
                self.seen["posts against the truth"] += 1
                self.seen["truly vanished"] += not visible

    def _post_days(
        self, name: str, uid: str, post: Post, given: list[tuple[Sent, Values]], rows: dict[date, Any]
    ) -> None:
        last = {sent.at.date(): (sent, values) for sent, values in given}
        self._same(f"days of {name}", set(rows), set(last))
        before: dict[str, int | None] = {}
        for day in sorted(rows.keys() & last.keys()):
            row, (sent, values) = rows[day], last[day]
            self._equal(f"{name} on {day}: values", _values(row, POST), values)
            self._equal(f"{name} on {day}: captured at", row.captured_at, sent.at)
            self.seen["post days"] += 1
            true = self.truth.post(uid, post.aweme_id, row.captured_at)
            if true is None:
                self._equal(
                    f"{name}: invented, and not by the upstream",
                    any(s.outcome == "fault:endless_cursor" for s, _ in given),
                    True,
                )
                continue
            for counter, value in zip(POST, _values(row, POST), strict=True):
                if (row.suspect or {}).get(counter, "rounded") != "rounded":
                    self.seen["true values of posts left out"] += value == true[counter]
                    continue
                if value is None or not _as_true(value, true[counter], before.get(counter)):
                    self.complaints.append(
                        f"{self.slug}: {name} {counter} {day}: {value} is sound, true {true[counter]}"
                    )
                before[counter] = value
                self.seen["values of posts"] += 1

    # --- readings ----------------------------------------------------------------------------------------------------

    def _readings(self, account: TrackedAccount) -> None:
        """Carried on within its slot, a reading gives each answer; and there is none that was not an answer."""
        uid = account.tiktok_user_id
        answers = {sent.at: sent.profile[1] for sent in self.log.profiles[uid] if sent.profile}
        rows = {row.measured_at: _values(row, ACCOUNT) for row in AccountReading.objects.filter(account_id=account.pk)}
        self._carried(f"@{account.username}", rows, answers)
        posts = dict(Post.objects.filter(account_id=account.pk).values_list("pk", "aweme_id"))
        found: dict[str, dict[datetime, Any]] = {aweme_id: {} for aweme_id in posts.values()}
        for row in PostReading.objects.filter(post_id__in=posts):
            found[posts[row.post_id]][row.measured_at] = _values(row, POST)
        sent_rows: dict[str, dict[datetime, Any]] = {}
        for read in self.log.reads[uid]:
            for page in read.pages:
                for post in page.posts:
                    sent_rows.setdefault(post.id, {})[read.at] = post.values
        for aweme_id, of_post in found.items():
            self._carried(f"@{account.username} {aweme_id}", of_post, sent_rows.get(aweme_id, {}))

    def _carried(self, name: str, rows: dict[datetime, Any], answers: dict[datetime, Any]) -> None:
        self._same(f"readings of {name} without an answer", rows.keys() - answers.keys(), set())
        for at, values in answers.items():
            slot = datetime.fromtimestamp(at.timestamp() // SLOT_S * SLOT_S, UTC)
            kept = max((moment for moment in rows if slot <= moment <= at), default=None)
            self._equal(f"reading of {name} at {at}", rows.get(kept) if kept else None, values)
            self.seen["readings"] += 1

    # --- complaining -------------------------------------------------------------------------------------------------

    def _same(self, what: str, found: set[Any], wanted: set[Any]) -> None:
        if found != wanted:
            missing, invented = sorted(map(str, wanted - found)), sorted(map(str, found - wanted))
            self.complaints.append(f"{self.slug}: {what}: missing {missing[:5]}, invented {invented[:5]}")

    def _equal(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.complaints.append(f"{self.slug}: {what}: {found!r}, should be {wanted!r}")


def judge_credits(slug: str, log: Log) -> list[str]:
    """One usage event for each request, in the same order, at the price that the upstream took where it was heard."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT endpoint, outcome, credits, occurred_at FROM public.usage_events ORDER BY id")
        events = cursor.fetchall()
    if len(events) != len(log.entries):
        return [f"{slug}: {len(events)} usage events, {len(log.entries)} requests served"]
    complaints = []
    for (endpoint, outcome, credits, at), sent in zip(events, log.entries, strict=True):
        unheard = outcome in ("upstream_timeout", "connection_failed")
        is_unreadable = sent.outcome in UNREADABLE or sent.size > LARGEST_BODY
        wanted = 0 if unheard else 1 if is_unreadable else sent.credits
        if (endpoint, at) != (sent.endpoint, sent.at) or credits != wanted:
            complaints.append(f"{slug}: {endpoint} {outcome} at {at}: {credits} credits, {sent}")
        if unheard and sent.outcome not in ("fault:timeout", "fault:reset"):
            complaints.append(f"{slug}: {endpoint} at {at} was not heard, and should have been: {sent.outcome}")
    return complaints


def judged(tenant: Any, referee: Referee, expected: set[str], intraday: bool) -> list[str]:
    """All complaints about one tenant."""
    with tenant_scope(tenant):
        referee.judge(expected, intraday)
        return referee.complaints + judge_credits(referee.slug, referee.log)


def _as_true(value: int, true: int, before: int | None) -> bool:
    """True as well is a zero behind a small number, or at the very first: the rules cannot tell that it is none."""
    return value == true or (value == 0 and (before is None or before <= ZEROED_ABOVE))


def _values(row: Any, counters: Iterable[str]) -> Values:
    return tuple(getattr(row, name) for name in counters)


def _last_of_days(answers: list[Sent]) -> dict[date, Sent]:
    return {sent.at.date(): sent for sent in answers}
