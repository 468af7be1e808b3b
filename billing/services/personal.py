"""Billing holds nothing of people at TikTok: which of its tables hold what instead."""

from __future__ import annotations

from accounts.services.personal import Kind

_LEDGER = "numbers of a workspace, an endpoint and credits: neither whom nor what was asked"
_OURS = "plans, budgets and capacity of the deployment"
_SPENDING = "about what a workspace spends"

KINDS: tuple[Kind, ...] = ()
WITHOUT = {
    "billing.AlertChannel": "an address of the customer's, erased with the workspace",
    "billing.AlertDelivery": _SPENDING,
    "billing.BudgetRefusal": _SPENDING,
    "billing.CapacityFeature": _OURS,
    "billing.CapacityScenario": _OURS,
    "billing.CapacityTable": _OURS,
    "billing.CapacityTier": _OURS,
    "billing.CreditGrant": "amounts, and a note for the customer",
    "billing.CreditPack": _OURS,
    "billing.Invoice": "amounts and counts; of an erased workspace without its name",
    "billing.KeyPace": _OURS,
    "billing.LateUsage": _LEDGER,
    "billing.LimitRaise": "a larger number, and a reason for the customer",
    "billing.Plan": _OURS,
    "billing.PlatformBudget": _OURS,
    "billing.QuarterPlan": _OURS,
    "billing.QueueSample": _OURS,
    "billing.Subscription": "plan and price of a workspace",
    "billing.TableSample": _OURS,
    "billing.PlanExcess": _SPENDING,
    "billing.TenantBudget": _SPENDING,
    "billing.UsageAlert": _SPENDING,
    "billing.UsageCorrection": "credits, and a reason for the customer",
    "billing.UsageDaily": _LEDGER,
    "billing.UsageEvent": _LEDGER,
    "billing.UsageFill": _LEDGER,
    "billing.UsageHourly": _LEDGER,
    "billing.UsageRecordRow": _LEDGER,
    "billing.UsageSaved": _LEDGER,
    "billing.WatchState": _OURS,
}
