"""What a day of looking at accounts costs: a client that fetches at every look, against planner, views and schedule.

The same simulated day for both, counted by the simulator: every account is looked at eight times at random hours. Ours
has to show a header at most six hours old and posts at most a day old at every look, or the bench ends with an error.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.test import override_settings

from accounts.selectors import TenantRef, tenant_by_slug
from accounts.services.pausing import pause_kind, resume_kind
from billing.models import Plan
from snapshots.models import AccountSnapshot, FetchJob, TrackedAccount
from snapshots.scheduling.dispatch import claim, without_waking
from snapshots.services.jobs import run_jobs
from snapshots.services.planning import plan_jobs
from snapshots.services.viewing import note_view
from tests.bench.client import PLENTY, plenty_of_plan
from tests.bench.data import Shape, connected_to, database
from tests.bench.environment import DATABASE
from tests.bench.frame import Figure, Options, at_least
from tests.bench.posting import TABLES, TRACK, Creator
from tests.bench.upstream import upstream
from tests.simulating import Caller
from tikdash import clock
from tikdash.db.scope import owner, tenant_scope
from tikdash.redis import server

ACCOUNTS = {"small": 60, "full": 600}
LOOKS_A_DAY = 8
DETAILS_A_DAY = 30
HEADER_AT_MOST, POSTS_AT_MOST = timedelta(hours=6), timedelta(hours=24)
#: The promise above as a plan.
CADENCES = {"profile": 6 * 3600, "posts": 24 * 3600}
DAY = datetime(2026, 11, 15, tzinfo=UTC)
MINUTES_A_DAY, PLAN_EVERY_MIN = 1_440, 15
NAIVE_KEY = "sim-bench-naive"
SEED = 20_261_115


@dataclass
class Ages:
    """How old the numbers were that people saw, s."""

    headers: list[float]
    posts: list[float]


def run(options: Options) -> Iterator[Figure]:
    name = database(f"{DATABASE}_credits", Shape(tenants=1, posts=1, days=1), options)
    server().connection.flushdb()
    with (
        connected_to(name),
        upstream() as caller,
        override_settings(TIKLIVE_BASE_URL=caller.base_url, **PLENTY),
        plenty_of_plan("pro"),
        _cadences_of("pro"),
        without_waking(),
    ):
        tenant = tenant_by_slug("bench-1")
        creators = _tracked(tenant, caller, ACCOUNTS[options.size])
        draw = random.Random(SEED)
        # The day before brings schedule and looks into step; it counts for neither.
        _our_day(tenant, caller, DAY - timedelta(days=1), _looks(creators, draw))
        looks = _looks(creators, draw)
        before = _credits(caller, settings.TIKLIVE_KEY)
        ages = _our_day(tenant, caller, DAY, looks)
        ours = _credits(caller, settings.TIKLIVE_KEY) - before
        _naive_day(caller, creators)
        naive = _credits(caller, NAIVE_KEY)
    server().connection.flushdb()
    facts = {
        "accounts": len(creators),
        "looks": len(ages.headers),
        "naive_per_account": round(naive / len(creators), 2),
        "ours_per_account": round(ours / len(creators), 2),
        "oldest_header_h": round(max(ages.headers) / 3600, 2),
        "oldest_posts_h": round(max(ages.posts) / 3600, 2),
    }
    yield Figure("credits", "saved", "credits a day", naive, ours, 1, at_least(10), facts)


def _our_day(tenant: TenantRef, caller: Caller, day: datetime, looks: dict[int, list[Creator]]) -> Ages:
    """A day of planner, dispatcher and looks, minute by minute; how old everything was at the looks."""
    ages = Ages([], [])
    for minute in range(MINUTES_A_DAY):
        now = day + timedelta(minutes=minute)
        caller.set_clock(now.isoformat())
        with clock.at(now):
            if minute % PLAN_EVERY_MIN == 0:
                with tenant_scope(tenant):
                    plan_jobs(tenant)
            _run_due(tenant)
            for creator in looks[minute]:
                with tenant_scope(tenant):
                    asked = note_view(tenant=tenant, account_id=creator.account_id)
                if asked:
                    _run_due(tenant)
                _note_ages(tenant, creator, now, ages)
    return ages


def _run_due(tenant: TenantRef) -> None:
    claimed = claim(tenant.schema_name, settings.QUEUE_ROOM)
    while claimed:
        reports = run_jobs(tenant, [job.id for job in claimed])
        if odd := [report.text for report in reports if report.outcome != "ok"]:
            raise AssertionError(odd[0])
        claimed = claim(tenant.schema_name, settings.QUEUE_ROOM)


def _note_ages(tenant: TenantRef, creator: Creator, now: datetime, ages: Ages) -> None:
    with tenant_scope(tenant):
        header = TrackedAccount.objects.values_list("measured_at", flat=True).get(pk=creator.account_id)
        posts = FetchJob.objects.values_list("succeeded_at", flat=True).get(account_id=creator.account_id, kind="posts")
    if header is None or posts is None or now - header > HEADER_AT_MOST or now - posts > POSTS_AT_MOST:
        raise AssertionError(f"@{creator.handle} was seen with numbers of {header} and {posts} at {now}.")
    ages.headers.append((now - header).total_seconds())
    ages.posts.append((now - posts).total_seconds())


def _naive_day(caller: Caller, creators: list[Creator]) -> None:
    """The profile at every look; once a day a page of posts, and the detail of each."""
    for creator in creators:
        for _ in range(LOOKS_A_DAY):
            _asked(caller, "/userinfo-by-username/", username=creator.handle)
        page = _asked(caller, "/user-posts/", userid=creator.userid, count=DETAILS_A_DAY)
        for post in page["videos"][:DETAILS_A_DAY]:
            url = f"https://www.tiktok.com/@{creator.handle}/video/{post['video_id']}"
            _asked(caller, "/post-detail/", url=url)


def _asked(caller: Caller, path: str, **params: str | int) -> dict[str, list[dict[str, str]]]:
    answer = caller.raw(path, key=NAIVE_KEY, **params)
    assert answer.status == 200
    return answer.json()  # type: ignore[no-any-return]


def _looks(creators: list[Creator], draw: random.Random) -> dict[int, list[Creator]]:
    """Who is looked at, by minute of the day."""
    looks: dict[int, list[Creator]] = defaultdict(list)
    for creator in creators:
        for _ in range(LOOKS_A_DAY):
            looks[draw.randrange(MINUTES_A_DAY)].append(creator)
    return looks


def _tracked(tenant: TenantRef, caller: Caller, number: int) -> list[Creator]:
    """So many creators of all kinds, tracked for long, with the followers they had in the week before."""
    handles = [f"everyday.creator.{n}" for n in range(number)]
    ids = [caller.account_id(handle) for handle in handles]
    with tenant_scope(tenant), connection.cursor() as cursor:
        for table in (*TABLES, "public.usage_events"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute(TRACK, [handles, ids])
        creators = [Creator(*row) for row in cursor.fetchall()]
        TrackedAccount.objects.update(tracked_since=DAY - timedelta(days=90), measured_at=None, follower_count=None)
        for back in (8, 7):
            _add_followers(caller, creators, DAY - timedelta(days=back))
    return creators


def _add_followers(caller: Caller, creators: list[Creator], moment: datetime) -> None:
    caller.set_clock(moment.isoformat())
    AccountSnapshot.objects.bulk_create(
        AccountSnapshot(
            account_id=creator.account_id,
            captured_on=moment.date(),
            captured_at=moment,
            follower_count=caller.look("truth/account", handle=creator.handle)["followers"],
        )
        for creator in creators
    )


@contextmanager
def _cadences_of(plan: str) -> Iterator[None]:
    # Pictures cost no credits, and would cost this bench most of its time.
    pause_kind(kind="pictures", reason="They cost no credits.")
    with owner():
        before = Plan.objects.filter(pk=plan).values("cadences", "posts_kept_fresh").get()
        Plan.objects.filter(pk=plan).update(cadences=CADENCES, posts_kept_fresh=settings.POSTS_PER_PAGE_UPSTREAM)
    try:
        yield
    finally:
        resume_kind(kind="pictures")
        with owner():
            Plan.objects.filter(pk=plan).update(**before)


def _credits(caller: Caller, key: str) -> int:
    return int(caller.look("stats")["credits_by_key"].get(key, 0))
