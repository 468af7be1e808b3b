from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="PausedKind",
            fields=[
                ("kind", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("reason", models.CharField(help_text="A sentence that customers read.", max_length=200)),
                ("paused_at", models.DateTimeField()),
            ],
            options={"db_table": "paused_kinds", "ordering": ["kind"]},
        ),
        migrations.AddConstraint(
            model_name="pausedkind",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="paused_kinds_reason"
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="fetching_paused_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="fetching_paused_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                editable=False,
                help_text="A sentence that the customer reads.",
                max_length=200,
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fetching_paused_at__isnull", True),
                    models.Q(("fetching_paused_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="tenants_pause_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(
                condition=models.Q(("fetching_paused_at__isnull", False)), fields=["id"], name="tenants_paused"
            ),
        ),
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(condition=models.Q(("key_mode", "own")), fields=["id"], name="tenants_own_key"),
        ),
    ]
