import django.contrib.postgres.fields
from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity

MINE = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint"
#: What is stopped is gone for its tenant, whichever statement looks. Both terms are plain, so indexes serve as before.
HIDE_STOPPED = migrations.RunSQL(
    f"ALTER POLICY tenant ON accounts USING ({MINE} AND removed_at IS NULL)",
    f"ALTER POLICY tenant ON accounts USING ({MINE})",
)


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0015_details_of_posts")]

    operations = [
        migrations.AddField(
            model_name="trackedaccount",
            name="removed_at",
            field=models.DateTimeField(
                help_text="When somebody stopped tracking it; deleted some minutes later.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="trackedaccount",
            index=models.Index(
                condition=models.Q(("removed_at__isnull", False)), fields=["removed_at"], name="accounts_removed"
            ),
        ),
        HIDE_STOPPED,
        migrations.CreateModel(
            name="ImportBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                ("token", models.UUIDField()),
                ("rows", models.JSONField(default=list)),
                ("wanted", models.IntegerField(help_text="Rows of the list.")),
                ("begun", models.IntegerField(help_text="Rows that a check was made for.")),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "import_batches",
                "ordering": ["-created_at"],
                "constraints": [models.UniqueConstraint(fields=("tenant", "token"), name="import_batches_once")],
            },
        ),
        migrations.CreateModel(
            name="Removal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                (
                    "account_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("created_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "removals",
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["tenant", "-created_at"], name="removals_newest")],
            },
        ),
        EnableRowSecurity("ImportBatch"),
        EnableRowSecurity("Removal"),
    ]
