import django.db.models.deletion
from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity

STATES = [
    (0, "ok"),
    (1, "missing"),
    (2, "zeroed"),
    (3, "negative"),
    (4, "rounded"),
    (5, "regressed"),
    (6, "spike"),
    (7, "rejected"),
]


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0011_search_of_comments")]

    operations = [
        *(
            migrations.AlterField(
                model_name=name, name="state", field=models.SmallIntegerField(choices=STATES, default=0)
            )
            for name in ("accountsnapshot", "postsnapshot", "accountreading", "postreading")
        ),
        migrations.CreateModel(
            name="ValueDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="snapshots.trackedaccount",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="snapshots.post",
                    ),
                ),
                ("captured_on", models.DateField()),
                ("counter", models.CharField(max_length=20)),
                ("value", models.BigIntegerField()),
                ("state", models.SmallIntegerField(choices=STATES)),
                (
                    "decision",
                    models.CharField(choices=[("accepted", "Accepted"), ("rejected", "Rejected")], max_length=8),
                ),
                ("reason", models.CharField(max_length=400)),
                (
                    "decided_by",
                    models.CharField(help_text="Who it was: an e-mail address, or the command line.", max_length=254),
                ),
                ("decided_at", models.DateTimeField()),
            ],
            options={"db_table": "value_decisions", "ordering": ["-decided_at"]},
        ),
        migrations.AddIndex(
            model_name="valuedecision",
            index=models.Index(fields=["tenant", "account", "-decided_at"], name="value_decisions_account"),
        ),
        EnableRowSecurity("ValueDecision"),
    ]
