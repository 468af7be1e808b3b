import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tikdash.db.rls


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0022_who_may_mark_outages"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="What it is about, where that is not the workspace.", max_length=40
                    ),
                ),
                ("parameters", models.JSONField(default=dict)),
                (
                    "asked_label",
                    models.CharField(blank=True, help_text="Who asked, as people are shown it.", max_length=254),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Being made"),
                            ("ready", "Ready"),
                            ("failed", "Failed"),
                            ("cancelled", "Called off"),
                            ("expired", "Deleted"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("done", models.IntegerField(default=0)),
                ("total", models.IntegerField(default=0, help_text="0 while nobody knows.")),
                ("size", models.BigIntegerField(default=0)),
                (
                    "file",
                    models.CharField(blank=True, help_text="Its name in the private storage.", max_length=160),
                ),
                ("error", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(blank=True, null=True, to="accounts.tenant")),
            ],
            options={
                "db_table": "exports",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["tenant", "-created_at"], name="exports_tenant"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=["created_at"],
                        name="exports_open",
                    ),
                    models.Index(
                        condition=models.Q(("file", ""), _negated=True), fields=["expires_at"], name="exports_files"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=("tenant", "kind", "subject"),
                        name="exports_one_at_a_time",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        tikdash.db.rls.EnableRowSecurity("Export"),
    ]
