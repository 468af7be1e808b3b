from billing.models.plans import Plan
from billing.models.usage import UsageEvent, UsageRecordRow

__all__ = ["Plan", "UsageEvent", "UsageRecordRow"]
