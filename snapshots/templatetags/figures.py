"""Values of metrics for templates: by their unit, with what they are made of on hover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from snapshots.analytics.all_posts import FoundPost
from snapshots.analytics.deltas import Delta
from snapshots.analytics.metrics import METRICS, Metric, Value
from snapshots.analytics.posts import PostRow
from snapshots.analytics.uplift import Uplift
from snapshots.web.metric_words import Tip, counted, in_full, in_unit, interval
from tikdash.templatetags.ui import age, exact_utc, icon, number_in, when
from tikdash.ui import numbers
from tikdash.ui.styles import style
from tikdash.words import gettext, language, ngettext

register = template.Library()

WIDTH = 100


def _no_number(reason: str) -> SafeString:
    words = '<span class="nil" title="{0}">{1}<span class="vh">{2}: {0}</span></span>'
    return format_html(words, reason, numbers.NONE, gettext("no number"))


@register.simple_tag
def figure(value: Value) -> SafeString:
    """`6.16 %` with sample size and time on hover; a dash with its reason where there is none."""
    if value.value is None:
        return _no_number(value.reason)
    if value.metric_id == "follower_growth":
        text = numbers.signed_percent(value.value)
    else:
        text = in_unit(value.value, value.metric)
    facts = [in_full(value.value, value.metric), f"n = {value.n}"]
    if value.as_of:
        facts.append(gettext("as of {time}").format(time=exact_utc(value.as_of)))
    if value.state != "ok":
        facts.append(gettext("some counters are missing") if value.state == "missing" else gettext("rounded upstream"))
    return format_html('<span title="{}">{}</span>', ", ".join(facts), text)


@register.simple_tag
def day_rows(days: Sequence[Delta]) -> SafeString:
    """The rows of the table below the growth chart: day, value, change. In one go, because the template engine takes
    half of the page's time for them."""
    none_before = f'<span class="nil">–<span class="vh">{escape(gettext("no earlier number"))}</span></span>'
    reasons = {"missing": escape(gettext("no number"))}
    doubtful = escape(gettext("doubtful, kept aside"))
    marks, rows = style(), []
    group = marks.group
    for day in days:
        if (moved := day.change) is not None:
            change = f"{'+' if moved > 0 else numbers.MINUS if moved < 0 else ''}{abs(moved):,}".replace(",", group)
            if day.over_days is not None and day.over_days > 1:
                over = ngettext("over %(n)s day", "over %(n)s days", day.over_days) % {"n": day.over_days}
                change += f' <span class="mut">{escape(over)}</span>'
        elif day.value is not None:
            change = none_before
        else:
            change = f'<span class="mut">{reasons.get(day.state, doubtful)}</span>'
        value = numbers.exact(day.value) if day.value is None or day.value < 0 else f"{day.value:,}".replace(",", group)
        on = day.day
        first = marks.first if on.day == 1 else on.day
        rows.append(
            f'<tr><th scope="row">{first} {marks.months[on.month - 1]} {on.year}</th><td class="num">{value}</td>'
            f'<td class="num">{change}</td></tr>'
        )
    return mark_safe("".join(rows))  # noqa: S308  (numbers and dates; words are escaped)


@register.simple_tag
def post_cells(row: FoundPost | PostRow, columns: Sequence[Mapping[str, Any]]) -> SafeString:
    """The cells of a post behind its title, in one go: a page of a long list has hundreds of them."""
    post, rate = (row.post, row.er) if isinstance(row, FoundPost) else (row, None)
    marks, cells = style(), []
    for column in columns:
        key, title, text = column["key"], "", ""
        if key == "posted_at":
            text = str(age(post.posted_at, post.age_text))
        elif (value := rate if key == "er" else getattr(post, key)) is None:
            text = f'<span class="nil">{numbers.NONE}<span class="vh">{escape(gettext("no number"))}</span></span>'
        elif key == "er":
            text = numbers.percent(value)
        else:
            text, exact = numbers.short(value, marks), numbers.exact(value, marks)
            if text != exact:
                title = f' title="{exact}"'
        classes = f"col-{key}{' num' if column['numeric'] else ''}{' sorted' if column['active'] else ''}"
        cells.append(f'<td role="cell" class="{classes}"{title}>{text}</td>')
    return mark_safe("".join(cells))  # noqa: S308  (numbers and times; words are escaped)


@register.simple_tag
def curve_rows(rows: Sequence[Mapping[str, Any]], has_own: bool) -> SafeString:
    """The rows of the table below a curve, in one go: age, the post's own views, the usual ones with their middle."""
    between, too_few = gettext("%(low)s to %(high)s"), escape(gettext("too few posts"))
    marks, lines = style(), []
    for row in rows:
        usual = row["usual"]
        middle = f'<span class="nil">{too_few}</span>'
        if usual.median is not None:
            middle = between % {"low": number_in(usual.low, marks), "high": number_in(usual.high, marks)}
        own = f'<td class="num">{number_in(row["own"], marks)}</td>' if has_own else ""
        lines.append(
            f'<tr><th scope="row">{escape(row["age"])}</th>{own}<td class="num">{number_in(usual.median, marks)}</td>'
            f'<td class="num">{middle}</td><td class="num">{usual.n}</td></tr>'
        )
    return mark_safe("".join(lines))  # noqa: S308  (numbers; words are ours, or escaped)


@register.simple_tag
def tip(shown: Tip, label: str = "") -> SafeString:
    """The button that opens what a number means: its definition, of how much it is made and when that was read."""
    metric, as_of = shown.metric, shown.as_of
    read = format_html("{}, {}", when(as_of), exact_utc(as_of)) if as_of else gettext("not read yet")
    meaning = gettext("What “%(name)s” means") % {"name": label or gettext(metric.name)}
    return format_html(
        '<details class="tip" data-menu><summary aria-label="{}" title="{}">{}</summary><div class="tip-box">'
        '<p class="tip-name">{}</p><dl>{}<div><dt>{}</dt><dd>{}</dd></div><div><dt>{}</dt><dd>{}</dd></div>'
        "<div><dt>{}</dt><dd>{}</dd></div></dl>{}</div></details>",
        meaning,
        gettext(metric.formula),
        icon("info", 16),
        gettext(metric.name),
        _tip_facts(metric.id, language()),
        gettext("Sample"),
        shown.sample,
        gettext("As of"),
        read,
        gettext("Version"),
        gettext("%(id)s, version %(version)s") % {"id": metric.id, "version": metric.version},
        format_html('<p class="tip-more">{}</p>', shown.more) if shown.more else "",
    )


@lru_cache(maxsize=256)
def _tip_facts(metric_id: str, _: str) -> SafeString:
    metric = METRICS[metric_id]
    facts = [(gettext("Formula"), metric.formula), (gettext("Denominator"), metric.denominator)]
    facts.append((gettext("Window"), metric.window))
    return format_html_join(
        "", "<div><dt>{}</dt><dd>{}</dd></div>", ((name, gettext(fact)) for name, fact in facts if fact)
    )


@register.filter
def as_percent(ratio: float | None) -> str:
    """A ratio as `6.16 %`; a dash for none."""
    return numbers.percent(ratio)


@register.simple_tag
def uplift_figure(found: Uplift) -> SafeString:
    """`+51 %` with its interval below; a dash with its reason where there is none."""
    if found.value is None:
        return _no_number(found.reason)
    sure = found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
    way = "flat" if not sure else "up" if found.value > 0 else "down"
    return format_html(
        '<span class="change {}" title="{}">{}</span><span class="below">{}</span>',
        way,
        gettext("{posts} with it, {n} without").format(posts=counted(found.n_with, "post"), n=found.n_without),
        numbers.signed_percent(found.value),
        interval(found.low, found.high, signed=True),
    )


@register.simple_tag
def bar(share: float | None, place: int) -> SafeString:
    """A bar as long as the share, in the colour of the line `place`; the number stands beside it."""
    width = f"{round(max(0.0, min(1.0, share or 0)) * WIDTH, 2):g}"
    return format_html(
        '<svg class="bar" viewBox="0 0 {0} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="line-{1}" width="{2}" height="10"/></svg>',
        WIDTH,
        place,
        width,
    )


@register.simple_tag
def defined(metric_id: str) -> SafeString:
    """The name of a metric with its definition on hover."""
    metric = METRICS[metric_id]
    return format_html('<span class="defined" title="{}">{}</span>', definition(metric), gettext(metric.name))


@register.filter
def definition(metric: Metric) -> str:
    """Formula, denominator, window and version in one line, in the reader's language."""
    per = gettext("; per {denominator}").format(denominator=gettext(metric.denominator)) if metric.denominator else ""
    said = gettext("{formula}{per}; {window}; version {version}")
    return said.format(formula=gettext(metric.formula), per=per, window=gettext(metric.window), version=metric.version)
