from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_requests_of_people")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="waits_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
