from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0012_decisions_on_values")]

    operations = [
        migrations.RemoveIndex(model_name="fetchjob", name="fetch_jobs_claim"),
        migrations.AddIndex(
            model_name="fetchjob",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["queue", "claimable_at"],
                include=("tenant", "priority", "id", "kind", "cadence_s"),
                name="fetch_jobs_claim",
            ),
        ),
        migrations.AddIndex(
            model_name="fetchjob",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["queue", "tenant", "priority", "claimable_at"],
                include=("id", "kind", "cadence_s"),
                name="fetch_jobs_by_tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="fetchjob",
            index=models.Index(
                condition=models.Q(("state", "paused")), fields=["queue", "kind"], name="fetch_jobs_paused"
            ),
        ),
    ]
