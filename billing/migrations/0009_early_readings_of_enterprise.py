from django.db import migrations

HOUR, DAY = 3600, 86400

#: Early readings go by the ages of posts: an hour is the shortest way from one age to the next.
ADDED = {"enterprise": {"early": HOUR, "detail": DAY}}


def add_cadences(apps, schema_editor):
    # What somebody has set already stays.
    for plan in apps.get_model("billing", "Plan").objects.filter(code__in=ADDED):
        plan.cadences = ADDED[plan.code] | plan.cadences
        plan.save(update_fields=["cadences"])


def remove_cadences(apps, schema_editor):
    # What somebody has changed since stays.
    for plan in apps.get_model("billing", "Plan").objects.filter(code__in=ADDED):
        added = ADDED[plan.code]
        plan.cadences = {kind: seconds for kind, seconds in plan.cadences.items() if added.get(kind) != seconds}
        plan.save(update_fields=["cadences"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_readings_kept_by_plan")]

    operations = [migrations.RunPython(add_cadences, remove_cadences)]
