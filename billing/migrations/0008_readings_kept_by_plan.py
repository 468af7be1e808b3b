import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_cadences_of_all_kinds")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="readings_kept_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long readings within the day are kept, days. Empty: as long as the installation says."
                " They share tables, so the longest of all plans in use counts.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
    ]
