"""The three database roles and the database itself, made from an administrator's URL; the check of the log-in.

`tikdash` logs in and owns nothing; it may put on `tikdash_ops` (all tenants) and `tikdash_owner` (owns everything).
Membership is WITH INHERIT FALSE, so that neither hat is worn by accident (PostgreSQL 16 or newer).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from django.db import connection
from psycopg import sql

from tikdash.db.backend.base import OPS_ROLE, OWNER_ROLE
from tikdash.errors import TikdashError
from tikdash.words import counted

OLDEST_SERVER = 160000
#: The number of an advisory lock: any, but always the same.
ONE_AT_A_TIME = 7_452_011


class RolesError(TikdashError):
    code = "database_roles"
    status = 503


@dataclass(frozen=True)
class LogIn:
    role: str
    password: str
    database: str

    @classmethod
    def from_url(cls, url: str) -> LogIn:
        parts = urlsplit(url)
        if not parts.username or len(parts.path) < 2:
            raise RolesError("DATABASE_URL needs a role and a database: postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE.")
        return cls(unquote(parts.username), unquote(parts.password or ""), unquote(parts.path[1:]))


def make_roles_and_database(admin_url: str, log_in: LogIn) -> None:
    """Makes what is missing and sets what differs; harmless to repeat, and for several hosts at once: one does it after
    the other, because PostgreSQL refuses two that change one role.

    Raises RolesError with one sentence where the server is too old or the administrator may not do it.
    """
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as admin:
            # It ends with the connection.
            admin.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
            _make_roles(admin, log_in)
            _make_database(admin, log_in)
            with psycopg.connect(admin_url, dbname=log_in.database, autocommit=True, connect_timeout=10) as inside:
                _set_rights(inside, log_in)
    except psycopg.Error as error:
        raise RolesError(f"The administrator's log-in could not prepare the database: {_first_line(error)}") from None


def _make_roles(admin: psycopg.Connection, log_in: LogIn) -> None:
    if admin.info.server_version < OLDEST_SERVER:
        raise RolesError(f"PostgreSQL 16 or newer is needed; this server is {admin.info.server_version // 10000}.")
    for name in (OWNER_ROLE, OPS_ROLE, log_in.role):
        exists = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        if not exists:
            admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        log_in_or_not = sql.SQL("LOGIN" if name == log_in.role else "NOLOGIN")
        admin.execute(
            sql.SQL("ALTER ROLE {} {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION").format(
                sql.Identifier(name), log_in_or_not
            )
        )
    if log_in.password:
        admin.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(log_in.role), sql.Literal(log_in.password))
        )
    for hat in (OWNER_ROLE, OPS_ROLE):
        admin.execute(
            sql.SQL("GRANT {} TO {} WITH ADMIN FALSE, INHERIT FALSE, SET TRUE").format(
                sql.Identifier(hat), sql.Identifier(log_in.role)
            )
        )


def _make_database(admin: psycopg.Connection, log_in: LogIn) -> None:
    exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (log_in.database,)).fetchone()
    if not exists:
        # An administrator who is no superuser must be a member of the role to hand a database to it.
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(OWNER_ROLE)))
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                sql.Identifier(log_in.database), sql.Identifier(OWNER_ROLE)
            )
        )


def _set_rights(admin: psycopg.Connection, log_in: LogIn) -> None:
    database, owner = sql.Identifier(log_in.database), sql.Identifier(OWNER_ROLE)
    roles = sql.SQL(", ").join(map(sql.Identifier, (log_in.role, OPS_ROLE)))
    for statement in (
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(database, roles, owner),
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, owner),
        sql.SQL("ALTER DATABASE {} SET timezone TO 'UTC'").format(database),
        sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
        sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles),
    ):
        admin.execute(statement)


def faults_of_log_in() -> list[str]:
    """Why the role that the application logs in with must be refused: one sentence a fault, empty when it is sound."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT session_user, r.rolsuper, r.rolbypassrls,
                   (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid),
                   pg_has_role(session_user, 'pg_read_all_data', 'usage'),
                   ARRAY(SELECT o.rolname::text FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid
                          WHERE m.member = r.oid AND m.set_option AND NOT m.inherit_option),
                   ARRAY(SELECT o.rolname::text FROM pg_auth_members m JOIN pg_roles o ON o.oid = m.roleid
                          WHERE m.member = r.oid AND m.inherit_option)
              FROM pg_roles r WHERE r.rolname = session_user
            """
        )
        name, is_superuser, bypasses, owned, reads_all, hats, inherited = cursor.fetchone()
    faults = []
    if is_superuser:
        faults.append(f"the role “{name}” is a superuser, whom row-level security does not bind")
    if bypasses:
        faults.append(f"the role “{name}” has BYPASSRLS")
    if owned:
        faults.append(
            f"the role “{name}” owns {counted(owned, 'relation')}, and owners are not bound by row-level security"
        )
    if reads_all and not is_superuser:
        faults.append(f"the role “{name}” may read all data")
    faults += [f"the role “{name}” inherits the rights of “{hat}”" for hat in {OPS_ROLE, OWNER_ROLE} & set(inherited)]
    faults += [
        f"the role “{name}” cannot put on “{hat}”"
        for hat in sorted({OPS_ROLE, OWNER_ROLE} - set(hats))
        if not is_superuser
    ]
    return faults


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
