from django.db import migrations

SHARES = {
    "free": {"requests_per_minute": 30, "requests_burst": 5, "daily_credits": 5000},
    "pro": {"requests_per_minute": 60, "requests_burst": 10, "daily_credits": None},
    "enterprise": {"requests_per_minute": 120, "requests_burst": 10, "daily_credits": None},
}
DEFAULTS = {"requests_per_minute": 30, "requests_burst": 5, "daily_credits": None}


def set_shares(apps, schema_editor):
    for code, share in SHARES.items():
        apps.get_model("billing", "Plan").objects.filter(code=code).update(**share)


def set_defaults(apps, schema_editor):
    apps.get_model("billing", "Plan").objects.filter(code__in=SHARES).update(**DEFAULTS)


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_requests_and_credits_of_plans")]

    operations = [migrations.RunPython(set_shares, set_defaults)]
