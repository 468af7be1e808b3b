"""The privacy desk: what a person at TikTok asks of us, found, given out or erased, and never fetched again.

An erasure goes over all data twice: once at once, and once more when every job that was running meanwhile must have
ended. Until then the names are kept, sealed; afterwards nobody can tell from the request whose it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import orjson
import structlog
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.models import Export, PrivacyRequest, Tenant
from accounts.selectors import schemas
from accounts.services.auditing import record
from accounts.services.export_files import drop_files_of
from accounts.services.left_out import leave_out, names_of
from accounts.services.personal import erase_of, export_of, kinds, parameters
from tikdash import clock
from tikdash.crypto import keyed_digest, lock, unlock
from tikdash.db.scope import all_tenants
from tikdash.errors import BadInput, LimitReached
from tikdash.tiklive.people import Person

log = structlog.get_logger(__name__)

ANSWER_WITHIN = timedelta(days=30)
ERASE = "accounts.erase_person"
SEALED_FOR = "accounts.privacy"
#: The kind of export that is a request's copy; its subject is the request's number.
COPY = "person"
#: How much longer than a job's lease an erasure waits before it looks once more: processes know who is left out for
#: some seconds, and a job may have begun just before.
MARGIN = timedelta(minutes=2)
MOST_ROUNDS = 5
State, Kind = PrivacyRequest.State, PrivacyRequest.Kind

#: Who bears a handle now, as far as we know; and who has borne it, where nobody does.
HOLDERS = "SELECT DISTINCT tiktok_user_id FROM accounts WHERE lower(username) = ANY(%(handles)s)"
FORMER_HOLDERS = """
    SELECT t.tiktok_user_id FROM account_handles h JOIN accounts t ON t.id = h.account_id
     WHERE lower(h.username) = ANY(%(handles)s)
    UNION
    SELECT tiktok_user_id FROM audience_members WHERE lower(username) = ANY(%(handles)s)
    UNION
    SELECT author_id FROM comments WHERE lower(author_username) = ANY(%(handles)s)
"""
#: Other names of the same person, as our own rows have them. Handles lead to nobody: they pass from hand to hand.
ALIASES = """
    SELECT lower(username), tiktok_user_id, sec_uid FROM accounts t
     WHERE t.tiktok_user_id = ANY(%(ids)s) OR t.sec_uid = ANY(%(sec_uids)s)
    UNION
    SELECT lower(h.username), t.tiktok_user_id, t.sec_uid FROM account_handles h JOIN accounts t ON t.id = h.account_id
     WHERE t.tiktok_user_id = ANY(%(ids)s) OR t.sec_uid = ANY(%(sec_uids)s)
    UNION
    SELECT DISTINCT lower(username), tiktok_user_id, '' FROM audience_members WHERE tiktok_user_id = ANY(%(ids)s)
    UNION
    SELECT DISTINCT lower(author_username), author_id, '' FROM comments WHERE author_id = ANY(%(ids)s)
"""


def open_request(
    *, person: Person, kind: str, asked_by: str, basis: str, contact: str = "", asked_on: date | None = None
) -> PrivacyRequest:
    """Writes down what somebody asked for; the answer is due in 30 days. Raises BadInput without any name."""
    if not person:
        raise BadInput("Give a handle, an id or a sec_uid.", field="names")
    asked_on = asked_on or clock.today()
    with transaction.atomic():
        request = PrivacyRequest.objects.create(
            kind=kind,
            asked_by=asked_by,
            basis=basis,
            identity=_sealed(person),
            contact=lock(contact, SEALED_FOR) if contact else "",
            asked_on=asked_on,
            due_on=asked_on + ANSWER_WITHIN,
        )
        _record("privacy.request_opened", request, kind=str(kind), asked_by=str(asked_by), basis=str(basis))
    return request


def person_of(request: PrivacyRequest) -> Person:
    """Whom an open request is about; nobody once it is done."""
    if not request.identity:
        return Person()
    names = orjson.loads(unlock(request.identity, SEALED_FOR))
    return Person(*(frozenset(names[name]) for name in ("handles", "ids", "sec_uids")))


def contact_of(request: PrivacyRequest) -> str:
    """Where the answer goes; empty once the request is done."""
    return unlock(request.contact, SEALED_FOR) if request.contact else ""


def search(request: PrivacyRequest) -> Person:
    """Looks for the person in all shards and notes how many rows there are of each kind, and in whose workspaces;
    returns the person with all names that were found."""
    refuse_unless(request, State.OPEN, State.ERASING, State.SWEEPING)
    person = _with_aliases(person_of(request))
    found: Counter[str] = Counter()
    tenants: set[int] = set()
    for kind in kinds():
        for row in export_of(kind, person):
            found[kind.name] += 1
            if row.get("tenant_id"):
                tenants.add(row["tenant_id"])
    request.identity, request.found, request.searched_at = _sealed(person), dict(found), clock.now()
    if request.state == State.OPEN:
        request.concerned = _concerned(tenants)
    with transaction.atomic():
        request.save(update_fields=["identity", "found", "searched_at", "concerned"])
        _record("privacy.person_searched", request, rows=found.total(), workspaces=len(tenants))
    return person


def begin_erasure(request: PrivacyRequest) -> None:
    """From now on nothing of the person is fetched; a worker erases what there is."""
    refuse_unless(request, State.OPEN)
    if request.kind != Kind.ERASURE:
        raise BadInput("This request asks for a copy. Open another one for the erasure.")
    person = search(request)
    with transaction.atomic():
        request.digests = leave_out(person, request)
        request.state = State.ERASING
        request.save(update_fields=["digests", "state"])
        _record("privacy.erasure_begun", request, names=len(request.digests))
        transaction.on_commit(lambda: _send(ERASE, request.pk))
    log.warning("person_erasure_begun", request=request.pk)


def carry_out(request_id: int) -> str:
    """Erases, or looks once more and ends the request when its time has come; returns its state. May be killed at any
    moment, and repeated: what is gone is gone."""
    request = PrivacyRequest.objects.get(pk=request_id)
    if request.state == State.ERASING:
        _erase(request)
        request.state = State.SWEEPING
        request.sweep_at = clock.now() + timedelta(seconds=settings.JOB_LEASE_S) + MARGIN
        request.save(update_fields=["state", "sweep_at"])
    elif request.state == State.SWEEPING and request.sweep_at is not None and request.sweep_at <= clock.now():
        _erase(request)
        search(request)
        if any(request.found.values()):
            # Somebody is still writing: once more, later.
            log.error("person_still_found", request=request.pk, found=request.found)
            request.sweep_at = clock.now() + MARGIN
            request.save(update_fields=["sweep_at"])
        else:
            _tell_workspaces(request)
            _end(request, State.DONE)
    return str(request.state)


def waiting_erasures() -> list[int]:
    """Requests that a worker has to go on with."""
    begun = PrivacyRequest.objects.filter(state=State.ERASING)
    swept = PrivacyRequest.objects.filter(state=State.SWEEPING, sweep_at__lte=clock.now())
    return [*begun.values_list("pk", flat=True), *swept.values_list("pk", flat=True)]


def answer(request: PrivacyRequest) -> None:
    """A request for a copy has been answered: the names go."""
    refuse_unless(request, State.OPEN)
    if request.exported_at is None:
        raise BadInput("Make the copy first.")
    _end(request, State.DONE)


def refuse(request: PrivacyRequest, outcome: str) -> None:
    """The request is refused, with a reason that holds no names. Raises BadInput without one."""
    refuse_unless(request, State.OPEN)
    outcome = " ".join(outcome.split())[:400]
    if not outcome:
        raise BadInput("Say why it is refused.")
    request.outcome = outcome
    _end(request, State.REFUSED)


def _erase(request: PrivacyRequest) -> None:
    person = _with_aliases(person_of(request))
    if set(names_of(person)) != set(names_of(person_of(request))):
        with transaction.atomic():
            request.identity = _sealed(person)
            request.digests = sorted({*request.digests, *leave_out(person, request)})
            request.save(update_fields=["identity", "digests"])
    for kind in kinds():
        rows = erase_of(kind, person)
        if rows:
            request.erased = request.erased | {kind.name: request.erased.get(kind.name, 0) + rows}
            request.save(update_fields=["erased"])


def _end(request: PrivacyRequest, state: str) -> None:
    if not request.digests:
        request.digests = [keyed_digest(f"request: {what}", name) for what, name in names_of(person_of(request))]
    request.state, request.done_at, request.identity, request.contact = state, clock.now(), "", ""
    with transaction.atomic():
        request.save(update_fields=["state", "done_at", "identity", "contact", "digests", "outcome"])
        event = "privacy.request_refused" if state == State.REFUSED else "privacy.request_done"
        _record(event, request, rows=sum(request.erased.values()))
    _drop_copies(request)
    log.warning("privacy_request_ended", request=request.pk, state=str(state))


def _drop_copies(request: PrivacyRequest) -> None:
    """The copies that were made for it: they hold the names."""
    with all_tenants():
        copies = Export.objects.filter(kind=COPY, subject=str(request.pk))
        ids = list(copies.values_list("pk", flat=True))
        copies.update(state=Export.State.EXPIRED)
    drop_files_of(ids)


def _tell_workspaces(request: PrivacyRequest) -> None:
    """Their logs say that something was erased, and not of whom."""
    numbers = [one["workspace"] for one in request.concerned]
    for tenant_id in (
        Tenant.objects.filter(pk__in=numbers).exclude(state=Tenant.State.ERASED).values_list("pk", flat=True)
    ):
        record("privacy.person_erased", tenant_id=tenant_id, after={"request": request.pk})


def _with_aliases(person: Person) -> Person:
    """The person with all names that our rows know. Raises BadInput where a handle alone leads to several people."""
    if not person.ids and not person.sec_uids:
        ids = _ids(HOLDERS, person) or _ids(FORMER_HOLDERS, person)
        if len(ids) > 1:
            raise BadInput(
                f"Several people have borne this handle, with the ids {', '.join(sorted(ids))}. Find out which of them"
                " is asking, refuse this request, and open one with the id."
            )
        person = person | Person(ids=frozenset(ids))
    for _round in range(MOST_ROUNDS):
        found = person | _aliases(person)
        if found == person:
            break
        person = found
    return person


def _ids(statement: str, person: Person) -> set[str]:
    return {one for (one,) in _in_all_shards(statement, person) if one.isdecimal()}


def _aliases(person: Person) -> Person:
    rows = list(_in_all_shards(ALIASES, person))
    return Person(
        frozenset(handle for handle, _id, _sec_uid in rows if handle),
        frozenset(tiktok_id for _handle, tiktok_id, _sec_uid in rows if tiktok_id.isdecimal()),
        frozenset(sec_uid for _handle, _id, sec_uid in rows if sec_uid),
    )


def _in_all_shards(statement: str, person: Person) -> Iterator[tuple[str, ...]]:
    for schema in schemas():
        with all_tenants(schema), connection.cursor() as cursor:
            cursor.execute(statement, parameters(person))
            yield from cursor.fetchall()


def _concerned(tenant_ids: Iterable[int]) -> list[dict[str, Any]]:
    """With a key of its own a workspace decides what is fetched, and we process for it; with ours we decide, too."""
    tenants = Tenant.objects.filter(pk__in=tenant_ids).order_by("pk")
    return [
        {
            "workspace": tenant.pk,
            "key_mode": str(tenant.key_mode),
            "role": "processor"
            if tenant.key_mode == Tenant.KeyMode.OWN
            or (tenant.key_mode == Tenant.KeyMode.TRIAL and tenant.active_key_id)
            else "controller",
        }
        for tenant in tenants
    ]


def _sealed(person: Person) -> str:
    names = {"handles": sorted(person.handles), "ids": sorted(person.ids), "sec_uids": sorted(person.sec_uids)}
    return lock(orjson.dumps(names).decode(), SEALED_FOR)


def refuse_unless(request: PrivacyRequest, *states: str) -> None:
    """Raises LimitReached for a request in another state."""
    if request.state not in states:
        raise LimitReached(f"This request is {request.get_state_display().lower()}.")


def _record(event: str, request: PrivacyRequest, **facts: Any) -> None:
    record(event, after={"request": request.pk} | facts)


def _send(task: str, request_id: int) -> None:
    """Where the message gets lost, the timetable's round finds what waits."""
    try:
        current_app.send_task(task, args=[request_id])
    except (BrokerError, RedisError, OSError) as error:
        log.warning("message_not_sent", task=task, why=type(error).__name__)
