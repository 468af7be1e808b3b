from django.db import migrations, models


class Migration(migrations.Migration):
    # Operators search over all tenants, and what they may do has its own permissions.
    dependencies = [("snapshots", "0020_posts_paged_by_index")]

    operations = [
        migrations.AlterModelOptions(
            "fetchjob", {"permissions": [("retry_fetchjob", "Can give dead jobs another chance")]}
        ),
        migrations.AlterModelOptions(
            "trackedaccount",
            {
                "ordering": ["username"],
                "permissions": [
                    ("refresh_trackedaccount", "Can ask for new numbers of an account"),
                    ("backfill_trackedaccount", "Can read an account's past, which costs credits"),
                    ("decide_value", "Can accept and reject suspicious values"),
                ],
                "verbose_name": "tracked account",
            },
        ),
        migrations.AddIndex(
            "trackedaccount",
            models.Index(fields=["username"], name="accounts_handle", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddIndex("trackedaccount", models.Index(fields=["tiktok_user_id"], name="accounts_tiktok_id")),
        migrations.AddIndex("trackedaccount", models.Index(fields=["sec_uid"], name="accounts_sec_uid")),
    ]
