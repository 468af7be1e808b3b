"""What lies behind an account's numbers: hashtags, sounds, audience, comments, stories, and the jobs that read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import mark_safe

from snapshots.analytics.activity import Activity, activity
from snapshots.analytics.audience import Sample, audience
from snapshots.analytics.comments import LONGEST_QUESTION, MOST_SEARCHED, CommentRow, comments, tones
from snapshots.analytics.cost import Cost, cost_of
from snapshots.analytics.hashtags import Bubble, bubbles, hashtags
from snapshots.analytics.history import history
from snapshots.analytics.post_titles import NO_TITLE, titles_of
from snapshots.analytics.sentiment import Sentiment
from snapshots.analytics.sounds import sounds
from snapshots.analytics.stories import StoryRow, stories
from snapshots.analytics.topics import Use
from snapshots.models import FetchJob
from snapshots.web import backfill, metric_words
from snapshots.web.account_growth import row_of
from snapshots.web.export_links import export_links
from tikdash import clock
from tikdash.budget import credits_by_feature
from tikdash.plans import limits_of
from tikdash.ui import numbers
from tikdash.ui.bubbles import Word, bubbles_svg
from tikdash.ui.htmx import with_query
from tikdash.ui.styles import marked
from tikdash.words import N_, gettext, pgettext

#: Orders of hashtags and sounds, of comments; by their names in the address.
TOPIC_ORDERS = {"posts": N_("Most used"), "views": N_("Most views"), "rising": N_("Rising"), "uplift": N_("Uplift")}
COMMENT_ORDERS = {"newest": N_("Newest"), "liked": N_("Most liked")}
STORY_DAYS, ACTIVITY_DAYS, COST_DAYS = 30, 90, 30
STATES = {
    "active": "",
    "paused": N_("paused"),
    "done": N_("done"),
    "refused": N_("refused"),
    "dead": N_("stopped"),
    "cancelled": N_("cancelled"),
}
FLAGS = {
    "bot": N_("all three signs"),
    "no_posts": N_("no posts"),
    "default_avatar": N_("default picture"),
    "generated_handle": N_("made-up handle"),
    "private": N_("private"),
    "verified": N_("verified"),
}


def hashtags_tab(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    """Hashtags as bubbles and as a table. Raises BadInput for an order that does not exist."""
    order: Any = request.GET.get("order") or "posts"
    rows = hashtags(request.tenant.id, [account_id], order=order)
    drawn = bubbles(account_id) if rows else []
    words = [Word(f"#{each.shown}", each.views, each.posts, each.size, _lifts(each)) for each in drawn]
    svg = bubbles_svg(
        words,
        gettext("The {n} hashtags with the most views; the table below has the numbers.").format(n=len(words)),
    )
    return {
        "svg": mark_safe(svg),  # noqa: S308  (made of numbers; words are escaped)
        "rows": [
            {
                "name": f"#{row.shown}",
                "url": _posts_url(handle, hashtag=row.name),
                "use": row.use,
                "uplift": _uplift(row.use),
                "tiktok": row.view_count,
                "tiktok_as_of": row.counted_at,
            }
            for row in rows
        ],
        "export": export_links("account_hashtags_export", {"order": order}, account_id=account_id),
        **_topics(request, order, [row.use for row in rows], "hashtag"),
    }


def sounds_tab(request: Any, account_id: int, handle: str) -> dict[str, Any]:
    """Sounds as a table. Raises BadInput for an order that does not exist."""
    order: Any = request.GET.get("order") or "posts"
    rows = sounds(request.tenant.id, [account_id], order=order)
    return {
        "rows": [
            {
                "name": row.title or gettext("Sound {id}").format(id=row.music_id),
                "url": _posts_url(handle, sound=row.music_id),
                "author": row.author,
                "original": row.original,
                "use": row.use,
                "uplift": _uplift(row.use),
                "tiktok": row.video_count,
                "tiktok_as_of": row.counted_at,
            }
            for row in rows
        ],
        "export": export_links("account_sounds_export", {"order": order}, account_id=account_id),
        **_topics(request, order, [row.use for row in rows], "sound"),
    }


def _posts_url(handle: str, **wanted: str) -> str:
    """The posts of this account that have it, in the list of all posts."""
    return f"{reverse('posts')}?{urlencode({'account': handle, **wanted})}"


def audience_tab(request: Any, account_id: int) -> dict[str, Any]:
    """Who follows the account, as far as a sample tells. Raises NotFound."""
    found = audience(account_id)
    newest, ratio = found.newest, found.follow_ratio
    return {
        "export": export_links("account_audience_export", {}, account_id=account_id),
        "samples_export": export_links("account_samples_export", {}, account_id=account_id),
        "newest": _sample(newest) if newest else None,
        "examples": [{"row": each, "flags": _signs(each.flags)} for each in found.examples],
        "history": [_sample(each) for each in found.history],
        "ratio": marked(f"{ratio.value:,.1f}") if ratio.value is not None else "",
        "follow_ratio": ratio,
        "ratio_tip": metric_words.tip_of(
            "follow_ratio", n=0 if ratio.value is None else 1, noun="reading", as_of=ratio.as_of
        ),
        "reason": found.reason,
        "reads": _reads(request, "followers"),
    }


def comments_tab(request: Any, account_id: int) -> dict[str, Any]:
    """One page of comments, searched and sorted as the address says, and their tone. Raises BadInput."""
    words = request.GET.get("q", "")[:LONGEST_QUESTION].strip()
    order: Any = request.GET.get("order") or "newest"
    page = comments(account_id=account_id, words=words, order=order, after=request.GET.get("after", ""))
    told = tones(account_id=account_id)
    titles = titles_of({row.post_id for row in page.rows})
    return {
        "export": export_links("account_comments_export", {"q": words, "order": order}, account_id=account_id),
        "q": words,
        "order": order,
        "orders": _orders(request, COMMENT_ORDERS, order),
        "rows": [_comment(request, row, titles) for row in page.rows],
        "next_url": with_query(request, after=page.next_key) if page.next_key else None,
        "first_url": with_query(request, after=None) if request.GET.get("after") else None,
        "capped": _capped() if page.capped else "",
        "tone": _tone(told.sentiment),
        "as_of": told.as_of,
        "reads": _reads(request, "comments"),
    }


def stories_tab(request: Any, account_id: int) -> dict[str, Any]:
    """Stories of the last 30 days: shown now, and past."""
    found = stories(account_id, STORY_DAYS)
    return {
        "export": export_links("account_stories_export", {}, account_id=account_id),
        "groups": [
            {"label": label, "rows": [_story(row) for row in rows]}
            for label, rows in ((gettext("On TikTok now"), found.live), (gettext("Past"), found.past))
            if rows
        ],
        "n": len(found.live) + len(found.past),
        "days": STORY_DAYS,
        "as_of": found.as_of,
        "reads": _reads(request, "stories"),
    }


def activity_tab(request: Any, account_id: int) -> dict[str, Any]:
    """The account's jobs and the notes of the last 90 days."""
    notes = history(account_id, ACTIVITY_DAYS)
    jobs, progress = activity(account_id), backfill.state(account_id)
    costs = costs_of(request.tenant.id, account_id, jobs)
    return {
        "jobs": [_job(job) for job in jobs],
        "jobs_export": export_links("account_jobs_export", {}, account_id=account_id),
        "costs_export": export_links("account_costs_export", {}, account_id=account_id),
        "notes_export": export_links("account_happened_export", {"days": ACTIVITY_DAYS}, account_id=account_id),
        "backfill": progress,
        "costs": costs,
        "cost": sum(cost.credits for cost in costs),
        "cost_days": COST_DAYS,
        "notes": [row_of(request, account_id, note) for note in reversed(notes)],
        "days": ACTIVITY_DAYS,
    }


def costs_of(tenant_id: int, account_id: int, jobs: Sequence[Activity]) -> list[Cost]:
    """What an account with these jobs cost in the last `COST_DAYS` days, the dearest kind first."""
    recent = clock.now() - timedelta(days=COST_DAYS)
    past = next(
        (job for job in jobs if job.kind == "backfill" and (job.succeeded_at or job.next_due_at) >= recent), None
    )
    return cost_of(
        tenant_id=tenant_id,
        account_id=account_id,
        spent=credits_by_feature(tenant_id, COST_DAYS),
        days=COST_DAYS,
        backfill=past.credits_spent if past else None,
    )


def _topics(request: Any, order: str, uses: list[Use], noun: metric_words.Noun) -> dict[str, Any]:
    return {
        "orders": _orders(request, TOPIC_ORDERS, order),
        "n": metric_words.counted(len(uses), noun),
        "as_of": max((use.as_of for use in uses), default=None),
        "tip": metric_words.tip_of(
            "uplift",
            n=len(uses),
            noun=noun,
            as_of=max((use.as_of for use in uses), default=None),
            more=gettext("The interval of 95 % is by bootstrap. Where it holds 0 %, the difference may be chance."),
        ),
    }


def _orders(request: Any, orders: dict[str, str], active: str) -> list[dict[str, Any]]:
    return [
        {"key": key, "label": gettext(label), "url": with_query(request, order=key), "active": key == active}
        for key, label in orders.items()
    ]


def _uplift(use: Use) -> dict[str, Any]:
    found = use.uplift
    sure = found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
    return {
        "text": numbers.signed_percent(found.value) if found.value is not None else "",
        "interval": metric_words.interval(found.low, found.high, signed=True),
        "reason": found.reason,
        "n": gettext("{posts} with it, {n} without").format(
            posts=metric_words.counted(found.n_with, "post"), n=found.n_without
        ),
        "way": "flat" if not sure or found.value is None else "up" if found.value > 0 else "down",
    }


def _lifts(bubble: Bubble) -> bool:
    return bubble.uplift is not None and bubble.uplift > 0


def _signs(flags: list[str]) -> list[str]:
    """The signs in words; that they are all three says nothing more."""
    return [gettext(FLAGS[flag]) for flag in flags if flag in FLAGS and flag != "bot"] or [gettext(FLAGS["bot"])]


def _sample(sample: Sample) -> dict[str, Any]:
    share, size = sample.bot_share, sample.size
    signs = ("no_posts", "default_avatar", "generated_handle", "all_three", "private", "verified")
    words = FLAGS | {"all_three": FLAGS["bot"]}
    return {
        "at": sample.sampled_at,
        "size": size,
        "total": sample.total,
        "text": numbers.percent(share.value) if share.value is not None else "",
        "interval": metric_words.interval(share.low, share.high),
        "reason": share.reason,
        "signs": [
            {"label": gettext(words[sign]), "count": getattr(sample, sign), "share": getattr(sample, sign) / size}
            for sign in signs
            if size
        ],
        "tip": metric_words.tip_of("bot_share", n=size, noun="follower", as_of=sample.sampled_at),
    }


def _comment(request: Any, row: CommentRow, titles: dict[int, str]) -> dict[str, Any]:
    return {
        "row": row,
        "post": titles.get(row.post_id, gettext(NO_TITLE)),
        "post_url": with_query(request, tab="posts", post=row.post_id, q=None, order=None),
    }


def _tone(found: Sentiment) -> dict[str, Any]:
    """Shares in per cent for the bar; `neutral` is what is left."""
    known = found.positive_share is not None and found.negative_share is not None
    kind, unkind = (found.positive_share or 0.0), (found.negative_share or 0.0)
    return {
        "known": known,
        "reason": found.reason,
        "n": metric_words.counted(found.n, "comment"),
        "any": bool(found.n),
        "judged": found.judged,
        "coverage": numbers.percent(found.coverage) if found.coverage is not None else "",
        "parts": [
            {
                "key": "kind",
                "label": pgettext("tone", "kind"),
                "text": numbers.percent(kind),
                "width": round(kind * 100, 2),
                "x": 0,
            },
            {
                "key": "neither",
                "label": gettext("neither"),
                "text": numbers.percent(max(0.0, 1 - kind - unkind)),
                "width": round(max(0.0, 1 - kind - unkind) * 100, 2),
                "x": round(kind * 100, 2),
            },
            {
                "key": "unkind",
                "label": gettext("unkind"),
                "text": numbers.percent(unkind),
                "width": round(unkind * 100, 2),
                "x": round((1 - unkind) * 100, 2),
            },
        ],
    }


def _story(row: StoryRow) -> dict[str, Any]:
    hours, minutes = row.seconds_left // 3_600, row.seconds_left % 3_600 // 60
    left = gettext("{n} h left") if hours else gettext("{n} min left")
    return {"row": row, "left": left.format(n=hours or max(1, minutes)) if row.live else ""}


def _job(job: Activity) -> dict[str, Any]:
    state = gettext("running") if job.runs_now else gettext(STATES[job.state])
    return {"job": job, "every": metric_words.every(job.cadence_s), "state": state, "is_active": job.state == "active"}


def _capped() -> str:
    said = gettext("Only the newest {n} comments with these words are searched.")
    return said.format(n=numbers.exact(MOST_SEARCHED))


def _reads(request: Any, kind: str) -> str:
    """Whether the workspace's plan reads this at all, and how often, for what stands where nothing is yet."""
    cadence = limits_of(request.tenant).cadences.get(kind)
    name = gettext(FetchJob.Kind(kind).label)
    if cadence is None:
        return gettext("{kind}: not part of this workspace’s plan. A larger plan reads them.").format(kind=name)
    said = gettext("{kind}: read {how_often}; they appear here after the first reading.")
    return said.format(kind=name, how_often=metric_words.every(cadence))
