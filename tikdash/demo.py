"""The demo: three tenants with 90 days of history, read day by day from the simulator through the real ingest code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import urllib3
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.db import connections

from accounts.models import Tenant, User
from accounts.selectors import TenantRef, all_tenants_listed
from accounts.services.tenants import add_member, create_tenant
from snapshots.models import FetchJob
from snapshots.selectors import account_id_of
from snapshots.services.accounts import clean_wish
from snapshots.services.inline import drain, fetch_now, track_now
from snapshots.services.partitions import PARTITIONED
from tikdash import clock
from tikdash.db.partitions import ensure_months
from tikdash.db.scope import owner, tenant_scope
from tikdash.demo_money import seed_money
from tikdash.errors import NotFound
from tikdash.tiklive.ports import ApiKey

DAYS = 90
PASSWORD = "tikdash-demo"  # noqa: S105  (it is printed at every start)
OPS = "ops@tikdash.example"
#: What the operator's authenticator app holds: `manage.py demo_code` plays the app.
OPS_KEY = "TIKDASHDEMOTIKDASHDEMOTIKDASHDEM"
HISTORY_KEY = "sim-demo-history"
#: The moment of a day at which the demo looks at its accounts: after the daily windows.
HOUR = timedelta(hours=4)
#: What takes many requests is read in the last days of the history only, so that the first start stays a short one.
LAST_DAYS = {
    FetchJob.Kind.COMMENTS: 1,
    FetchJob.Kind.FOLLOWERS: 21,
    FetchJob.Kind.FOLLOWING: 21,
    FetchJob.Kind.HASHTAG: 8,
    FetchJob.Kind.SOUND: 8,
    FetchJob.Kind.STORIES: 30,
}
#: Until so many days before its end posts are read every third day only, for the same reason.
POSTS_DAILY_DAYS, POSTS_RARELY = 30, timedelta(days=3)


@dataclass(frozen=True)
class DemoTenant:
    slug: str
    name: str
    plan: str
    owner: str
    accounts: dict[str, tuple[str, str]]
    dedicated: bool = False
    trial: bool = False
    time_zone: str = "UTC"


TENANTS = (
    DemoTenant(
        "sprout",
        "Sprout Kitchen",
        "free",
        "sam@sprout.example",
        trial=True,
        time_zone="Europe/Paris",
        accounts={
            "tinyfermenter": ("own", "kitchen"),
            "krua.khun.ploy": ("competitor", "kitchen, thai"),
            "stillframe.studio": ("partner", "photo"),
        },
    ),
    DemoTenant(
        "acme",
        "Acme Talent",
        "pro",
        "ana@acme.example",
        time_zone="Europe/London",
        accounts={
            "lena.bakes": ("own", "bakery, top"),
            "mara.codes": ("own", "tech"),
            "noor.kitchen": ("own", "kitchen"),
            "northbay.coffee": ("competitor", "brand"),
            "vanishing.vic": ("competitor", "comedy"),
            "glitchy.gus": ("partner", "games"),
            "chai_aur_asha": ("partner", "kitchen, hindi"),
        },
    ),
    DemoTenant(
        "globex",
        "Globex Media",
        "enterprise",
        "gil@globex.example",
        dedicated=True,
        time_zone="America/New_York",
        accounts={
            "professor.bubbles": ("own", "science, top"),
            "hikaru_no_neko": ("own", "cats"),
            "maxwellpranks": ("competitor", "comedy"),
            "mingalar.may": ("partner", "travel"),
            "dima.chinit": ("partner", "repairs"),
            "bepcuame.vn": ("competitor", "kitchen"),
        },
    ),
)


def exists() -> bool:
    """True once the demo's last tenant is there."""
    return Tenant.objects.filter(slug=TENANTS[-1].slug).exists() and User.objects.filter(email=OPS).exists()


class HistoryKeys:
    """The key with which ninety days are read in half a minute; the simulator of the seed sets no limits."""

    def key_for(self, tenant_id: int) -> ApiKey:
        return ApiKey("demo-history", HISTORY_KEY, HISTORY_KEY[-4:], shared=False, per_minute=1_000_000, in_flight=100)

    def refused(self, tenant_id: int, key_id: str) -> bool:
        return False

    def outdated(self, tenant_id: int) -> None:
        """It does not change."""


@contextmanager
def _history_key() -> Iterator[None]:
    """Inside the block all calls use it."""
    ports = settings.TIKLIVE_PORTS
    settings.TIKLIVE_PORTS = ports | {"KEYS": "tikdash.demo.HistoryKeys"}
    try:
        yield
    finally:
        settings.TIKLIVE_PORTS = ports


def seed(say: Callable[[str], None], *, days: int = DAYS) -> None:
    """Makes what is missing of the demo. Moves the simulator's clock and puts it back; takes about a minute."""
    with _history_key():
        _seed(say, days)


def _seed(say: Callable[[str], None], days: int) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [
        moment for back in range(days, -1, -1) if (moment := today - timedelta(days=back) + HOUR) <= datetime.now(UTC)
    ]
    refs = [_tenant(demo) for demo in TENANTS]
    _make_months(moments, refs)
    upstream = urllib3.PoolManager()
    try:
        for number, moment in enumerate(moments):
            _move_clock(upstream, {"now": moment.isoformat()})
            with clock.at(moment):
                if number == 0:
                    _track_all(refs)
                    _hold_back(refs, moments[-1])
                _drain_side_by_side(refs)
                if moment < moments[-1] - timedelta(days=POSTS_DAILY_DAYS):
                    _read_posts_rarely(refs, moment)
            if number % 15 == 14 or number == len(moments) - 1:
                say(f"demo history: day {number + 1} of {len(moments)}")
    finally:
        _move_clock(upstream, {"real": True})
    for demo, ref in zip(TENANTS, refs, strict=True):
        # The last reading is of now, so that the first page is fresh.
        for handle in demo.accounts:
            fetch_now(ref, handle)
    _fetch_pictures_from_now_on(refs)
    seed_money(refs, moments[0].date())
    if not User.objects.filter(email=OPS).exists():
        TOTP.activate(User.objects.create_superuser(OPS, PASSWORD, name="Olga Ops"), OPS_KEY)


def _drain_side_by_side(refs: list[TenantRef]) -> None:
    """Runs what is due at the moved clock's moment, a thread a tenant: each waits for the servers most of the time."""

    def run(context: Context, ref: TenantRef) -> None:
        try:
            context.run(drain, ref)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(refs)) as threads:
        # list() raises what a thread raised.
        list(threads.map(run, [copy_context() for _ in refs], refs))


def ops_code() -> str:
    """The code that the operator's log-in asks for now."""
    return str(format_hotp_value(hotp_value(OPS_KEY, int(time.time()) // 30)))


def _tenant(demo: DemoTenant) -> TenantRef:
    existing = next((ref for ref in all_tenants_listed() if ref.slug == demo.slug), None)
    ref = existing or create_tenant(
        slug=demo.slug,
        name=demo.name,
        plan=demo.plan,
        dedicated=demo.dedicated,
        trial=demo.trial,
        time_zone=demo.time_zone,
    )
    name = demo.owner.split("@")[0].title()
    add_member(tenant_id=ref.id, email=demo.owner, role="owner", password=PASSWORD, name=name)
    if demo.slug == "sprout":
        # One person in two workspaces, to show the list of workspaces.
        add_member(tenant_id=ref.id, email="ana@acme.example", role="member", password=PASSWORD, name="Ana")
    return ref


def _track_all(refs: list[TenantRef]) -> None:
    for demo, ref in zip(TENANTS, refs, strict=True):
        for handle, (reason, tags) in demo.accounts.items():
            if not _is_tracked(ref, handle):
                track_now(ref, clean_wish(handle=handle, reason=reason, tags=tags))


def _hold_back(refs: list[TenantRef], last: datetime) -> None:
    """Makes the kinds of `LAST_DAYS` begin so many days before the end of the history, and pictures after the seed."""
    for ref in refs:
        with tenant_scope(ref):
            for kind, days in LAST_DAYS.items():
                begins = last - timedelta(days=days)
                FetchJob.objects.filter(kind=kind, next_due_at__lt=begins).update(next_due_at=begins)
            FetchJob.objects.filter(kind=FetchJob.Kind.PICTURES).update(state=FetchJob.State.PAUSED)


def _read_posts_rarely(refs: list[TenantRef], moment: datetime) -> None:
    """Has the posts that were read at `moment` be read again three days later, not on the next one."""
    again = moment + POSTS_RARELY
    for ref in refs:
        with tenant_scope(ref):
            ran = FetchJob.objects.filter(kind=FetchJob.Kind.POSTS, succeeded_at__gte=moment)
            ran.filter(next_due_at__gt=moment, next_due_at__lt=again).update(next_due_at=again)


def _fetch_pictures_from_now_on(refs: list[TenantRef]) -> None:
    """A worker does it: nobody waits for pictures at the first start."""
    for ref in refs:
        with tenant_scope(ref):
            held = FetchJob.objects.filter(kind=FetchJob.Kind.PICTURES, state=FetchJob.State.PAUSED)
            held.update(state=FetchJob.State.ACTIVE, next_due_at=clock.now())


def _is_tracked(ref: TenantRef, handle: str) -> bool:
    """True where a seed that was stopped half-way has left the account; its history then goes on where it ended."""
    with tenant_scope(ref):
        try:
            account_id_of(handle)
        except NotFound:
            return False
        return True


def _make_months(moments: list[datetime], refs: list[TenantRef]) -> None:
    days = {moment.date() for moment in moments}
    with owner():
        for table in ("usage_events", "audit_log"):
            ensure_months(table, days)
    for schema in {ref.schema_name for ref in refs}:
        with owner(schema):
            for table in PARTITIONED:
                ensure_months(table, days)


def _move_clock(upstream: urllib3.PoolManager, to: dict[str, object]) -> None:
    upstream.request(
        "POST",
        f"{settings.TIKLIVE_BASE_URL}/_sim/clock",
        body=orjson.dumps(to),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
