from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_addresses_of_people_who_are_here")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="headline_rate",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Id of the engagement rate that pages lead with; empty for the usual one.",
                max_length=40,
            ),
        ),
    ]
