from django.db import migrations

from tikdash.db.rls import log_in_role

#: A token says whose rows are asked for, so it is looked for before a tenant is known: the one row with this key, and
#: never a list of them. With the right to it goes no other.
MADE = """
    CREATE FUNCTION public.api_token_with(wanted text) RETURNS SETOF public.api_tokens
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog AS $$
    BEGIN
        RETURN QUERY SELECT * FROM public.api_tokens WHERE key = wanted;
    END $$;
    REVOKE ALL ON FUNCTION public.api_token_with(text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION public.api_token_with(text) TO "{role}", tikdash_ops;
"""


def make(apps, schema_editor):
    schema_editor.execute(MADE.format(role=log_in_role(schema_editor.connection)))


def drop(apps, schema_editor):
    schema_editor.execute("DROP FUNCTION public.api_token_with(text)")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0025_exports_of_tokens")]

    operations = [migrations.RunPython(make, drop)]
