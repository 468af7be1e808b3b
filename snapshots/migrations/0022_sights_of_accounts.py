from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0021_operators_search_and_retry")]

    operations = [
        migrations.CreateModel(
            name="AccountSight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                ("account_id", models.BigIntegerField()),
                ("gone_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "account_sights",
                "indexes": [models.Index(fields=["changed_at"], name="account_sights_old")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "account_id"), name="account_sights_once")],
            },
        ),
        EnableRowSecurity("AccountSight"),
    ]
