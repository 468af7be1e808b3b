from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.rls import EnableRowSecurity

# Random and 53 bits long. Nobody waits for another writer of the same account: who finds its row taken makes a second
# one, and the version is of both. So no two transactions can dead-lock here, whatever else they hold. A row is made
# for accounts only that are there, which lets an account be deleted before its days.
MARK = """
    CREATE FUNCTION mark_accounts() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $mark$
    DECLARE
        written record;
    BEGIN
        FOR written IN SELECT DISTINCT tenant_id, account_id FROM changed LOOP
            UPDATE account_versions SET mark = (random() * 9007199254740992)::bigint
             WHERE id = (SELECT id FROM account_versions
                          WHERE tenant_id = written.tenant_id AND account_id = written.account_id
                          ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED);
            IF NOT FOUND THEN
                INSERT INTO account_versions (tenant_id, account_id, mark)
                SELECT tenant_id, id, (random() * 9007199254740992)::bigint
                  FROM accounts WHERE tenant_id = written.tenant_id AND id = written.account_id;
            END IF;
        END LOOP;
        RETURN NULL;
    END
    $mark$
"""
TABLES = ("posts", "account_snapshots")
EVENTS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def make_triggers(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        cursor.execute(MARK.replace("{schema}", cursor.fetchone()[0]))
        cursor.execute("REVOKE ALL ON FUNCTION mark_accounts() FROM PUBLIC")
        # An update finds room on its page, so that no index is touched.
        cursor.execute("ALTER TABLE account_versions SET (fillfactor = 50)")
        for table in TABLES:
            for event, rows in EVENTS.items():
                cursor.execute(
                    f"CREATE TRIGGER mark_accounts_{event.lower()} AFTER {event} ON {table}"
                    f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_accounts()"
                )


def drop_triggers(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            for event in EVENTS:
                cursor.execute(f"DROP TRIGGER mark_accounts_{event.lower()} ON {table}")
        cursor.execute("DROP FUNCTION mark_accounts()")


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0023_posts_found_by_id")]

    operations = [
        migrations.CreateModel(
            name="AccountVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(db_default=RandomUUID(), editable=False, primary_key=True, serialize=False),
                ),
                ("tenant", tikdash.db.rls.TenantForeignKey(to="accounts.Tenant")),
                ("account_id", models.BigIntegerField()),
                ("mark", models.BigIntegerField()),
            ],
            options={
                "db_table": "account_versions",
                "indexes": [models.Index(fields=["tenant", "account_id"], name="account_versions_account")],
            },
        ),
        EnableRowSecurity("AccountVersion"),
        migrations.RunPython(make_triggers, drop_triggers),
    ]
