from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0021_announcements_and_maintenance")]

    operations = [
        migrations.AlterModelOptions(
            "upstreamincident",
            {
                "ordering": ["-began_at"],
                "permissions": [("mark_incident", "Can mark a time as an outage of the upstream")],
            },
        )
    ]
