from billing.models.alerts import AlertChannel, AlertDelivery, UsageAlert
from billing.models.budgets import BudgetRefusal, PlatformBudget, Subscription, TenantBudget
from billing.models.pace import KeyPace
from billing.models.packs import CreditGrant, CreditPack, Invoice
from billing.models.plans import Plan
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

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "BudgetRefusal",
    "CreditGrant",
    "CreditPack",
    "Invoice",
    "KeyPace",
    "LateUsage",
    "Plan",
    "PlatformBudget",
    "Subscription",
    "TenantBudget",
    "UsageAlert",
    "UsageCorrection",
    "UsageDaily",
    "UsageEvent",
    "UsageFill",
    "UsageHourly",
    "UsageRecordRow",
    "UsageSaved",
]
