"""A sample of who follows an account, and of whom it follows."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from accounts.selectors import TenantRef
from snapshots.ingest.audience import counted_flags, member_rows, store_sample
from snapshots.ingest.kinds.common import Result, account_of, client_of, measured_at, say
from snapshots.models import AudienceSample
from snapshots.scheduling.leases import RunningJob
from tikdash.tiklive.client import Client
from tikdash.tiklive.errors import EntityNotFound, NotAdmitted, PrivateEntity, TikLiveError
from tikdash.tiklive.paging import Caps, Walk
from tikdash.tiklive.shapes import Follow

ROWS_A_PAGE = 200

Open = Callable[[Client, str, Caps], Walk[Follow]]


def run_followers(tenant: TenantRef, job: RunningJob) -> Result:
    """A sample of the account's newest followers with the flags that they bear."""
    return _run(tenant, job, AudienceSample.Direction.FOLLOWERS, _followers)


def run_following(tenant: TenantRef, job: RunningJob) -> Result:
    """A sample of those whom the account began to follow last."""
    return _run(tenant, job, AudienceSample.Direction.FOLLOWINGS, _followings)


def _run(tenant: TenantRef, job: RunningJob, direction: str, open_list: Open) -> Result:
    """Reads and stores a sample. A list that is hidden gives one without rows: that is an answer, not a failure."""
    account = account_of(job)
    client = client_of(tenant, job, account)
    most = settings.AUDIENCE_SAMPLE
    # A page more than needed, for rows that come twice.
    walk = open_list(client, account.tiktok_user_id, Caps(pages=-(-most // ROWS_A_PAGE) + 1, items=most))
    follows, broken = _read(walk)
    rows = member_rows(follows)
    store_sample(account.pk, direction, rows, total=walk.total, sampled_at=measured_at(client))
    if not rows:
        return say(account, f"TikTok shows no {direction}: the list is hidden, or empty")
    text = f"{len(rows)} {direction}, {counted_flags(rows)['bot']} of them look like bots"
    return say(account, text + (f"; the list broke off: {broken.code}" if broken else ""))


def _read(walk: Walk[Follow]) -> tuple[list[Follow], TikLiveError | None]:
    """The rows of a list, and what broke it off after its first page: what was read until then is a sample, too."""
    follows: list[Follow] = []
    try:
        for follow in walk:
            follows.append(follow)
    except NotAdmitted:
        raise
    except (EntityNotFound, PrivateEntity):
        # Whoever has no rows yet hides them; a list that ends like this has been read as far as it goes.
        return follows, None
    except TikLiveError as error:
        if not follows:
            raise
        return follows, error
    return follows, None


def _followers(client: Client, user_id: str, caps: Caps) -> Walk[Follow]:
    return client.walk_followers(user_id, caps=caps, count=ROWS_A_PAGE)


def _followings(client: Client, user_id: str, caps: Caps) -> Walk[Follow]:
    return client.walk_followings(user_id, caps=caps, count=ROWS_A_PAGE)
