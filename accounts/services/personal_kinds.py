"""Kinds of personal data of people at TikTok in the shared tables, and which of these tables hold none."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from accounts.services.export_traces import drop_exports_naming, exports_naming
from accounts.services.personal import (
    PUBLIC,
    Kind,
    Row,
    blank_texts,
    blanked,
    named_in,
    parameters,
    rows_of,
)
from tikdash.tiklive.cache import forget_answers
from tikdash.tiklive.people import Person

_TEXTS = ("target_label", "target_id", "reason", "actor_label", "as_user_label")
_FACTS = ("before", "after")
_IN_LOG = " OR ".join(named_in(column) for column in (*_TEXTS, *_FACTS))
_WISHED = "lower(t.handle) = ANY(%(handles)s)"
_ADMIN_TEXTS = ("object_repr", "change_message")
_IN_ADMIN_LOG = " OR ".join(named_in(column) for column in _ADMIN_TEXTS)


def _log(person: Person) -> Iterator[Row]:
    yield from rows_of("public.audit_log", _IN_LOG, person)


def _erase_from_log(person: Person) -> int:
    """That something was done stays, and by whom of ours; to whom it was done goes."""
    texts = [f"{column} = {blanked(column)}" for column in _TEXTS]
    facts = [f"{column} = {blanked(column, json=True)}" for column in _FACTS]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE public.audit_log t SET {', '.join([*texts, *facts])} WHERE {_IN_LOG}", parameters(person)
        )
        return int(cursor.rowcount)


def _admin_log(person: Person) -> Iterator[Row]:
    yield from rows_of("public.django_admin_log", _IN_ADMIN_LOG, person)


def _erase_from_admin_log(person: Person) -> int:
    return blank_texts("public.django_admin_log", _ADMIN_TEXTS, person)


def _wishes(person: Person) -> Iterator[Row]:
    # The rest of the row is about the customer.
    for row in rows_of("public.sign_ups", _WISHED, person):
        yield {"table": row["table"], "handle": row["handle"], "created_at": row["created_at"]}


def _erase_wishes(person: Person) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE public.sign_ups t SET handle = '' WHERE {_WISHED}", parameters(person))
        return int(cursor.rowcount)


def _kept_answers(person: Person) -> Iterator[Row]:
    for name in forget_answers(person, really=False):
        yield {"table": "Redis", "key": name}


def _erase_kept_answers(person: Person) -> int:
    return len(forget_answers(person))


KINDS = (
    Kind(
        name="kept answers",
        purpose="answers of TikLiveAPI that are used again for some minutes, or up to 14 days for hashtags and sounds",
        kept="10 minutes to 14 days",
        export=_kept_answers,
        erase=_erase_kept_answers,
        where=PUBLIC,
    ),
    Kind(
        name="audit log",
        purpose="who of our customers and operators did what, for them to look up",
        kept="AUDIT_KEPT_MONTHS (36 months)",
        export=_log,
        erase=_erase_from_log,
        models=("accounts.AuditEntry", "accounts.AuditEntryRow"),
        where=PUBLIC,
        as_owner=True,
    ),
    Kind(
        name="administration's log",
        purpose="which rows operators have changed",
        kept="for good",
        export=_admin_log,
        erase=_erase_from_admin_log,
        where=PUBLIC,
    ),
    Kind(
        name="first handles of sign-ups",
        purpose="tracking the handle that somebody typed at the sign-up",
        kept="until the address is confirmed, 3 days at most",
        export=_wishes,
        erase=_erase_wishes,
        models=("accounts.SignUp",),
        where=PUBLIC,
    ),
    # Last: what is exported anew from here on is made of rows that are erased already.
    Kind(
        name="exported files",
        purpose="files that customers and operators have asked for, until they fetch them",
        kept="EXPORT_KEPT_HOURS (72 hours)",
        export=exports_naming,
        erase=drop_exports_naming,
        models=("accounts.Export",),
        where=PUBLIC,
    ),
)

_CUSTOMER = "about a customer or a customer's people, whose workspace is erased by accounts.services.erasing"
WITHOUT = {
    "accounts.Announcement": "a sentence of operators to customers",
    "accounts.ApiToken": _CUSTOMER,
    "accounts.Dismissal": _CUSTOMER,
    "accounts.Domain": _CUSTOMER,
    "accounts.Invitation": _CUSTOMER,
    "accounts.KeptAnswer": "sealed, and gone within a day",
    "accounts.LeftOut": "keyed digests only: it is what keeps the person out",
    "accounts.Look": "which of our staff looked as which of a customer's people, and why",
    "accounts.Maintenance": "a sentence of operators to customers",
    "accounts.Membership": _CUSTOMER,
    "accounts.PausedKind": "a kind of job and a sentence of operators",
    "accounts.PrivacyRequest": "sealed while the request is open, keyed digests and counts afterwards",
    "accounts.Session": "sealed, and over with the person's log-in or its own time",
    "accounts.Shard": "names of schemas",
    "accounts.Tenant": _CUSTOMER,
    "accounts.TenantErasure": "numbers and keyed digests",
    "accounts.TenantKey": _CUSTOMER,
    "accounts.TenantMove": "names of schemas, and sums",
    "accounts.UpstreamIncident": "when the upstream did not answer, with a sentence of operators",
    "accounts.User": _CUSTOMER,
    "accounts.WaitingMail": "sealed, and gone once it is sent, within a day",
}
