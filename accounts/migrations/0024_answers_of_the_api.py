from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity


class Migration(migrations.Migration):
    dependencies = [("accounts", "0023_exports")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                ("token_id", models.BigIntegerField()),
                ("key_hash", models.CharField(help_text="SHA-256 of the Idempotency-Key.", max_length=64)),
                ("fingerprint", models.CharField(help_text="SHA-256 of address and body.", max_length=64)),
                ("status", models.SmallIntegerField()),
                ("answer", models.TextField(help_text="Sealed.")),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "api_answers",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "token_id", "key_hash"), name="api_answers_once")
                ],
            },
        ),
        EnableRowSecurity("KeptAnswer"),
    ]
