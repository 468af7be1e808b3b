from django.db import migrations, models


class Migration(migrations.Migration):
    # Unique as before: of jobs without an account there may be many in such an index, too, and with them in it a
    # tenant's jobs are found by it. Kinds that are rare have an index that the others are not written to.
    dependencies = [("accounts", "0027_location_of_answers"), ("snapshots", "0024_versions_of_accounts")]

    operations = [
        migrations.RemoveConstraint("fetchjob", "fetch_jobs_once"),
        migrations.AddConstraint(
            "fetchjob", models.UniqueConstraint(fields=["tenant", "account", "kind"], name="fetch_jobs_once")
        ),
        migrations.AddIndex(
            "fetchjob",
            models.Index(
                fields=["kind"],
                condition=models.Q(kind__in=["hashtag", "sound", "probe", "backfill"]),
                name="fetch_jobs_rare",
            ),
        ),
    ]
