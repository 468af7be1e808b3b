from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0018_notes_and_returned_posts")]

    operations = [
        migrations.AddField(
            model_name="story",
            name="cover_failed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="story",
            name="cover_failures",
            field=models.SmallIntegerField(db_default=0),
        ),
    ]
