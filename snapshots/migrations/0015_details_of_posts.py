from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0014_sources_and_failures_of_pictures")]

    operations = [
        migrations.AddField(
            model_name="post",
            name="detail_asked_at",
            field=models.DateTimeField(help_text="When its detail was asked for, which is done once.", null=True),
        ),
        migrations.AlterField(
            model_name="fetchjob",
            name="kind",
            field=models.CharField(
                choices=[
                    ("profile", "Profile"),
                    ("posts", "Posts"),
                    ("early", "Early readings"),
                    ("detail", "Details of posts"),
                    ("comments", "Comments"),
                    ("followers", "Followers"),
                    ("following", "Followings"),
                    ("stories", "Stories"),
                    ("hashtag", "Hashtags"),
                    ("sound", "Sounds"),
                    ("pictures", "Pictures"),
                    ("probe", "Handle check"),
                    ("backfill", "Backfill"),
                ],
                max_length=12,
            ),
        ),
    ]
