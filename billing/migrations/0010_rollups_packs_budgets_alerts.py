import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import tikdash.db.rls


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_pauses_of_fetching"),
        ("billing", "0009_early_readings_of_enterprise"),
    ]

    operations = [
        migrations.CreateModel(
            name="BudgetRefusal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant",
                        "day",
                        "feature",
                        "priority",
                        "cap",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("feature", models.CharField(max_length=40)),
                ("priority", models.CharField(max_length=12)),
                (
                    "cap",
                    models.CharField(
                        help_text="tenant_day, tenant_month, key_day, key_month, all_day, all_month.", max_length=20
                    ),
                ),
                ("calls", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("sentence", models.CharField(help_text="What the customer was told.", max_length=300)),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "budget_refusals",
                "indexes": [models.Index(fields=["day"], name="budget_refusals_day")],
            },
        ),
        migrations.CreateModel(
            name="CreditGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("pack", "Pack"), ("promotion", "Promotion"), ("amends", "Amends")],
                        default="pack",
                        max_length=10,
                    ),
                ),
                ("credits", models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                (
                    "price_cents",
                    models.PositiveBigIntegerField(default=0, help_text="What the tenant pays for it once, in cents."),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=200, help_text="The lower, the sooner used. The plan's own credits of a month have 100."
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "expires_on",
                    models.DateField(
                        blank=True, help_text="First day on which it counts no longer. Empty: never.", null=True
                    ),
                ),
                ("note", models.CharField(blank=True, help_text="The customer reads it.", max_length=200)),
                ("made_at", models.DateTimeField(editable=False)),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "credit_grants",
                "ordering": ["priority", models.OrderBy(models.F("expires_on"), nulls_last=True), "id"],
                "indexes": [models.Index(fields=["tenant", "starts_on"], name="credit_grants_tenant")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("credits__gte", 1)), name="credit_grants_credits"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on__isnull", True), ("expires_on__gt", models.F("starts_on")), _connector="OR"
                        ),
                        name="credit_grants_days",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditPack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.CharField(default="shared", max_length=40)),
                ("credits", models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ("price_cents", models.PositiveBigIntegerField(default=0, help_text="What the pack cost, in cents.")),
                ("bought_on", models.DateField()),
                (
                    "expires_on",
                    models.DateField(
                        blank=True, help_text="First day on which it counts no longer. Empty: never.", null=True
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "db_table": "credit_packs",
                "ordering": ["bought_on", "id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("credits__gte", 1)), name="credit_packs_credits"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on__isnull", True), ("expires_on__gt", models.F("bought_on")), _connector="OR"
                        ),
                        name="credit_packs_days",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="Its first day.")),
                ("number", models.CharField(max_length=30, unique=True)),
                ("issued_at", models.DateTimeField()),
                ("customer", models.CharField(max_length=120)),
                ("plan", models.CharField(max_length=60)),
                ("currency", models.CharField(max_length=3)),
                ("credits", models.BigIntegerField(help_text="Charged in the month, with corrections.")),
                ("total_cents", models.BigIntegerField()),
                (
                    "lines",
                    models.JSONField(
                        help_text="As printed: text, quantity, unit, cents; by day and endpoint for the CSV."
                    ),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "invoices",
                "ordering": ["-month"],
                "constraints": [models.UniqueConstraint(fields=("tenant", "month"), name="invoices_one_a_month")],
            },
        ),
        migrations.CreateModel(
            name="LateUsage",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
            ],
            options={
                "db_table": "usage_late",
            },
        ),
        migrations.CreateModel(
            name="PlatformBudget",
            fields=[
                (
                    "scope",
                    models.CharField(
                        default="deployment",
                        help_text="“deployment”, or the id of a key: “shared” is the platform's own.",
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "daily_credits",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "monthly_credits",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "reserve_percent",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Part of each cap that only refreshes and other critical work may use.",
                        validators=[django.core.validators.MaxValueValidator(50)],
                    ),
                ),
            ],
            options={
                "db_table": "platform_budgets",
                "ordering": ["scope"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("daily_credits__gte", 1)), name="platform_budgets_daily"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("monthly_credits__gte", 1)), name="platform_budgets_monthly"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserve_percent__lte", 50)), name="platform_budgets_reserve"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("daily_credits__lte", models.F("monthly_credits"))),
                        name="platform_budgets_day_in_month",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("plan", models.CharField(max_length=20)),
                ("price_cents", models.PositiveBigIntegerField(default=0, help_text="A month, in cents.")),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "subscriptions",
                "ordering": ["starts_on"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True), ("ends_on__gt", models.F("starts_on")), _connector="OR"
                        ),
                        name="subscriptions_days",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantBudget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "daily_credits",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "monthly_credits",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("extra_credits", models.BigIntegerField(default=0, editable=False)),
                ("extra_month", models.DateField(editable=False, null=True)),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "tenant_budgets",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant",), name="tenant_budgets_tenant"),
                    models.CheckConstraint(condition=models.Q(("daily_credits__gte", 1)), name="tenant_budgets_daily"),
                    models.CheckConstraint(
                        condition=models.Q(("monthly_credits__gte", 1)), name="tenant_budgets_monthly"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("daily_credits__lte", models.F("monthly_credits"))),
                        name="tenant_budgets_day_in_month",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("credits", models.BigIntegerField(help_text="Negative: the tenant gets them back.")),
                ("reason", models.CharField(help_text="The customer reads it on the invoice.", max_length=300)),
                ("made_at", models.DateTimeField(editable=False)),
                (
                    "made_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "usage_corrections",
                "ordering": ["-made_at"],
                "indexes": [models.Index(fields=["tenant", "day"], name="usage_corrections_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("credits", 0), _negated=True), name="usage_corrections_credits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="usage_corrections_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDaily",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant",
                        "day",
                        "key_id",
                        "endpoint",
                        "feature",
                        "priority",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("key_id", models.CharField(max_length=40)),
                ("endpoint", models.CharField(max_length=40)),
                ("feature", models.CharField(max_length=40)),
                ("priority", models.CharField(max_length=12)),
                ("requests", models.IntegerField()),
                ("ok", models.IntegerField()),
                ("failed", models.IntegerField()),
                ("unsettled", models.IntegerField()),
                ("credits", models.BigIntegerField()),
                ("charged", models.BigIntegerField()),
                ("unsettled_credits", models.BigIntegerField()),
                ("latency_ms", models.BigIntegerField(help_text="Sum over all requests, milliseconds.")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "usage_daily",
                "indexes": [models.Index(fields=["day"], name="usage_daily_day")],
            },
        ),
        migrations.CreateModel(
            name="UsageFill",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("started", "Started"), ("done", "Done")], default="started", max_length=8
                    ),
                ),
                ("filled_until", models.DateTimeField()),
                ("events", models.BigIntegerField(default=0)),
                ("credits", models.BigIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("fills", models.IntegerField(default=0, help_text="How often the whole day was counted anew.")),
            ],
            options={
                "db_table": "usage_fills",
                "ordering": ["-day"],
            },
        ),
        migrations.CreateModel(
            name="UsageHourly",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hour", "endpoint", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("endpoint", models.CharField(max_length=40)),
                ("requests", models.IntegerField()),
                ("credits", models.BigIntegerField()),
            ],
            options={
                "db_table": "usage_hourly",
            },
        ),
        migrations.CreateModel(
            name="UsageSaved",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant",
                        "day",
                        "endpoint",
                        "feature",
                        "way",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("endpoint", models.CharField(max_length=40)),
                ("feature", models.CharField(max_length=40)),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("cache", "Kept answer"),
                            ("flight", "Asked at the same time"),
                            ("shared", "Shared with other workspaces"),
                        ],
                        max_length=8,
                    ),
                ),
                ("answers", models.BigIntegerField()),
                ("credits", models.BigIntegerField()),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
            ],
            options={
                "db_table": "usage_saved",
                "indexes": [models.Index(fields=["day"], name="usage_saved_day")],
            },
        ),
        migrations.CreateModel(
            name="AlertChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "E-mail"), ("webhook", "Webhook (Slack and alike)")], max_length=8
                    ),
                ),
                ("address", models.CharField(max_length=500)),
                ("escalation", models.BooleanField(default=False, help_text="Only what is critical: from 90 % on.")),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tenant", tikdash.db.rls.TenantForeignKey(blank=True, null=True, to="accounts.tenant")),
            ],
            options={
                "db_table": "alert_channels",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "kind", "address"), name="alert_channels_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("address", ""), _negated=True), name="alert_channels_address"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=20)),
                (
                    "subject",
                    models.CharField(
                        help_text="What it is about: “month”, a key, an endpoint, a queue.", max_length=60
                    ),
                ),
                ("period", models.DateField(help_text="First day of the period: of the month, or the day itself.")),
                ("level", models.CharField(choices=[("warning", "Warning"), ("critical", "Critical")], max_length=8)),
                ("sentence", models.CharField(max_length=400)),
                ("facts", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="When it was last found to be so.")),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("tenant", tikdash.db.rls.TenantForeignKey(blank=True, null=True, to="accounts.tenant")),
            ],
            options={
                "db_table": "usage_alerts",
                "ordering": ["-opened_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at__isnull", True)), fields=["tenant"], name="usage_alerts_open"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "rule", "subject", "period"), name="usage_alerts_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("notice", models.CharField(choices=[("opened", "Opened"), ("resolved", "Resolved")], max_length=8)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(help_text="NULL: delivered, or given up.", null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="billing.alertchannel",
                    ),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(blank=True, null=True, to="accounts.tenant")),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="billing.usagealert"
                    ),
                ),
            ],
            options={
                "db_table": "alert_deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="alert_deliveries_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("alert", "channel", "notice"), name="alert_deliveries_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="plan",
            name="features",
            field=models.JSONField(blank=True, default=list, help_text='What else is in the plan: ["exports", "api"].'),
        ),
        migrations.AddField(
            model_name="plan",
            name="grace_days",
            field=models.PositiveSmallIntegerField(
                default=14,
                help_text="How long a workspace that is beyond its accounts or seats goes on as before, days.",
                validators=[django.core.validators.MaxValueValidator(90)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="grace_percent",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="How far beyond the month's credits work goes on, %.",
                validators=[django.core.validators.MaxValueValidator(100)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="history_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How far back pages show what is kept, days. Empty: all of it. Nothing is dropped.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="monthly_credits",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Credits that one tenant may spend in a month (UTC). Empty: no cap. Its grants come on top.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="price_cents",
            field=models.PositiveIntegerField(default=0, help_text="A month, in cents."),
        ),
        migrations.AddField(
            model_name="plan",
            name="seats",
            field=models.PositiveIntegerField(
                default=3,
                help_text="People who may be members of one workspace.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddIndex(
            model_name="usageevent",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["occurred_at"], name="usage_events_time", pages_per_range=32
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_credits__gte", 1)), name="plans_monthly_credits"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("daily_credits__lte", models.F("monthly_credits"))), name="plans_day_in_month"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("tracked_accounts__gte", 1)), name="plans_tracked_accounts"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(condition=models.Q(("seats__gte", 1)), name="plans_seats"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("grace_days__lte", 90), ("grace_percent__lte", 100)), name="plans_grace"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower("name"), name="plans_name"),
        ),
    ]
