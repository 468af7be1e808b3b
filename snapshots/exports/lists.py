"""The lists that can be exported. Another one is a function that gives a Sheet, and a view in `web.exports`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Max

from snapshots.analytics import posts as post_analytics
from snapshots.analytics.accounts import DEFAULT_SORT, filtered_accounts, get_account, order_of
from snapshots.analytics.all_posts import PostFilter, source_of
from snapshots.analytics.growth import COUNTERS
from snapshots.exports.sheet import Column, Sheet
from tikdash import clock
from tikdash.errors import BadInput
from tikdash.words import N_, gettext

#: Column of the table → id of the metric.
ACCOUNT_METRICS = {
    "follower_count": "followers",
    "following_count": "following",
    "heart_count": "hearts",
    "video_count": "videos",
    "digg_count": "likes_given",
}
DAYS_OF_CHANGE, LONGEST_DAYS = 30, 3660

ACCOUNTS = (
    Column("handle", N_("Handle"), "a.username"),
    Column("nickname", N_("Name"), "a.nickname"),
    Column("tiktok_user_id", N_("TikTok id"), "a.tiktok_user_id", "id"),
    Column("url", N_("Address"), "'https://www.tiktok.com/@' || a.username"),
    Column("reason", N_("Reason"), "a.tracked_reason"),
    Column("tags", N_("Tags"), "array_to_string(a.tags, ', ')"),
    Column("state", N_("State"), "a.state"),
    *(Column(metric, COUNTERS[column], f"a.{column}", "number", metric) for column, metric in ACCOUNT_METRICS.items()),
    Column(
        "followers_before",
        N_("Followers before"),
        "before.follower_count",
        "number",
        note=N_("The first day of the window."),
    ),
    Column("followers_before_on", N_("Followers before, day"), "before.captured_on", "date"),
    Column(
        "follower_growth",
        N_("Follower growth"),
        "round((a.follower_count - before.follower_count)::numeric / nullif(before.follower_count, 0), 6)",
        "fraction",
        "follower_growth",
        note=N_("Over 30 days, or since the first reading within them."),
    ),
    Column("tracked_since", N_("Tracked since"), "a.tracked_since", "time"),
    Column("as_of", N_("As of"), "a.measured_at", "time", note=N_("When these counters were read.")),
)
#: The first sound value of the window, by the key of the table; days are named, so that other months stay closed.
ACCOUNTS_SOURCE = """
    FROM ({chosen}) AS chosen JOIN accounts a USING (id)
    LEFT JOIN LATERAL (
         SELECT s.follower_count, s.captured_on FROM account_snapshots s
          WHERE s.account_id = a.id AND s.captured_on BETWEEN %s AND %s AND s.follower_count IS NOT NULL
                AND coalesce(s.suspect ->> 'follower_count', 'rounded') = 'rounded'
          ORDER BY s.captured_on LIMIT 1) AS before ON true
   ORDER BY {order}
"""

POSTS = (
    Column("post_id", N_("Post id"), "p.aweme_id", "id"),
    Column("url", N_("Address"), "'https://www.tiktok.com/@' || a.username || '/' || p.kind || '/' || p.aweme_id"),
    Column("handle", N_("Handle"), "a.username"),
    Column("title", N_("Title"), "p.title"),
    Column("kind", N_("Kind"), "p.kind"),
    Column("posted_at", N_("Posted"), "p.posted_at", "time"),
    Column("duration_s", N_("Seconds"), "p.duration_s", "number"),
    Column("plays", N_("Views"), "p.play_count", "number", "plays"),
    Column("diggs", N_("Likes"), "p.digg_count", "number", "diggs"),
    Column("comments", N_("Comments"), "p.comment_count", "number", "comments"),
    Column("shares", N_("Shares"), "p.share_count", "number", "shares"),
    Column("collects", N_("Saves"), "p.collect_count", "number", "collects"),
    Column(
        "er_views_post",
        N_("Engagement rate"),
        "round((p.digg_count + p.comment_count + p.share_count)::numeric / nullif(p.play_count, 0), 6)",
        "fraction",
        "er_views_post",
        note=N_("Empty without views, or where a counter is not known."),
    ),
    Column("sound_id", N_("Sound id"), "p.sound_id", "id"),
    Column(
        "gone_since", N_("Gone since"), "p.deleted_at", "time", note=N_("When it was first missing from TikTok's list.")
    ),
    Column("as_of", N_("As of"), "p.measured_at", "time", note=N_("When these counters were read.")),
)
POSTS_SOURCE = """
    FROM posts p JOIN accounts a ON a.id = p.account_id
   WHERE p.tenant_id = %s AND p.account_id = %s
   ORDER BY {expression} {way}, p.id {way}
"""

NEWEST_POST = "SELECT max(measured_at) FROM posts WHERE tenant_id = %s AND account_id = %s"

GROWTH_SOURCE = """
    FROM (SELECT min(captured_on) AS first, max(captured_on) AS last FROM account_snapshots
           WHERE account_id = %s AND captured_on BETWEEN %s AND %s) AS span
   CROSS JOIN LATERAL generate_series(span.first, span.last, '1 day') AS d(day)
    LEFT JOIN account_snapshots s ON s.account_id = %s AND s.captured_on = d.day::date
              AND s.captured_on BETWEEN %s AND %s
   ORDER BY d.day
"""


def accounts_sheet(*, workspace: str, text: str = "", reason: str = "", sort: str = DEFAULT_SORT) -> Sheet:
    """The tracked accounts in the order of their page. Raises BadInput as that page does."""
    found = filtered_accounts(text, reason)
    chosen, parameters = found.order_by().values("id").query.sql_with_params()
    today = clock.today()
    return Sheet(
        gettext("Accounts of {workspace}").format(workspace=workspace),
        "accounts",
        ACCOUNTS,
        ACCOUNTS_SOURCE.format(chosen=chosen, order=order_of(sort)),
        [*parameters, today - timedelta(days=DAYS_OF_CHANGE), today - timedelta(days=1)],
        found.aggregate(newest=Max("measured_at"))["newest"],
        [("search", text or "all"), ("reason", reason or "all"), ("sorted by", sort)],
    )


def posts_sheet(*, tenant_id: int, account_id: int, sort: str = post_analytics.DEFAULT_SORT) -> Sheet:
    """All posts of an account in the order of its page. Raises NotFound, and BadInput for an unknown order."""
    account = get_account(account_id)
    column = post_analytics.COLUMNS.get(sort.removeprefix("-"))
    if column is None:
        raise BadInput(
            gettext("Posts cannot be sorted by “{sort}”. Choose one of: {choices}.").format(
                sort=sort[:40], choices=", ".join(post_analytics.COLUMNS)
            )
        )
    source = POSTS_SOURCE.format(
        # As the index has it.
        expression=column.expression,
        way="DESC" if sort.startswith("-") else "ASC",
    )
    newest = _newest(NEWEST_POST, tenant_id, account_id)
    return Sheet(
        gettext("Posts of @{handle}").format(handle=account.username),
        f"posts-{account.pk}",
        POSTS,
        source,
        [tenant_id, account_id],
        newest,
        [("sorted by", sort)],
    )


def all_posts_sheet(*, tenant_id: int, workspace: str, wanted: PostFilter, sort: str, filters: list[str]) -> Sheet:
    """The posts of all accounts that are wanted, in the order of their page. Raises BadInput for an unknown order."""
    source, parameters, order = source_of(tenant_id=tenant_id, wanted=wanted, sort=sort)
    return Sheet(
        gettext("Posts of {workspace}").format(workspace=workspace),
        "posts",
        POSTS,
        f"{source} {order}",
        parameters,
        _newest(f"SELECT max(p.measured_at) {source}", *parameters),
        [("wanted", "; ".join(filters) or "all"), ("sorted by", sort)],
    )


def growth_sheet(*, account_id: int, days: int) -> Sheet:
    """An account's counters day by day with their state; a value that is not sound is left out, and its state says why.

    Raises NotFound, and BadInput for a range that is not 1–3,660 days.
    """
    account = get_account(account_id)
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(gettext("The range must be between 1 and 3,660 days."))
    today = clock.today()
    first = today - timedelta(days=days - 1)
    newest = _newest(
        "SELECT max(captured_at) FROM account_snapshots WHERE account_id = %s AND captured_on BETWEEN %s AND %s",
        account_id,
        first,
        today,
    )
    return Sheet(
        gettext("Growth of @{handle}, by capture date").format(handle=account.username),
        f"growth-{account.pk}",
        _growth_columns(),
        GROWTH_SOURCE,
        [account_id, first, today, account_id, first, today],
        newest,
        [("days", str(days))],
    )


def _growth_columns() -> list[Column]:
    columns = [Column("date", N_("Date (UTC)"), "d.day::date", "date")]
    for name, metric in ACCOUNT_METRICS.items():
        state = f"coalesce(s.suspect ->> '{name}', CASE WHEN s.{name} IS NULL THEN 'missing' ELSE 'ok' END)"
        sound = f"CASE WHEN coalesce(s.suspect ->> '{name}', 'rounded') = 'rounded' THEN s.{name} END"
        columns += [
            Column(metric, COUNTERS[name], sound, "number", metric),
            Column(
                f"{metric}_state",
                gettext("{counter}: state").format(counter=gettext(COUNTERS[name])),
                state,
                note=N_("Empty number: why it is left out."),
            ),
        ]
    return [
        *columns,
        Column("as_of", N_("As of"), "s.captured_at", "time", note=N_("When the day's last value was read.")),
    ]


def _newest(statement: str, *parameters: Any) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchone()[0]
    return found.astimezone(UTC) if found else None
