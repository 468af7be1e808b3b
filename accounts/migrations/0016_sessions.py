import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_seats_that_wait"),
    ]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "key_hash",
                    models.CharField(
                        help_text="SHA-256 of the cookie.", max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("data", models.TextField(help_text="Sealed.")),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(db_default="", max_length=300)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        help_text="Who is signed in.",
                        null=True,
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "sessions",
                "ordering": ["created_at"],
            },
        ),
        # Tables of former versions, with keys in plain: whoever was signed in signs in again.
        migrations.RunSQL(
            "DROP TABLE IF EXISTS public.usersessions_usersession; DROP TABLE IF EXISTS public.django_session",
            migrations.RunSQL.noop,
        ),
    ]
