import django.core.validators
from django.db import migrations, models

#: What the setting API_REQUESTS_PER_MINUTE said until now, by the plan's queue.
BY_QUEUE = {"free": 60, "pro": 300, "enterprise": 1_200}


def set_requests(apps, schema_editor):
    for queue, requests in BY_QUEUE.items():
        apps.get_model("billing", "Plan").objects.filter(queue=queue).update(api_requests_per_minute=requests)


class Migration(migrations.Migration):
    dependencies = [("billing", "0020_sealed_webhooks")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="api_requests_per_minute",
            field=models.PositiveIntegerField(
                default=60,
                help_text="Requests a minute that each API token of a tenant may make. Only where the API is in the plan.",
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("api_requests_per_minute__gte", 1)), name="plans_api_requests_per_minute"
            ),
        ),
        migrations.RunPython(set_requests, migrations.RunPython.noop),
    ]
