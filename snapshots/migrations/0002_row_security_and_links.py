from django.db import migrations

from tikdash.db.rls import EnableRowSecurity


def link(table):
    """To an account of the same tenant only: PostgreSQL's own checks of keys pass by row-level security."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_account FOREIGN KEY (tenant_id, account_id)"
        " REFERENCES accounts (tenant_id, id) ON DELETE CASCADE",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_account",
    )


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0001_initial")]

    operations = [
        EnableRowSecurity("TrackedAccount"),
        EnableRowSecurity("AccountHandle"),
        EnableRowSecurity("AccountSnapshot"),
        EnableRowSecurity("Post"),
        EnableRowSecurity("PostSnapshot"),
        EnableRowSecurity("FetchJob"),
        link("posts"),
        link("account_handles"),
        link("fetch_jobs"),
    ]
