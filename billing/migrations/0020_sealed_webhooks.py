from urllib.parse import urlsplit

from django.db import migrations, models

from tikdash.crypto import keyed_digest, lock, unlock

PURPOSE = "billing.alert_channels"


def seal(apps, schema_editor):
    """Addresses of webhooks open a channel of somebody's: what stands in the row is what may be shown."""
    rows = apps.get_model("billing", "AlertChannel").objects
    for pk, url in rows.filter(kind="webhook", sealed="").values_list("pk", "address"):
        rows.filter(pk=pk).update(
            sealed=lock(url, PURPOSE),
            digest=keyed_digest(PURPOSE, url),
            address=f"{urlsplit(url).hostname} …{url.rstrip('/')[-4:]}",
        )


def open_again(apps, schema_editor):
    rows = apps.get_model("billing", "AlertChannel").objects
    for pk, sealed in rows.filter(kind="webhook").exclude(sealed="").values_list("pk", "sealed"):
        rows.filter(pk=pk).update(address=unlock(sealed, PURPOSE), sealed="", digest="")


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0019_raised_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertchannel",
            name="sealed",
            field=models.TextField(blank=True, db_default="", editable=False, help_text="A webhook's address."),
        ),
        migrations.AddField(
            model_name="alertchannel",
            name="digest",
            field=models.CharField(
                blank=True,
                db_default="",
                editable=False,
                help_text="Keyed, so that none is there twice.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="alertchannel",
            name="address",
            field=models.CharField(help_text="Of a webhook only what may be shown.", max_length=500),
        ),
        # Before the rows change: two webhooks of one host may end alike.
        migrations.RemoveConstraint(model_name="alertchannel", name="alert_channels_once"),
        migrations.AddConstraint(
            model_name="alertchannel",
            constraint=models.UniqueConstraint(
                fields=("tenant", "kind", "address", "digest"), name="alert_channels_once", nulls_distinct=False
            ),
        ),
        migrations.RunPython(seal, open_again),
        migrations.AddConstraint(
            model_name="alertchannel",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind", "email"), models.Q(("sealed", ""), _negated=True), _connector="OR"),
                name="alert_channels_sealed",
            ),
        ),
    ]
