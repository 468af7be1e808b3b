"""Files of lists that are computed: hashtags, sounds, the overview's, comparisons, and those of an account's tabs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from snapshots.analytics.accounts import get_account
from snapshots.analytics.activity import activity
from snapshots.analytics.all_posts import one_post
from snapshots.analytics.attention import attention
from snapshots.analytics.audience import audience
from snapshots.analytics.breakout import breakouts, curve
from snapshots.analytics.compare import table, voices
from snapshots.analytics.hashtags import hashtags
from snapshots.analytics.history import LONGEST_DAYS, history
from snapshots.analytics.one_post import values_of_post
from snapshots.analytics.overview import Group, overview
from snapshots.analytics.sounds import sounds
from snapshots.analytics.timing import best_times, frequency
from snapshots.exports import Sheet, account_lists, insights, more_insights
from snapshots.web import compare as comparing
from snapshots.web.account_growth import days_in
from snapshots.web.account_insights import COST_DAYS, costs_of
from snapshots.web.exports import exported
from snapshots.web.metric_words import headline_of
from snapshots.web.overview import read_group
from snapshots.web.topics import DEFAULT_ORDER
from tikdash.errors import BadInput, NotFound
from tikdash.words import gettext


def _group(request: Any) -> tuple[Group, list[int] | None, list[tuple[str, str]]]:
    """The group of the address, its ids (None for all), and how the file names it. Raises BadInput."""
    group, error = read_group(request)
    if error:
        raise BadInput(error)
    filters = [("reason", group.reason or "all"), ("tag", group.tag or "all")]
    return group, None if group.is_whole else group.ids, filters


@exported
def hashtag_list(request: Any) -> Sheet:
    """The hashtags of a group."""
    _, ids, filters = _group(request)
    order: Any = request.GET.get("order") or DEFAULT_ORDER
    rows = hashtags(request.tenant.id, ids, order=order)
    return insights.hashtags_sheet(
        gettext("Hashtags of {workspace}").format(workspace=request.tenant.name),
        "hashtags",
        rows,
        [*filters, ("sorted by", order)],
    )


@exported
def sound_list(request: Any) -> Sheet:
    """The sounds of a group."""
    _, ids, filters = _group(request)
    order: Any = request.GET.get("order") or DEFAULT_ORDER
    rows = sounds(request.tenant.id, ids, order=order)
    return insights.sounds_sheet(
        gettext("Sounds of {workspace}").format(workspace=request.tenant.name),
        "sounds",
        rows,
        [*filters, ("sorted by", order)],
    )


@exported
def account_hashtags(request: Any, account_id: int) -> Sheet:
    """The hashtags of an account."""
    handle = get_account(account_id).username
    order: Any = request.GET.get("order") or "posts"
    rows = hashtags(request.tenant.id, [account_id], order=order)
    return insights.hashtags_sheet(
        gettext("Hashtags of @{handle}").format(handle=handle), f"hashtags-{account_id}", rows, [("sorted by", order)]
    )


@exported
def account_sounds(request: Any, account_id: int) -> Sheet:
    """The sounds of an account."""
    handle = get_account(account_id).username
    order: Any = request.GET.get("order") or "posts"
    rows = sounds(request.tenant.id, [account_id], order=order)
    return insights.sounds_sheet(
        gettext("Sounds of @{handle}").format(handle=handle), f"sounds-{account_id}", rows, [("sorted by", order)]
    )


@exported
def overview_part(request: Any, part: str) -> Sheet:
    """A list of the overview, whole: `movers`, `breakouts` or `attention`."""
    group, ids, filters = _group(request)
    tenant = request.tenant
    if part == "movers":
        shown = overview(tenant_id=tenant.id, group=group, rate_id=headline_of(tenant).id)
        return insights.movers_sheet(tenant.name, [*shown.up, *reversed(shown.down)], filters)
    if part == "breakouts":
        return insights.breakouts_sheet(tenant.name, breakouts(tenant.id, ids) if group.members else [], filters)
    if part == "attention":
        return insights.attention_sheet(tenant.name, attention(tenant.id, ids) if group.members else [], filters)
    raise NotFound(gettext("The overview has no such list."))


@exported
def comparison(request: Any) -> Sheet:
    """The table and the shares of voice of a comparison."""
    ids, days = comparing.read_ids(request.GET.get("accounts", "")), comparing.voice_days_in(request)
    summaries = table(tenant_id=request.tenant.id, account_ids=ids)
    heard = voices(tenant_id=request.tenant.id, account_ids=ids, days=days)
    handles = [voice.handle for voice in heard.voices]
    return insights.compare_sheet(handles, summaries, heard, comparing.rows_of(request.tenant))


@exported
def comparison_series(request: Any) -> Sheet:
    """The lines of a comparison's chart."""
    return insights.series_sheet(comparing.series_in(request, comparing.read_ids(request.GET.get("accounts", ""))))


@exported
def comments(request: Any, account_id: int) -> Sheet:
    """The comments of an account, searched and sorted as the page."""
    return account_lists.comments_sheet(
        tenant_id=request.tenant.id,
        account_id=account_id,
        words=request.GET.get("q", ""),
        order=request.GET.get("order") or "newest",
    )


@exported
def stories(request: Any, account_id: int) -> Sheet:
    """The stories of an account."""
    return account_lists.stories_sheet(tenant_id=request.tenant.id, account_id=account_id)


@exported
def followers(request: Any, account_id: int) -> Sheet:
    """The newest sample of an account's followers."""
    return account_lists.followers_sheet(tenant_id=request.tenant.id, account_id=account_id)


@exported
def one(request: Any, post_id: int) -> Sheet:
    """The numbers of one post."""
    row = one_post(tenant_id=request.tenant.id, post_id=post_id)
    values = values_of_post(tenant_id=request.tenant.id, row=row, points=curve(post_id).points)
    title = gettext("Post {id} of @{handle}").format(id=row.post.aweme_id, handle=row.handle)
    return more_insights.values_sheet(title, f"post-{post_id}", values.values())


@exported
def samples(request: Any, account_id: int) -> Sheet:
    """The samples of an account's followers."""
    return more_insights.samples_sheet(get_account(account_id).username, account_id, audience(account_id))


@exported
def happened(request: Any, account_id: int) -> Sheet:
    """What happened to an account, in the range of its chart."""
    handle, days = get_account(account_id).username, min(days_in(request), LONGEST_DAYS)
    return more_insights.happened_sheet(handle, account_id, history(account_id, days), days)


@exported
def jobs(request: Any, account_id: int) -> Sheet:
    """What is read of an account."""
    return more_insights.jobs_sheet(get_account(account_id).username, account_id, activity(account_id))


@exported
def costs(request: Any, account_id: int) -> Sheet:
    """What an account costs."""
    handle, found = get_account(account_id).username, costs_of(request.tenant.id, account_id, activity(account_id))
    return more_insights.costs_sheet(handle, account_id, found, COST_DAYS)


@exported
def hours(request: Any, account_id: int) -> Sheet:
    """The best time to post, by the clock of the one who asks."""
    handle, zone = get_account(account_id).username, timezone.get_current_timezone_name()
    found = best_times(tenant_id=request.tenant.id, account_id=account_id, zone=zone)
    return more_insights.hours_sheet(handle, account_id, found)


@exported
def weeks(request: Any, account_id: int) -> Sheet:
    """Posts by week, by the clock of the one who asks."""
    handle, zone = get_account(account_id).username, timezone.get_current_timezone_name()
    found = frequency(tenant_id=request.tenant.id, account_id=account_id, zone=zone)
    return more_insights.weeks_sheet(handle, account_id, found)
