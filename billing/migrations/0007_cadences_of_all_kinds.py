from django.db import migrations

HOUR, DAY = 3600, 86400
HALF_A_WEEK, WEEK = 7 * DAY // 2, 7 * DAY

PRO = {"comments": DAY, "followers": HALF_A_WEEK, "following": WEEK, "hashtag": WEEK, "sound": WEEK}
ADDED = {"pro": PRO, "enterprise": PRO | {"stories": HOUR}}


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
    dependencies = [("billing", "0006_key_paces")]

    operations = [migrations.RunPython(add_cadences, remove_cadences)]
