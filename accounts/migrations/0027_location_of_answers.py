from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_token_by_key")]

    operations = [
        migrations.AddField(
            model_name="keptanswer",
            name="location",
            field=models.CharField(db_default="", max_length=400),
        ),
    ]
