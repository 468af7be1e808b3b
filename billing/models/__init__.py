from billing.models.pace import KeyPace
from billing.models.plans import Plan
from billing.models.usage import UsageEvent, UsageRecordRow

__all__ = ["KeyPace", "Plan", "UsageEvent", "UsageRecordRow"]
