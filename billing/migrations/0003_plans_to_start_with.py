from django.db import migrations

HOUR, DAY = 3600, 86400

PLANS = [
    {
        "code": "free",
        "name": "Free",
        "tracked_accounts": 5,
        "queue": "free",
        "cadences": {"profile": DAY, "posts": DAY},
        "posts_kept_fresh": 30,
        "chart_days": 365,
    },
    {
        "code": "pro",
        "name": "Pro",
        "tracked_accounts": 100,
        "queue": "pro",
        "cadences": {"profile": 6 * HOUR, "posts": HOUR},
        "posts_kept_fresh": 60,
        "chart_days": 365,
    },
    {
        "code": "enterprise",
        "name": "Enterprise",
        "tracked_accounts": 5000,
        "queue": "enterprise",
        "cadences": {"profile": HOUR, "posts": HOUR // 2},
        "posts_kept_fresh": 120,
        "chart_days": 365,
    },
]


def add_plans(apps, schema_editor):
    plans = apps.get_model("billing", "Plan")
    for plan in PLANS:
        plans.objects.get_or_create(code=plan["code"], defaults=plan)


def remove_plans(apps, schema_editor):
    apps.get_model("billing", "Plan").objects.filter(code__in=[plan["code"] for plan in PLANS]).delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_row_security")]

    operations = [migrations.RunPython(add_plans, remove_plans)]
