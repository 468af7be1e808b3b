from django.db import migrations

START = {
    "free": {"monthly_credits": 60_000, "price_cents": 0},
    "pro": {"monthly_credits": None, "price_cents": 4_900},
    "enterprise": {"monthly_credits": None, "price_cents": 49_900},
}
DEFAULTS = {"monthly_credits": None, "price_cents": 0}


def set_start(apps, schema_editor):
    # What somebody has set already stays.
    for code, values in START.items():
        apps.get_model("billing", "Plan").objects.filter(code=code, **DEFAULTS).update(**values)


def set_defaults(apps, schema_editor):
    for code, values in START.items():
        apps.get_model("billing", "Plan").objects.filter(code=code, **values).update(**DEFAULTS)


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_sentences_of_constraints")]

    operations = [migrations.RunPython(set_start, set_defaults)]
