"""Lists that are computed, not read: their rows travel to PostgreSQL as JSON and come back through the same COPY."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from snapshots.analytics.attention import Notice
from snapshots.analytics.breakout import Breakout
from snapshots.analytics.compare import Comparison, ShareOfVoice
from snapshots.analytics.engagement import Summary
from snapshots.analytics.hashtags import HashtagRow
from snapshots.analytics.metrics import METRICS
from snapshots.analytics.overview import Mover
from snapshots.analytics.sounds import SoundRow
from snapshots.exports.sheet import Column, Kind, Sheet
from tikdash.words import N_, gettext

TYPES: dict[Kind, str] = {
    "text": "text", "id": "text", "number": "numeric", "fraction": "numeric", "date": "date", "time": "timestamptz",
}  # fmt: skip

SHARES = {
    "plays": N_("Share of voice: views"),
    "engagement": N_("Share of voice: engagement"),
    "posts": N_("Share of voice: posts"),
}
USE = (
    Column("posts", N_("Posts"), "r.posts", "number", note=N_("Posts of the last 90 days, by post date.")),
    Column("accounts", N_("Accounts"), "r.accounts", "number"),
    Column("views", N_("Views"), "r.views", "number", "plays", note=N_("Sum over the posts that are a day old.")),
    Column("views_median", N_("Median views"), "r.views_median", "number", "views_median"),
    Column("views_n", N_("Posts a day old"), "r.views_n", "number"),
    Column("uses_14d", N_("Posts, 14 days"), "r.uses_14d", "number"),
    Column("uses_14d_before", N_("Posts, 14 days before"), "r.uses_14d_before", "number"),
    Column("uplift", N_("Uplift"), "r.uplift", "fraction", "uplift"),
    Column("uplift_low", N_("Uplift, low"), "r.uplift_low", "fraction", note=N_("Interval of 95 %.")),
    Column("uplift_high", N_("Uplift, high"), "r.uplift_high", "fraction", note=N_("Interval of 95 %.")),
    Column("uplift_n", N_("Posts with it that count"), "r.uplift_n", "number"),
    Column("uplift_reason", N_("Why there is no uplift"), "r.uplift_reason"),
    Column("first_handle", N_("First used by"), "r.first_handle"),
    Column("first_at", N_("First used"), "r.first_at", "time"),
    Column("as_of", N_("As of"), "r.as_of", "time", note=N_("When the newest counter in it was read.")),
)
HASHTAGS = (
    Column("hashtag", N_("Hashtag"), "r.hashtag"),
    *USE,
    Column("tiktok_views", N_("Views on TikTok"), "r.tiktok_views", "number"),
    Column("tiktok_users", N_("Users on TikTok"), "r.tiktok_users", "number"),
    Column("tiktok_as_of", N_("TikTok’s numbers as of"), "r.tiktok_as_of", "time"),
)
SOUNDS = (
    Column("sound_id", N_("Sound id"), "r.sound_id", "id"),
    Column("title", N_("Title"), "r.title"),
    Column("artist", N_("Artist"), "r.artist"),
    Column("original", N_("Original"), "r.original"),
    *USE,
    Column("tiktok_videos", N_("Videos on TikTok"), "r.tiktok_videos", "number"),
    Column("tiktok_as_of", N_("TikTok’s number as of"), "r.tiktok_as_of", "time"),
)
MOVERS = (
    Column("handle", N_("Handle"), "r.handle"),
    Column("nickname", N_("Name"), "r.nickname"),
    Column("followers", N_("Followers"), "r.followers", "number", "followers"),
    Column("change", N_("Change"), "r.change", "number", note=N_("By capture date.")),
    Column("follower_growth", N_("Growth"), "r.follower_growth", "fraction", "follower_growth"),
    Column("days", N_("Days"), "r.days", "number", note=N_("Between the two readings.")),
    Column("as_of", N_("As of"), "r.as_of", "time"),
)
BREAKOUTS = (
    Column("handle", N_("Handle"), "r.handle"),
    Column("post_id", N_("Post id"), "r.post_id", "id"),
    Column("title", N_("Title"), "r.title"),
    Column("posted_at", N_("Posted"), "r.posted_at", "time"),
    Column("reached_at", N_("Broke out"), "r.reached_at", "time"),
    Column(
        "multiple", N_("Multiple"), "r.multiple", "number", note=N_("Views over the median of the account at that age.")
    ),
    Column(
        "level",
        N_("Level"),
        "r.level",
        "number",
        note=N_("3, 5, 10 or 25; 0 where only the rule of late growth holds."),
    ),
    Column("age_hours", N_("Age, hours"), "r.age_hours", "number"),
    Column("plays", N_("Views"), "r.plays", "number", "plays"),
    Column("usual", N_("Usual views"), "r.usual", "number"),
    Column("n", N_("Posts compared with"), "r.n", "number"),
    Column("like_rate", N_("Like rate"), "r.like_rate", "fraction"),
    Column("reason", N_("Reason"), "r.reason"),
    Column("as_of", N_("As of"), "r.as_of", "time"),
)
NOTICES = (
    Column("kind", N_("Kind"), "r.kind"),
    Column("handle", N_("Handle"), "r.handle"),
    Column("sentence", N_("What"), "r.sentence"),
    Column("since", N_("Since"), "r.since", "time"),
)
SERIES = (
    Column("date", N_("Date (UTC)"), "r.date", "date"),
    Column("handle", N_("Handle"), "r.handle"),
    Column("value", N_("Value"), "r.value", "number", note=N_("Empty: no sound value that day.")),
)


def rows_sheet(
    title: str,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[dict[str, Any]],
    *,
    as_of: datetime | None,
    filters: Sequence[tuple[str, str]] = (),
) -> Sheet:
    """A sheet of rows that are here already; each has values by the keys of the columns, in their order."""
    names = ", ".join(f'"{column.key}" {TYPES[column.kind]}' for column in columns)
    keys = ", ".join(f'"{column.key}"' for column in columns)
    source = f"FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS ({names})) WITH ORDINALITY AS r({keys}, place)"
    return Sheet(
        title, name, columns, f"{source} ORDER BY r.place", [orjson.dumps(list(rows)).decode()], as_of, list(filters)
    )


def hashtags_sheet(title: str, name: str, rows: Sequence[HashtagRow], filters: Sequence[tuple[str, str]]) -> Sheet:
    """Hashtags in the order of their page."""
    told = [
        {"hashtag": f"#{row.shown}"}
        | _use(row)
        | {"tiktok_views": row.view_count, "tiktok_users": row.user_count, "tiktok_as_of": row.counted_at}
        for row in rows
    ]
    return rows_sheet(title, name, HASHTAGS, told, as_of=_newest(row.use.as_of for row in rows), filters=filters)


def sounds_sheet(title: str, name: str, rows: Sequence[SoundRow], filters: Sequence[tuple[str, str]]) -> Sheet:
    """Sounds in the order of their page."""
    told = [
        {
            "sound_id": row.music_id,
            "title": row.title,
            "artist": row.author,
            "original": "" if row.original is None else "yes" if row.original else "no",
        }
        | _use(row)
        | {"tiktok_videos": row.video_count, "tiktok_as_of": row.counted_at}
        for row in rows
    ]
    return rows_sheet(title, name, SOUNDS, told, as_of=_newest(row.use.as_of for row in rows), filters=filters)


def movers_sheet(workspace: str, movers: Sequence[Mover], filters: Sequence[tuple[str, str]]) -> Sheet:
    """Accounts whose followers moved, who grew most first."""
    told = [
        {
            "handle": one.member.handle, "nickname": one.member.nickname, "followers": one.member.followers,
            "change": one.change, "follower_growth": round(one.ratio, 6), "days": one.days, "as_of": one.member.as_of,
        }
        for one in movers
    ]  # fmt: skip
    as_of = _newest(one.member.as_of for one in movers)
    return rows_sheet(
        gettext("Movers of {workspace}").format(workspace=workspace),
        "movers",
        MOVERS,
        told,
        as_of=as_of,
        filters=filters,
    )


def breakouts_sheet(workspace: str, found: Sequence[Breakout], filters: Sequence[tuple[str, str]]) -> Sheet:
    """Posts that ran ahead, with the reason, as on the overview."""
    told = [
        {
            "handle": one.handle, "post_id": one.aweme_id, "title": one.title, "posted_at": one.posted_at,
            "reached_at": one.reached_at, "multiple": one.multiple and round(one.multiple, 2), "level": one.level,
            "age_hours": one.age and round(one.age.total_seconds() / 3600, 1), "plays": one.plays, "usual": one.usual,
            "n": one.n, "like_rate": one.like_rate and round(one.like_rate, 6), "reason": one.text, "as_of": one.as_of,
        }
        for one in found
    ]  # fmt: skip
    as_of = _newest(one.as_of for one in found)
    return rows_sheet(
        gettext("Breakouts of {workspace}").format(workspace=workspace),
        "breakouts",
        BREAKOUTS,
        told,
        as_of=as_of,
        filters=filters,
    )


def attention_sheet(workspace: str, notices: Sequence[Notice], filters: Sequence[tuple[str, str]]) -> Sheet:
    """What needs attention, the weightiest first."""
    told = [{"kind": one.kind, "handle": one.handle, "sentence": one.sentence, "since": one.since} for one in notices]
    as_of = _newest(one.since for one in notices)
    return rows_sheet(
        gettext("Attention in {workspace}").format(workspace=workspace),
        "attention",
        NOTICES,
        told,
        as_of=as_of,
        filters=filters,
    )


def compare_sheet(
    handles: Sequence[str], summaries: Sequence[Summary], heard: ShareOfVoice, metric_ids: Sequence[str]
) -> Sheet:
    """A row an account: its metrics, of how many posts each is, why one has no value, and its shares of voice."""
    columns = [Column("handle", N_("Handle"), "r.handle")]
    for metric_id in metric_ids:
        metric = METRICS[metric_id]
        kind: Kind = "fraction" if metric.unit == "%" else "number"
        columns += [
            Column(metric_id, metric.name, f"r.{metric_id}", kind, metric_id),
            Column(f"{metric_id}_n", f"{gettext(metric.short)}: n", f"r.{metric_id}_n", "number"),
            Column(
                f"{metric_id}_reason",
                gettext("{metric}: why none").format(metric=gettext(metric.short)),
                f"r.{metric_id}_reason",
            ),
        ]
    parts = ("plays", "engagement", "posts")
    note = gettext("Of the last {days} days, by post date.").format(days=heard.days)
    columns += [
        Column(f"voice_{part}", SHARES[part], f"r.voice_{part}", "fraction", "share_of_voice",
               note=note)
        for part in parts
    ]  # fmt: skip
    told = []
    for handle, summary, voice in zip(handles, summaries, heard.voices, strict=True):
        row: dict[str, Any] = {"handle": handle}
        for metric_id in metric_ids:
            value = summary.values[metric_id]
            exact = value.value if value.value is None or isinstance(value.value, int) else round(value.value, 6)
            row |= {metric_id: exact, f"{metric_id}_n": value.n, f"{metric_id}_reason": value.reason}
        for part in parts:
            share = getattr(voice, part).value
            row[f"voice_{part}"] = None if share is None else round(share, 6)
        told.append(row)
    as_of = _newest(summary.values[metric_id].as_of for summary in summaries for metric_id in metric_ids)
    return rows_sheet(
        gettext("Comparison"), "compare", columns, told, as_of=as_of, filters=[("accounts", ", ".join(handles))]
    )


def series_sheet(shown: Comparison) -> Sheet:
    """The chart of a comparison: a row a day and account."""
    told = [
        {"date": day, "handle": line.handle, "value": value}
        for line in shown.lines
        for day, value in zip(shown.dates, line.values, strict=True)
    ]
    scale = gettext("100 on the first common day") if shown.indexed else gettext("absolute")
    return rows_sheet(
        gettext("{counter}, by capture date").format(counter=shown.label), "compare-series", SERIES, told,
        as_of=_newest(line.as_of for line in shown.lines), filters=[("number", shown.label), ("scale", scale)],
    )  # fmt: skip


def _use(row: HashtagRow | SoundRow) -> dict[str, Any]:
    use, uplift = row.use, row.use.uplift
    exact = {
        name: value and round(value, 6) for name, value in vars(uplift).items() if name in ("value", "low", "high")
    }
    return {
        "posts": use.posts, "accounts": use.accounts, "views": use.views, "views_median": use.median_views,
        "views_n": use.n_views, "uses_14d": use.uses_14d, "uses_14d_before": use.uses_14d_before,
        "uplift": exact["value"], "uplift_low": exact["low"], "uplift_high": exact["high"],
        "uplift_n": uplift.n_with, "uplift_reason": uplift.reason,
        "first_handle": use.first.handle if use.first else "", "first_at": use.first.at if use.first else None,
        "as_of": use.as_of,
    }  # fmt: skip


def _newest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)
