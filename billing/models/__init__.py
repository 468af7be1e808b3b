from billing.models.alerts import AlertChannel, AlertDelivery, UsageAlert
from billing.models.budgets import BudgetRefusal, PlanExcess, PlatformBudget, Subscription, TenantBudget
from billing.models.capacity import CapacityFeature, CapacityScenario, CapacityTable, CapacityTier, QuarterPlan
from billing.models.pace import KeyPace
from billing.models.packs import CreditGrant, CreditPack, Invoice
from billing.models.plans import Plan
from billing.models.raises import LimitRaise
from billing.models.usage import (
    LateUsage,
    UsageCorrection,
    UsageDaily,
    UsageEvent,
    UsageFill,
    UsageHourly,
    UsageRecordRow,
    UsageSaved,
)
from billing.models.watching import QueueSample, TableSample, WatchState

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "BudgetRefusal",
    "CapacityFeature",
    "CapacityScenario",
    "CapacityTable",
    "CapacityTier",
    "CreditGrant",
    "CreditPack",
    "Invoice",
    "KeyPace",
    "LateUsage",
    "LimitRaise",
    "Plan",
    "PlanExcess",
    "PlatformBudget",
    "QuarterPlan",
    "QueueSample",
    "Subscription",
    "TableSample",
    "TenantBudget",
    "UsageAlert",
    "UsageCorrection",
    "UsageDaily",
    "UsageEvent",
    "UsageFill",
    "UsageHourly",
    "UsageRecordRow",
    "UsageSaved",
    "WatchState",
]
