"""What the audit log can say: every event by its name, the part of the product it belongs to, and its sentence.

A sentence takes `{target}` and, by name, what the entry holds as `after` (or, where that lacks it, `before`). Entries
outlive sentences: an event may be worded anew, but its name stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class AuditEvent:
    """One kind of entry. `ops_only` are those that name no tenant: operators alone see them."""

    name: str
    sentence: str | Promise
    ops_only: bool = False
    #: What the entry counts, and the sentence where that is one.
    one: tuple[str, str | Promise] | None = None

    @property
    def area(self) -> str:
        """The part of the product, the first word of the name."""
        return self.name.partition(".")[0]


AREAS: dict[str, str | Promise] = {
    "account": _("Accounts"),
    "list": _("Lists of handles"),
    "value": _("Decisions on values"),
    "fetching": _("Fetching"),
    "workspace": _("Workspace and plan"),
    "person": _("People and security"),
    "key": _("Keys"),
    "token": _("API tokens"),
    "privacy": _("Privacy"),
    "billing": _("Credits and invoices"),
    "support": _("Tikdash staff"),
    "operations": _("Operations"),
}

_ALL = (
    AuditEvent("account.requested", _("Asked to track {target}")),
    AuditEvent("account.tracked", _("Began to track {target}")),
    AuditEvent(
        "account.stopped",
        _("Stopped tracking {count} accounts: {target}"),
        one=("count", _("Stopped tracking {count} account: {target}")),
    ),
    AuditEvent(
        "account.stop_undone",
        _("Took back that {count} accounts were stopped"),
        one=("count", _("Took back that {count} account was stopped")),
    ),
    AuditEvent("account.deleted", _("Deleted a stopped account with all it had")),
    AuditEvent(
        "account.paused", _("Paused {count} accounts: {target}"), one=("count", _("Paused {count} account: {target}"))
    ),
    AuditEvent(
        "account.resumed",
        _("Resumed {count} accounts: {target}"),
        one=("count", _("Resumed {count} account: {target}")),
    ),
    AuditEvent(
        "account.tagged",
        _("Added the tags {tags} to {count} accounts"),
        one=("count", _("Added the tags {tags} to {count} account")),
    ),
    AuditEvent(
        "account.untagged",
        _("Took the tags {tags} from {count} accounts"),
        one=("count", _("Took the tags {tags} from {count} account")),
    ),
    AuditEvent("account.changed", _("Changed why {target} is tracked, or its tags")),
    AuditEvent(
        "account.refreshed",
        _("Asked for new numbers of {count} accounts"),
        one=("count", _("Asked for new numbers of {count} account")),
    ),
    AuditEvent("account.note_written", _("Wrote a note at {day} of {target}")),
    AuditEvent("account.note_changed", _("Changed a note of {target}")),
    AuditEvent("account.note_removed", _("Removed a note of {target}")),
    AuditEvent("account.note_restored", _("Brought a note of {target} back")),
    AuditEvent("account.backfill_started", _("Began to read {months} months of history of {target}")),
    AuditEvent("account.backfill_cancelled", _("Called off the reading of history of {target}")),
    AuditEvent(
        "list.started",
        _("Sent a list of {wanted} handles, {begun} of them new"),
        one=("wanted", _("Sent a list of {wanted} handle, new: {begun}")),
    ),
    AuditEvent(
        "list.cancelled",
        _("Called off {cancelled} checks of a list"),
        one=("cancelled", _("Called off {cancelled} check of a list")),
    ),
    AuditEvent("value.accepted", _("Accepted {counter} = {value} of {target} on {day}")),
    AuditEvent("value.rejected", _("Rejected {counter} = {value} of {target} on {day}")),
    AuditEvent("fetching.paused", _("Paused all fetching")),
    AuditEvent("fetching.resumed", _("Resumed fetching")),
    AuditEvent(
        "fetching.jobs_retried",
        _("Gave {count} dead jobs another chance"),
        one=("count", _("Gave {count} dead job another chance")),
    ),
    AuditEvent("fetching.kind_paused", _("Paused jobs of kind {target} for all"), ops_only=True),
    AuditEvent("fetching.kind_resumed", _("Resumed jobs of kind {target}"), ops_only=True),
    AuditEvent("fetching.incident_marked", _("Marked an outage of TikLiveAPI {target}"), ops_only=True),
    AuditEvent("fetching.incident_removed", _("Removed the outage of TikLiveAPI {target}"), ops_only=True),
    AuditEvent("fetching.schedule_changed", _("Changed the timetable of {target}"), ops_only=True),
    AuditEvent("fetching.task_sent", _("Ran the task {target} by hand"), ops_only=True),
    AuditEvent("workspace.alerts_added", _("Sends alerts about credits to {where}")),
    AuditEvent("workspace.alerts_removed", _("Sends no more alerts about credits to {where}")),
    AuditEvent("workspace.created", _("Made the workspace {target}")),
    AuditEvent("workspace.changed", _("Changed the workspace: {fields}")),
    AuditEvent("workspace.closing", _("Asked to delete the workspace on {erase_on}")),
    AuditEvent("workspace.taken_along", _("Downloaded all that the workspace has")),
    AuditEvent("workspace.export_asked", _("Asked for the export “{kind}”")),
    AuditEvent("workspace.export_made", _("The export “{kind}” is ready")),
    AuditEvent("workspace.export_downloaded", _("Downloaded the export “{kind}”")),
    AuditEvent("workspace.export_cancelled", _("Called off the export “{kind}”")),
    AuditEvent("workspace.export_deleted", _("Deleted the export “{kind}”")),
    AuditEvent("workspace.kept", _("Took back the deletion of the workspace")),
    AuditEvent("privacy.request_opened", _("A person asked for {kind} (request {request})"), ops_only=True),
    AuditEvent("privacy.person_searched", _("Looked for the person of request {request}"), ops_only=True),
    AuditEvent("privacy.person_exported", _("Made a copy for the person of request {request}"), ops_only=True),
    AuditEvent("privacy.copy_downloaded", _("Downloaded the copy of request {request}"), ops_only=True),
    AuditEvent("privacy.erasure_begun", _("Began to erase the person of request {request}"), ops_only=True),
    AuditEvent("privacy.entry_deleted", _("A {what} of request {request} is left out no longer"), ops_only=True),
    AuditEvent("privacy.request_done", _("Request {request} is done"), ops_only=True),
    AuditEvent("privacy.request_refused", _("Request {request} was refused"), ops_only=True),
    AuditEvent("privacy.person_erased", _("What was kept about a person was erased at that person’s request")),
    AuditEvent("privacy.workspace_erased", _("Erased a workspace; certificate {certificate}"), ops_only=True),
    AuditEvent("workspace.move_asked", _("Asked to move the data to: {to}")),
    AuditEvent("workspace.move_stopped", _("The move of the data stands still")),
    AuditEvent("workspace.moved", _("Moved the data to the schema {schema}")),
    AuditEvent("workspace.move_abandoned", _("Called off the move of the data; it stays in the schema {schema}")),
    AuditEvent("workspace.plan_changed", _("Changed the plan to {plan}")),
    AuditEvent("workspace.key_mode_changed", _("Changed the key mode to {key_mode}")),
    AuditEvent("workspace.trial_ended", _("The trial has ended")),
    AuditEvent("workspace.suspended", _("Suspended the workspace")),
    AuditEvent("workspace.returned", _("Took the suspension back")),
    AuditEvent("key.added", _("Entered the key {target}")),
    AuditEvent("key.activated", _("The key {target} passed its check and is in use")),
    AuditEvent("key.refused", _("The key {target} did not pass its check")),
    AuditEvent("key.invalid", _("TikLiveAPI refused the key {target}; fetching is paused")),
    AuditEvent("key.tried", _("Tried the key {target} again: {found}")),
    AuditEvent("key.deleted", _("Deleted the key {target}")),
    AuditEvent("key.shared_used", _("Went back to the shared key")),
    AuditEvent("token.created", _("Made the API token {target}")),
    AuditEvent("token.rotated", _("Replaced the API token {target}; the old one works until {until}")),
    AuditEvent("token.revoked", _("Revoked the API token {target}")),
    AuditEvent("person.added", _("Added {target} as {role}")),
    AuditEvent("person.invited", _("Invited {target} as {role}")),
    AuditEvent("person.invited_again", _("Sent {target} the invitation again")),
    AuditEvent("person.invitation_revoked", _("Took back the invitation of {target}")),
    AuditEvent("person.joined", _("{target} joined as {role}")),
    AuditEvent("person.role_changed", _("Made {target} {role}")),
    AuditEvent("person.removed", _("Removed {target}")),
    AuditEvent(
        "person.signed_out",
        _("Signed everybody out, {sessions} sessions"),
        one=("sessions", _("Signed everybody out, {sessions} session")),
    ),
    AuditEvent("person.left", _("{target} left the workspace")),
    AuditEvent("billing.granted", _("Gave {credits} credits")),
    AuditEvent("billing.corrected", _("Corrected the credits of {day} by {credits}")),
    AuditEvent("billing.invoiced", _("Issued the invoice {target}")),
    AuditEvent("billing.limit_raised", _("Raised the limit “{target}” to {value} until {until}")),
    AuditEvent("billing.limit_raise_ended", _("Ended the raise of the limit “{target}”")),
    AuditEvent("billing.budget_changed", _("Changed the workspace's own budget")),
    AuditEvent("billing.plan_saved", _("Changed the plan {target}"), ops_only=True),
    AuditEvent("billing.plan_removed", _("Removed the plan {target}"), ops_only=True),
    AuditEvent("billing.pack_saved", _("Wrote down the pack {target}"), ops_only=True),
    AuditEvent("billing.pack_removed", _("Removed the pack {target}"), ops_only=True),
    AuditEvent("billing.cap_saved", _("Changed the budget of {target}"), ops_only=True),
    AuditEvent("billing.cap_removed", _("Removed the budget of {target}"), ops_only=True),
    AuditEvent("operations.announced", _("Announced to customers: {text}"), ops_only=True),
    AuditEvent("operations.announcement_changed", _("Changed an announcement: {text}"), ops_only=True),
    AuditEvent("operations.announcement_removed", _("Removed an announcement: {text}"), ops_only=True),
    AuditEvent("operations.maintenance_began", _("Began a maintenance: {sentence}"), ops_only=True),
    AuditEvent("operations.maintenance_ended", _("Ended the maintenance"), ops_only=True),
    AuditEvent("operations.person_saved", _("Changed the log-in {target}: {fields}"), ops_only=True),
    AuditEvent("operations.person_removed", _("Removed the log-in {target}"), ops_only=True),
    AuditEvent("operations.second_factor_removed", _("Removed a second factor of {target}"), ops_only=True),
    AuditEvent("operations.alerts_saved", _("Changed where alerts go: {target}"), ops_only=True),
    AuditEvent("operations.alerts_removed", _("Sends no more alerts to {target}"), ops_only=True),
    AuditEvent(
        "operations.list_downloaded",
        _("Downloaded {rows} rows of the list “{target}”, filtered by {filter}"),
        one=("rows", _("Downloaded {rows} row of the list “{target}”, filtered by {filter}")),
        ops_only=True,
    ),
    AuditEvent("support.looked", _("Began to look at the workspace as {target}, without changing anything")),
    AuditEvent("support.look_ended", _("Ended the look as {target}")),
    AuditEvent("workspace.handed_over", _("Handed the workspace over to {target}")),
)
EVENTS: dict[str, AuditEvent] = {event.name: event for event in _ALL}


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "–"


def sentence_of(name: str, target: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What an entry says, in the present language; the bare name for one that no longer exists."""
    event = EVENTS.get(name)
    if event is None:
        return name
    facts = _Facts({**(before or {}), **(after or {}), "target": target or "–"})
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in facts.items()}
    sentence = event.one[1] if event.one and facts[event.one[0]] == 1 else event.sentence
    return str(sentence).format_map(_Facts(shown))
