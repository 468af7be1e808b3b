import django.db.models.deletion
from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0017_posts_by_rate_and_words")]

    operations = [
        migrations.AddField(
            model_name="post",
            name="returned_at",
            field=models.DateTimeField(help_text="When it last came back.", null=True),
        ),
        migrations.AddField(
            model_name="post",
            name="was_gone_at",
            field=models.DateTimeField(
                help_text="Of one that came back: when it had been found to be gone.", null=True
            ),
        ),
        migrations.CreateModel(
            name="AccountNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="snapshots.trackedaccount",
                    ),
                ),
                ("day", models.DateField()),
                ("text", models.CharField(max_length=280)),
                ("author", models.CharField(help_text="The e-mail address of who wrote it.", max_length=254)),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "account_notes",
                "ordering": ["-day", "-id"],
                "indexes": [models.Index(fields=["tenant", "account", "-day", "-id"], name="account_notes_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="account_notes_say_something"
                    )
                ],
            },
        ),
        EnableRowSecurity("AccountNote"),
    ]
