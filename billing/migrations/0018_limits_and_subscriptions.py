import django.core.validators
from django.db import migrations, models

import billing.models.plans
import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity

START = {
    "free": {"features": ["exports", "own_key"], "history_days": 365},
    "pro": {"features": ["exports", "api", "own_key"], "history_days": None},
    "enterprise": {"features": ["exports", "api", "own_key"], "history_days": None},
}
EVERYTHING = ["exports", "api", "own_key"]

#: Whoever is here already has had its plan since it came, at today's price; a trial pays nothing.
BEGIN = """
    INSERT INTO subscriptions (tenant_id, plan, price_cents, starts_on)
    SELECT t.id, t.plan, CASE WHEN t.state = 'trial' THEN 0 ELSE p.price_cents END,
           (t.created_at AT TIME ZONE 'UTC')::date
      FROM tenants t JOIN plans p ON p.code = t.plan
     WHERE NOT EXISTS (SELECT FROM subscriptions s WHERE s.tenant_id = t.id)
"""


def set_features(apps, schema_editor):
    # What no plan could refuse until now, no plan that somebody made refuses from now on.
    for plan in apps.get_model("billing", "Plan").objects.all():
        values = START.get(plan.code, {"features": EVERYTHING, "history_days": plan.history_days})
        plan.features = plan.features or values["features"]
        plan.history_days = plan.history_days or values["history_days"]
        plan.save(update_fields=["features", "history_days"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_seats_that_wait"), ("billing", "0017_days_of_the_rollup")]

    operations = [
        migrations.RemoveField(model_name="plan", name="chart_days"),
        migrations.AlterField(
            model_name="plan",
            name="cadences",
            field=models.JSONField(
                default=dict,
                help_text='Seconds by kind of job: {"profile": 86400, "posts": 86400}. A kind that is missing is not in the'
                " plan.",
                validators=[billing.models.plans.check_cadences],
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="features",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="What else is in the plan, a list of some of: exports, api, own_key.",
                validators=[billing.models.plans.check_features],
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="history_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How far back growth, comparisons and their files go, days. Empty: all that is kept. Nothing is"
                " dropped.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.CreateModel(
            name="PlanExcess",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(help_text="accounts or seats.", max_length=20)),
                ("since", models.DateField()),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={"db_table": "plan_excesses"},
        ),
        EnableRowSecurity("PlanExcess"),
        migrations.RunPython(set_features, migrations.RunPython.noop),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
