from django.db import migrations, models
from django.db.models import Q

OPEN = Q(("state__in", ["waiting", "running"]))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0024_answers_of_the_api")]

    operations = [
        migrations.AddField(
            model_name="export",
            name="token_id",
            field=models.BigIntegerField(help_text="The API token that asked for it.", null=True),
        ),
        migrations.RemoveConstraint(model_name="export", name="exports_one_at_a_time"),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.UniqueConstraint(
                condition=OPEN,
                fields=("tenant", "kind", "subject", "token_id"),
                name="exports_one_at_a_time",
                nulls_distinct=False,
            ),
        ),
    ]
