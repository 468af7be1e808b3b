from django.db import migrations, models

# As in 0024, and a new number for the posts alone where it is they that were written.
MARK = """
    CREATE OR REPLACE FUNCTION mark_accounts() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $mark$
    DECLARE
        written record;
        number bigint;
    BEGIN
        FOR written IN SELECT DISTINCT tenant_id, account_id FROM changed LOOP
            number := (random() * 9007199254740992)::bigint;
            UPDATE account_versions
               SET mark = number, posts_mark = CASE TG_TABLE_NAME WHEN 'posts' THEN number ELSE posts_mark END
             WHERE id = (SELECT id FROM account_versions
                          WHERE tenant_id = written.tenant_id AND account_id = written.account_id
                          ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED);
            IF NOT FOUND THEN
                INSERT INTO account_versions (tenant_id, account_id, mark, posts_mark)
                SELECT tenant_id, id, number, number
                  FROM accounts WHERE tenant_id = written.tenant_id AND id = written.account_id;
            END IF;
        END LOOP;
        RETURN NULL;
    END
    $mark$
"""


def replace_function(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        cursor.execute(MARK.replace("{schema}", cursor.fetchone()[0]))


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0025_jobs_of_a_tenant_and_rare_kinds")]

    operations = [
        migrations.AddField("accountversion", "posts_mark", models.BigIntegerField(db_default=0)),
        # The column stays for an older function, which does not name it.
        migrations.RunPython(replace_function, migrations.RunPython.noop),
    ]
