"""What billing shows and does on a tenant's page of the administration: credits, limits, cost; plan and raises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django import forms
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.selectors import TenantRef
from accounts.services.changing import change_plan
from accounts.tenant_page import BAD, LONGEST_REASON, WARN, Asked, Fact, Panel, TenantAction
from billing.models import LimitRaise, Plan
from billing.models.packs import amount
from billing.selectors import margin_of, usage_of_month
from billing.services.limits import limits
from billing.services.raises import open_raises, raise_limit
from billing.services.usage import outlook
from tikdash import clock
from tikdash.db.scope import tenant_scope

TONES = {"fine": "", "near": WARN, "at": WARN, "grace": WARN, "paused": BAD}
MOST_PARTS = 6


def panels(tenant: TenantRef) -> list[Panel]:
    """Credits of the month, limits with what was raised, and what the tenant pays and costs."""
    return [_credits(tenant), _limits(tenant), _margin(tenant)] if tenant.state != "erased" else []


def _credits(tenant: TenantRef) -> Panel:
    with tenant_scope(tenant):
        usage = usage_of_month(clock.today())
        ahead = outlook(tenant, usage)
    month, today = ahead.month, ahead.today
    facts = [Fact("Today", _part(usage.today, today.limit if today else None))]
    if month is None or month.limit is None:
        facts.append(Fact("This month", _part(usage.month, None)))
    else:
        share = usage.month / month.limit
        tone = BAD if share >= 0.9 else WARN if share >= 0.7 else ""
        facts.append(Fact("This month", f"{_part(usage.month, month.limit)} ({share:.0%})", tone))
    if ahead.forecast is None:
        facts.append(Fact("Forecast", ahead.no_forecast or "unknown"))
    else:
        expected = round(ahead.forecast.total.expected)
        is_over = month is not None and month.limit is not None and expected > month.limit
        facts.append(Fact("Forecast", f"{expected:,} by the month’s end", WARN if is_over else ""))
    if usage.refused:
        last = usage.refused[0]
        facts.append(Fact("Refused last", f"{last.day}: {last.calls:,} calls of {last.feature}. {last.sentence}", BAD))
    return Panel(
        "Credits",
        tuple(facts),
        ("Feature", "Requests", "Credits", "Share"),
        tuple(
            (one.name, f"{one.requests:,}", f"{one.credits:,}", f"{one.percent} %")
            for one in usage.by_feature[:MOST_PARTS]
        ),
        nothing="Nothing was spent this month.",
        link=f"{reverse('admin:billing_usagerecordrow_changelist')}?q={tenant.slug}",
        permission="billing.view_usagerecordrow",
    )


def _limits(tenant: TenantRef) -> Panel:
    with tenant_scope(tenant):
        standings = [one for one in limits.standings(tenant) if one.limit is not None]
    raised = open_raises(tenant.id)
    return Panel(
        f"Plan {tenant.plan}",
        tuple(Fact(one.label, f"{one.used:,} of {one.limit:,}", TONES[one.state]) for one in standings),
        ("Raised", "To", "Until", "Why"),
        tuple((row.get_name_display(), f"{row.value:,}", f"{row.until}", row.reason) for row in raised),
        link=f"{reverse('admin:billing_limitraise_changelist')}?q={tenant.slug}" if raised else "",
        permission="billing.view_plan",
    )


def _margin(tenant: TenantRef) -> Panel:
    found = margin_of(tenant.id)
    is_loss = found.price_cents < found.cost_cents
    return Panel(
        "Cost and margin",
        (
            Fact("Pays a month", found.pays),
            Fact("Credits of 30 days", f"{found.credits:,}"),
            Fact("They cost us", found.costs),
            Fact("Margin", found.margin, WARN if is_loss else ""),
        ),
        link=reverse("admin:billing_spending"),
        permission="billing.view_usagerecordrow",
    )


def _part(used: int, limit: int | None) -> str:
    return f"{used:,} credits" if limit is None else f"{used:,} of {limit:,} credits"


# --- actions ---------------------------------------------------------------------------------------------------------


class PlanForm(forms.Form):
    plan = forms.ChoiceField(widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(
        max_length=LONGEST_REASON, help_text="A sentence that the customer reads.", widget=UnfoldAdminTextInputWidget(),
        error_messages={"required": "Say why: the customer reads the reason."},
    )  # fmt: skip


def _plan_form(tenant: TenantRef) -> type[forms.Form]:
    offered = [(plan.code, _plan_words(plan)) for plan in Plan.objects.exclude(code=tenant.plan)]
    field = forms.ChoiceField(choices=offered, widget=UnfoldAdminSelectWidget())
    return type("PlanOfTenantForm", (PlanForm,), {"plan": field})


def _plan_words(plan: Plan) -> str:
    return f"{plan.name}: {plan.tracked_accounts:,} accounts, {plan.seats} seats, {amount(plan.price_cents)} a month"


def _plan_says(tenant: TenantRef) -> Sequence[str]:
    return [
        f"{tenant.name} has the plan “{tenant.plan}”. The new one counts from today on, on the bill, too; a trial"
        " becomes a customer by it.",
        "What a smaller plan has no room for goes on for its days of grace, then the newest pause. No row is deleted.",
    ]


def _change_plan(asked: Asked) -> str:
    changed = change_plan(tenant=asked.tenant, plan=asked.data["plan"], reason=asked.data["reason"])
    return f"The plan is “{changed.plan}” from today on."


class RaiseForm(forms.Form):
    name = forms.ChoiceField(label="Limit", choices=LimitRaise.Name.choices, widget=UnfoldAdminSelectWidget())
    value = forms.IntegerField(label="To", min_value=1, max_value=2**53, widget=UnfoldAdminIntegerFieldWidget())
    until = forms.DateField(
        help_text="The first day (UTC) on which the plan’s limit counts again.", widget=UnfoldAdminDateWidget()
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON, help_text="A sentence that the customer reads.", widget=UnfoldAdminTextInputWidget(),
        error_messages={"required": "Say why: the customer reads the reason."},
    )  # fmt: skip


def _raise_says(tenant: TenantRef) -> Sequence[str]:
    with tenant_scope(tenant):
        standings = [one for one in limits.standings(tenant) if one.limit is not None]
    until = clock.today() + timedelta(days=7)
    return [
        "Now: " + "; ".join(f"{one.label} {one.used:,} of {one.limit:,}" for one in standings) + ".",
        f"A raise ends by itself, a week from now is {until}. More credits are ours to pay on the shared key; the price"
        " of the plan stays.",
    ]


def _raise(asked: Asked) -> str:
    made = raise_limit(tenant=asked.tenant, made_by_id=asked.request.user.pk, **asked.data)
    return f"Raised. {made}."


ACTIONS = [
    TenantAction("plan", "Change the plan", "accounts.give_plan", _plan_says, _change_plan, _plan_form),
    TenantAction(
        "raise", "Raise a limit", "billing.add_limitraise", _raise_says, _raise, lambda tenant: RaiseForm
    ),
]  # fmt: skip
