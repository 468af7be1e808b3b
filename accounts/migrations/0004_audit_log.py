from django.db import migrations, models

import tikdash.db.rls
from tikdash.db.partitions import CreatePartitionedModel
from tikdash.db.rls import EnableRowSecurity

ACTOR_KINDS = [
    ("user", "Person"),
    ("token", "API token"),
    ("staff", "Staff"),
    ("task", "Task"),
    ("command", "Command"),
    ("system", "System"),
]
#: Rights keep the application's roles from changing an entry; this holds where somebody gives them one too many. The
#: owner drops months that are kept no longer, and takes persons out who have to be forgotten.
STAYS = migrations.RunSQL(
    """
    CREATE FUNCTION public.audit_log_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
    BEGIN
        IF current_user <> 'tikdash_owner' THEN
            RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON public.audit_log
        FOR EACH ROW EXECUTE FUNCTION public.audit_log_stays();
    """,
    "DROP TRIGGER stays ON public.audit_log; DROP FUNCTION public.audit_log_stays();",
)


def fields_of_entries() -> list[tuple[str, models.Field]]:
    return [
        ("occurred_at", models.DateTimeField()),
        ("event", models.CharField(help_text="A name of `accounts.audit_events`.", max_length=40)),
        ("actor_kind", models.CharField(choices=ACTOR_KINDS, max_length=8)),
        ("actor_id", models.BigIntegerField(help_text="The person, or the token.", null=True)),
        ("actor_label", models.CharField(db_default="", help_text="What it was called then.", max_length=254)),
        ("as_user_id", models.BigIntegerField(help_text="The person as whom staff acted.", null=True)),
        ("as_user_label", models.CharField(db_default="", max_length=254)),
        ("target_kind", models.CharField(db_default="", max_length=20)),
        ("target_id", models.CharField(db_default="", max_length=64)),
        ("target_label", models.CharField(db_default="", max_length=200)),
        ("before", models.JSONField(null=True)),
        ("after", models.JSONField(null=True)),
        ("reason", models.CharField(db_default="", max_length=400)),
        ("request_id", models.CharField(db_default="", max_length=40)),
    ]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_preferences_of_users")]

    operations = [
        migrations.CreateModel(
            name="AuditEntryRow",
            fields=[*fields_of_entries(), ("id", models.UUIDField(primary_key=True, serialize=False))],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "db_table": "audit_log",
                "ordering": ["-occurred_at", "-id"],
                "managed": False,
            },
        ),
        CreatePartitionedModel(
            partition_column="occurred_at",
            name="AuditEntry",
            fields=[
                *fields_of_entries(),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "id", "occurred_at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField()),
                ("tenant", tikdash.db.rls.TenantForeignKey(null=True, to="accounts.tenant")),
            ],
            options={
                "db_table": "audit_log",
                "indexes": [models.Index(fields=["tenant", "-occurred_at", "-id"], name="audit_log_tenant_time")],
            },
        ),
        EnableRowSecurity("AuditEntry"),
        STAYS,
    ]
