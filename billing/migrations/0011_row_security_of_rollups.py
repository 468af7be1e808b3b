from django.db import migrations

from tikdash.db.rls import EnableRowSecurity

TABLES = [
    "UsageDaily", "UsageSaved", "UsageCorrection", "CreditGrant", "Invoice", "TenantBudget", "BudgetRefusal",
    "Subscription", "AlertChannel", "UsageAlert", "AlertDelivery",
]  # fmt: skip

ADD = """
    ALTER TABLE subscriptions ADD CONSTRAINT subscriptions_no_overlap
    EXCLUDE USING gist (int8range(tenant_id, tenant_id, '[]') WITH &&, daterange(starts_on, ends_on) WITH &&)
"""
REMOVE = "ALTER TABLE subscriptions DROP CONSTRAINT subscriptions_no_overlap"


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_rollups_packs_budgets_alerts")]

    operations = [*[EnableRowSecurity(name) for name in TABLES], migrations.RunSQL(ADD, REMOVE)]
