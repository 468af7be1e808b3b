from django.db import migrations, models

from tikdash.db.rls import log_in_role

#: What is compared: letters in one form and one case, so that full-width, bold and upper case letters are found, too.
FOLDED = "lower(normalize({}, NFKC))"

#: Both come with PostgreSQL, and the owner of a database may make them. They belong to the database and stay on the way
#: back, because other schemas use them.
EXTENSIONS = ["pg_trgm", "btree_gin"]

# With the account in it a search costs the same however many others there are. The pending list is short, because
# every search reads all of it.
INDEX = f"""
    CREATE INDEX comments_words ON comments
     USING gin (account_id, ({FOLDED.format("text")}) public.gin_trgm_ops) WITH (gin_pending_list_limit = 512)
"""

# LIKE is not leakproof: under row-level security no index may serve it. The owner of the table passes its policies, so
# the tenant is named here. The conditions are counted, never made of what somebody typed.
FUNCTION = r"""
    CREATE FUNCTION search_comments(account_id bigint, words text, most int) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $search$
    DECLARE
        patterns text[] := ARRAY(
            SELECT '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%'
              FROM regexp_split_to_table({folded words}, '\s+') AS word
             WHERE word <> '' LIMIT 10);
    BEGIN
        IF cardinality(patterns) = 0 THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE
            'SELECT c.id FROM comments c'
            ' WHERE c.tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::bigint'
            '   AND c.account_id = $1'
            || (SELECT string_agg(format(' AND {folded text} LIKE $2[%s]', number), '')
                  FROM generate_series(1, cardinality(patterns)) AS number)
            || ' ORDER BY c.written_at DESC, c.id DESC LIMIT least($3, 1000)'
            USING account_id, patterns, most;
    END
    $search$
"""
FUNCTION = FUNCTION.replace("{folded words}", FOLDED.format("words")).replace("{folded text}", FOLDED.format("c.text"))
SIGNATURE = "search_comments(bigint, text, int)"


def make_search(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        for extension in EXTENSIONS:
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} WITH SCHEMA public")
        cursor.execute("SELECT current_schema()")
        schema = cursor.fetchone()[0]
        cursor.execute(INDEX)
        cursor.execute(FUNCTION.replace("{schema}", schema))
        cursor.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
        cursor.execute(f'GRANT EXECUTE ON FUNCTION {SIGNATURE} TO "{log_in_role(connection)}"')


def drop_search(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION {SIGNATURE}")
        cursor.execute("DROP INDEX comments_words")


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0006_row_security_of_them")]

    operations = [
        migrations.AddField(
            model_name="post",
            name="comments_read_count",
            field=models.BigIntegerField(
                help_text="The comment_count at which the comments were last read; -1 where it was not known.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="post",
            name="comments_read_at",
            field=models.DateTimeField(help_text="When that was.", null=True),
        ),
        migrations.RunPython(make_search, drop_search),
    ]
