import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_plans_to_start_with")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                default=30,
                help_text="Requests a minute that one tenant may take of a shared key.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="requests_burst",
            field=models.PositiveIntegerField(
                default=5,
                help_text="How many of these requests one tenant may make at once.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="daily_credits",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Credits that one tenant may spend in a day (UTC). Empty: no cap. Refreshes may use a small reserve beyond it.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("requests_per_minute__gte", 1)), name="plans_requests_per_minute"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("requests_burst__gte", 1)), name="plans_requests_burst"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("daily_credits__gte", 1)), name="plans_daily_credits"
            ),
        ),
    ]
