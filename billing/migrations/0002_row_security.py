from django.db import migrations

from tikdash.db.rls import EnableRowSecurity


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [EnableRowSecurity("UsageEvent")]
