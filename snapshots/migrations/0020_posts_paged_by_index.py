from django.db import migrations, models
from django.db.models.functions import Cast, Coalesce, NullIf

COUNTERS = ("play_count", "digg_count", "comment_count", "share_count", "collect_count")
OLD_RATE = """
    CREATE INDEX posts_er ON posts (tenant_id, account_id,
        (coalesce((digg_count::float8 + comment_count + share_count) / nullif(play_count, 0), -1)) DESC, id DESC)
"""


def number(name):
    return Cast(models.F(name), models.FloatField())


def by_counter(name):
    known = models.Case(
        models.When(**{f"{name}__isnull": True}, then=-1),
        default=models.F(name),
        output_field=models.BigIntegerField(),
    )
    return models.Index(
        models.F("tenant"),
        models.F("account"),
        models.OrderBy(known, descending=True),
        models.OrderBy(models.F("id"), descending=True),
        name=f"posts_{name.removesuffix('_count')}",
    )


class Migration(migrations.Migration):
    # Indexes are replaced by indexes of the same size: under row-level security neither COALESCE nor a division may be
    # a condition of an index, so that a page far down was read from the start.
    dependencies = [("snapshots", "0019_failures_of_story_covers")]

    operations = [
        migrations.RunSQL("DROP INDEX posts_er", OLD_RATE),
        *(migrations.RemoveIndex("post", f"posts_{name.removesuffix('_count')}") for name in COUNTERS),
        migrations.AddField(
            model_name="post",
            name="er",
            field=models.GeneratedField(
                db_persist=True,
                expression=Coalesce(
                    (number("digg_count") + number("comment_count") + number("share_count"))
                    / NullIf(number("play_count"), 0.0),
                    -1.0,
                ),
                help_text="Engagement rate by views, from 0 to 1; -1 where it is not known.",
                output_field=models.FloatField(),
            ),
        ),
        *(migrations.AddIndex("post", by_counter(name)) for name in COUNTERS),
        migrations.AddIndex("post", models.Index(fields=["tenant", "account", "-er", "-id"], name="posts_er")),
        migrations.AddIndex(
            "post",
            models.Index(
                condition=models.Q(("deleted_at__isnull", False), ("returned_at__isnull", False), _connector="OR"),
                fields=["tenant", "account"],
                name="posts_gone",
            ),
        ),
    ]
