from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0013_indexes_of_claims_by_tenant")]

    operations = [
        migrations.AddField(
            model_name="trackedaccount",
            name="avatar_source",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The lasting part of the address that was last fetched.",
                max_length=300,
            ),
        ),
        migrations.AddField(
            model_name="trackedaccount",
            name="avatar_failed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="trackedaccount",
            name="avatar_failures",
            field=models.SmallIntegerField(db_default=0, help_text="In a row, of that address."),
        ),
        migrations.AddField(
            model_name="post",
            name="cover_failed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="post",
            name="cover_failures",
            field=models.SmallIntegerField(db_default=0),
        ),
    ]
