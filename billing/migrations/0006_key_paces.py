from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_requests_and_credits_to_start_with")]

    operations = [
        migrations.CreateModel(
            name="KeyPace",
            fields=[
                ("key_id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
            ],
            options={"db_table": "key_paces"},
        ),
    ]
