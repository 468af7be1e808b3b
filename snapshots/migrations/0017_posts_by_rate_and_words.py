from django.db import migrations

from tikdash.db.rls import log_in_role, policies_sql

# The lists over all posts take the best of each account by index; a rate is the one number that no column holds.
RATE = """
    CREATE INDEX posts_er ON posts (tenant_id, account_id,
        (coalesce((digg_count::float8 + comment_count + share_count) / nullif(play_count, 0), -1)) DESC, id DESC)
"""

#: What is compared: letters in one form and one case.
FOLDED = "lower(normalize({}, NFKC))"

# Titles apart from their posts: a post is written anew at every reading, and its words with it, were they indexed
# there. A trigger keeps them, so that none can be forgotten; it runs for new posts and for titles that changed.
TITLES = """
    CREATE TABLE post_titles (
        post_id bigint PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
        tenant_id bigint NOT NULL DEFAULT (current_setting('app.tenant_id'))::bigint,
        words text NOT NULL
    )
"""
WORDS = """
    CREATE INDEX post_titles_words ON post_titles
     USING gin (tenant_id, words public.gin_trgm_ops) WITH (gin_pending_list_limit = 512)
"""
KEEP = f"""
    CREATE FUNCTION keep_post_title() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = "{{schema}}", pg_temp AS $keep$
    BEGIN
        INSERT INTO post_titles (post_id, tenant_id, words)
        VALUES (NEW.id, NEW.tenant_id, {FOLDED.format("NEW.title")})
        ON CONFLICT (post_id) DO UPDATE SET words = excluded.words;
        RETURN NULL;
    END
    $keep$
"""
TRIGGERS = (
    "CREATE TRIGGER keep_title_of_new AFTER INSERT ON posts FOR EACH ROW WHEN (NEW.title <> '')"
    " EXECUTE FUNCTION keep_post_title()",
    "CREATE TRIGGER keep_title AFTER UPDATE OF title ON posts FOR EACH ROW"
    " WHEN (OLD.title IS DISTINCT FROM NEW.title) EXECUTE FUNCTION keep_post_title()",
)
FILL = f"""
    INSERT INTO post_titles (post_id, tenant_id, words)
    SELECT id, tenant_id, {FOLDED.format("title")} FROM posts WHERE title <> ''
"""

# LIKE is not leakproof: under row-level security no index may serve it. The owner of the table passes its policies, so
# the tenant is named here. The conditions are counted, never made of what somebody typed.
FUNCTION = rf"""
    CREATE FUNCTION search_posts(words text, most int) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = "{{schema}}", pg_temp AS $search$
    DECLARE
        patterns text[] := ARRAY(
            SELECT '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%'
              FROM regexp_split_to_table({FOLDED.format("words")}, '\s+') AS word
             WHERE word <> '' LIMIT 10);
    BEGIN
        IF cardinality(patterns) = 0 THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE
            'SELECT t.post_id FROM post_titles t'
            ' WHERE t.tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::bigint'
            || (SELECT string_agg(format(' AND t.words LIKE $1[%s]', number), '')
                  FROM generate_series(1, cardinality(patterns)) AS number)
            || ' LIMIT least($2, 100000)'
            USING patterns, most;
    END
    $search$
"""
SIGNATURE = "search_posts(text, int)"


def make_search(apps, schema_editor):
    connection = schema_editor.connection
    role = log_in_role(connection)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = cursor.fetchone()[0]
        cursor.execute(TITLES)
        cursor.execute(FILL)
        cursor.execute(WORDS)
        for statement in policies_sql("post_titles", role):
            cursor.execute(statement)
        for statement in (KEEP, FUNCTION):
            cursor.execute(statement.replace("{schema}", schema))
        for statement in TRIGGERS:
            cursor.execute(statement)
        for signature in (SIGNATURE, "keep_post_title()"):
            cursor.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        cursor.execute(f'GRANT EXECUTE ON FUNCTION {SIGNATURE} TO "{role}"')


def drop_search(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER keep_title ON posts")
        cursor.execute("DROP TRIGGER keep_title_of_new ON posts")
        cursor.execute("DROP FUNCTION keep_post_title()")
        cursor.execute(f"DROP FUNCTION {SIGNATURE}")
        cursor.execute("DROP TABLE post_titles")


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0016_imports")]

    operations = [
        migrations.RunSQL(RATE, "DROP INDEX posts_er"),
        migrations.RunPython(make_search, drop_search),
    ]
