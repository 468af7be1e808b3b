import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity

ROLES = [("owner", "Owner"), ("admin", "Admin"), ("member", "Member")]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_state_before_suspension")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of mails to people who have not chosen theirs.",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="SignUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("workspace", models.CharField(help_text="Name of the workspace.", max_length=120)),
                (
                    "slug",
                    models.CharField(
                        help_text="The address that was wished for; taken only when it is made.", max_length=40
                    ),
                ),
                ("handle", models.CharField(blank=True, help_text="The first TikTok handle, cleaned.", max_length=40)),
                ("time_zone", models.CharField(default="UTC", max_length=60)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_up",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "sign_ups", "ordering": ["created_at"]},
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.tenant")),
                ("email", models.EmailField(max_length=254)),
                ("role", models.CharField(choices=ROLES, max_length=8)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "invitations",
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "email"), name="invitations_once"),
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="invitations_email_lower_case",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["admin", "member"])), name="invitations_no_owner"
                    ),
                ],
            },
        ),
        EnableRowSecurity("Invitation"),
    ]
