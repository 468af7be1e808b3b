from django.db import migrations

SEATS = {"free": 3, "pro": 10, "enterprise": 100}


def set_seats(apps, schema_editor):
    for code, seats in SEATS.items():
        apps.get_model("billing", "Plan").objects.filter(code=code).update(seats=seats)


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_row_security_of_rollups")]

    operations = [migrations.RunPython(set_seats, migrations.RunPython.noop)]
