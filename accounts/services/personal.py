"""The register of personal data of people at TikTok: each kind with one exporter and one eraser.

Apps add their kinds by a module that the setting PERSONAL_DATA names. A module has `KINDS`, and `WITHOUT`, which says
of every other model of the app why no such person is in it; a test demands that each model is in one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction

from accounts.selectors import schemas
from tikdash.db.scope import all_tenants, owner
from tikdash.tiklive.people import REMOVED, Person

#: One row that is about a person, as it is given out. `tenant_id`, where it has one, says in whose workspace it is.
Row = dict[str, Any]
SHARD, PUBLIC = "shard", "public"


@dataclass(frozen=True)
class Kind:
    """A kind of personal data. `models` are the labels that it claims; `purpose` and `kept` are told to people.

    `export` gives what there is of a person, `erase` takes it away and returns how many rows that were; both run in
    the ops role, in each shard or once for the shared tables, by `where`. The audit log needs the owner's.
    """

    name: str
    purpose: str
    kept: str
    export: Callable[[Person], Iterator[Row]]
    erase: Callable[[Person], int]
    models: tuple[str, ...] = ()
    where: str = SHARD
    as_owner: bool = False


@cache
def kinds() -> tuple[Kind, ...]:
    """All kinds, in the order in which they are erased: what leads to a person's other rows comes last."""
    found = [kind for module in _modules() for kind in module.KINDS]
    return tuple(found)


@cache
def models_without_persons() -> Mapping[str, str]:
    """Labels of models in which no person of TikTok's is, with the reason."""
    return {label: reason for module in _modules() for label, reason in module.WITHOUT.items()}


def export_of(kind: Kind, person: Person) -> Iterator[Row]:
    """What there is of the person, over all shards."""
    if kind.where == PUBLIC:
        with all_tenants():
            yield from kind.export(person)
        return
    for schema in schemas():
        with all_tenants(schema):
            yield from kind.export(person)


def erase_of(kind: Kind, person: Person) -> int:
    """Erases it, each shard in a transaction of its own. Twice: there is nothing left."""
    if kind.where == PUBLIC:
        with owner() if kind.as_owner else all_tenants(), transaction.atomic():
            return kind.erase(person)
    return sum(_erase_in(schema, kind, person) for schema in schemas())


def erase_names(person: Person, schema: str) -> None:
    """Takes the names of a person out of one shard and the shared tables."""
    for kind in kinds():
        if kind.where == PUBLIC:
            erase_of(kind, person)
        else:
            _erase_in(schema, kind, person)


def _erase_in(schema: str, kind: Kind, person: Person) -> int:
    with all_tenants(schema), transaction.atomic():
        return kind.erase(person)


def _modules() -> list[Any]:
    return [import_module(path) for path in settings.PERSONAL_DATA]


# --- what kinds are made of ------------------------------------------------------------------------------------------


def parameters(person: Person) -> dict[str, Any]:
    """What statements about a person need."""
    return {
        "handles": sorted(person.handles),
        "ids": sorted(person.ids),
        "sec_uids": sorted(person.sec_uids),
        "names": person.names_pattern,
        "numbers": person.ids_pattern,
        "removed": REMOVED,
    }


def rows_of(table: str, condition: str, person: Person) -> Iterator[Row]:
    """The rows of a table that a condition on `t` selects, whole."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t WHERE {condition}", parameters(person))
        while found := cursor.fetchmany(500):
            yield from ({"table": table} | orjson.loads(text) for (text,) in found)


def delete_rows(table: str, condition: str, person: Person) -> int:
    """Deletes them; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} t WHERE {condition}", parameters(person))
        return int(cursor.rowcount)


def texts_of(table: str, columns: Sequence[str], key: str, person: Person) -> Iterator[Row]:
    """Texts of others in which the person is named: where, and the text."""
    for column in columns:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.{key}::text, t.tenant_id, t.{column}::text FROM {table} t WHERE {named_in(column)}",
                parameters(person),
            )
            for row, tenant_id, text in cursor.fetchall():
                yield {"table": table, "row": row, "tenant_id": tenant_id, "column": column, "text": text}


def blank_texts(table: str, columns: Sequence[str], person: Person) -> int:
    """Takes the person's names out of these texts; returns how many texts that were."""
    changed = 0
    for column in columns:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} t SET {column} = {blanked(column)} WHERE {named_in(column)}", parameters(person)
            )
            changed += int(cursor.rowcount)
    return changed


def blanked(column: str, *, json: bool = False) -> str:
    """The SQL of a text, or of JSON, without names and ids. A number in JSON becomes 0, so that it stays JSON."""
    text = f"t.{column}::text" if json else f"t.{column}"
    changed = f"regexp_replace(regexp_replace({text}, %(names)s, %(removed)s, 'gi'), %(numbers)s, '0', 'g')"
    return f"({changed})::jsonb" if json else changed


def named_in(column: str) -> str:
    return f"(t.{column}::text ~* %(names)s OR t.{column}::text ~ %(numbers)s)"
