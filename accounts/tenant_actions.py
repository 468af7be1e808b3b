"""What operators do to a tenant, as far as accounts does it: fetching, key, place, sessions, a copy of all."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryFile

from django import forms
from django.http import FileResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Shard, Tenant, TenantKey, TenantMove
from accounts.selectors import TenantRef, members_of
from accounts.services import changing, moving, own_keys, people
from accounts.services.leaving import write_for_operators
from accounts.services.pausing import pause_tenant, resume_tenant
from accounts.tenant_page import LONGEST_REASON, Asked, TenantAction
from tikdash.db.scope import all_tenants, tenant_scope
from tikdash.words import counted


class ReasonForm(forms.Form):
    """The sentence that stands in the customer's audit log."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="A sentence that the customer reads.",
        error_messages={"required": "Say why: the customer reads the reason."},
        widget=UnfoldAdminTextInputWidget(),
    )


def reason_form(tenant: TenantRef) -> type[forms.Form]:
    """The same for every tenant."""
    return ReasonForm


def choice_form(name: str, label: str, choices: Sequence[tuple[str, str]], initial: str) -> type[forms.Form]:
    """A choice, and why."""
    field = forms.ChoiceField(choices=list(choices), initial=initial, label=label, widget=UnfoldAdminSelectWidget())
    return type("ChoiceForm", (ReasonForm,), {name: field, "field_order": [name, "reason"]})


def _row(tenant: TenantRef) -> Tenant:
    return Tenant.objects.select_related("shard").get(pk=tenant.id)


# --- fetching --------------------------------------------------------------------------------------------------------


def _pause(asked: Asked) -> str:
    pause_tenant(slug=asked.tenant.slug, reason=asked.data["reason"])
    return "Fetching is paused."


def _resume(asked: Asked) -> str:
    return "Fetching goes on." if resume_tenant(slug=asked.tenant.slug) else "It was not paused."


# --- plan and key ----------------------------------------------------------------------------------------------------


def _key_mode_form(tenant: TenantRef) -> type[forms.Form]:
    return choice_form("mode", "Key mode", Tenant.KeyMode.choices, _row(tenant).key_mode)


def _change_key_mode(asked: Asked) -> str:
    changed = changing.change_key_mode(tenant=asked.tenant, mode=asked.data["mode"], reason=asked.data["reason"])
    paused = f" Fetching is paused: {changed.paused_reason}" if changed.paused_reason else " Fetching goes on."
    return f"The key mode is “{Tenant.KeyMode(changed.key_mode).label}”.{paused}"


def _key_in_use(tenant: TenantRef) -> TenantKey | None:
    with tenant_scope(tenant):
        return TenantKey.objects.filter(pk=_row(tenant).active_key_id or 0, state=TenantKey.State.ACTIVE).first()


def _try_key(asked: Asked) -> str:
    own_keys.ask_for_another_try(tenant=asked.tenant)
    return "A worker tries the key. What comes of it stands in the audit log below."


def _key_says(tenant: TenantRef) -> Sequence[str]:
    key = _key_in_use(tenant)
    return [
        f"The key …{key.last_four if key else '?'} is tried as when it was entered: with an account and a post, up to"
        " three credits of the customer's own.",
        "Where TikLiveAPI refuses it, fetching is paused and the owners are written to. Otherwise nothing changes.",
    ]


# --- place -----------------------------------------------------------------------------------------------------------


def _is_dedicated(tenant: TenantRef) -> bool:
    return bool(_row(tenant).shard.kind == Shard.Kind.DEDICATED)


def _move_says(tenant: TenantRef) -> Sequence[str]:
    to = "the shared schema" if _is_dedicated(tenant) else "a schema of its own"
    return [
        f"All rows of {tenant.name} are copied into {to}, compared one by one, and deleted where they were.",
        "Meanwhile the workspace is read-only and nothing is fetched: minutes, for large ones an hour. Nothing is lost"
        " whatever is killed; asked for again, it goes on where it stopped. This page shows how far it is.",
    ]


def _move(asked: Asked) -> str:
    moving.ask_for_move(tenant=asked.tenant, dedicated=not _is_dedicated(asked.tenant))
    return "A worker moves the rows. This page shows how far it is."


def _move_refuses(tenant: TenantRef) -> str:
    with all_tenants():
        move = TenantMove.objects.filter(tenant_id=tenant.id).exclude(state=TenantMove.State.DONE).first()
    if move is not None and move.state == TenantMove.State.SWITCHED:
        return "The move has changed sides and is being ended."
    return ""


# --- people ----------------------------------------------------------------------------------------------------------


def _sign_out(asked: Asked) -> str:
    ended = people.sign_out_everybody(tenant=asked.tenant, reason=asked.data["reason"])
    return f"Ended: {counted(ended, 'session')}."


def _sign_out_says(tenant: TenantRef) -> Sequence[str]:
    return [
        f"{counted(len(members_of(tenant.id)), 'member')} of {tenant.name} are signed out on every host and browser, in"
        " other workspaces, too. They sign in again with the password that they have."
    ]


def _take_along(asked: Asked) -> FileResponse:
    file = TemporaryFile()  # noqa: SIM115  (the answer closes it)
    try:
        write_for_operators(tenant=asked.tenant, to=file, reason=asked.data["reason"])
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{asked.tenant.slug}-everything.zip")


ACTIONS = [
    TenantAction(
        "pause", "Pause fetching", "accounts.pause_fetching",
        lambda tenant: [
            f"Nothing is fetched for {tenant.name} from now on; what was collected stays readable.",
            "Its pages show the reason. Jobs that run end; the others are due as before when it goes on.",
        ],
        _pause, reason_form,
        lambda tenant: "Fetching is paused already." if tenant.paused_reason else "",
    ),
    TenantAction(
        "resume", "Resume fetching", "accounts.pause_fetching",
        lambda tenant: [f"What is due for {tenant.name} is fetched again. It spends the credits that it would have."],
        _resume, None,
        lambda tenant: "" if tenant.paused_reason else "Fetching is not paused.",
    ),
    TenantAction(
        "key-mode", "Change the key mode", "accounts.try_key",
        lambda tenant: [
            f"{tenant.name} uses another key from the next request on; nothing else changes. Its own key, where it has"
            " one, stays for the way back.",
            "On the shared key its credits are ours to pay, within the limits of its plan.",
        ],
        _change_key_mode, _key_mode_form,
    ),
    TenantAction(
        "try-key", "Try the key again", "accounts.try_key", _key_says, _try_key, None,
        lambda tenant: "" if _key_in_use(tenant) else "There is no key of its own in use.",
    ),
    TenantAction(
        "move", "Move the rows", "accounts.move_tenant", _move_says, _move, None, _move_refuses, is_grave=True,
    ),
    TenantAction(
        "sign-out", "Sign out everybody", "accounts.sign_out_people", _sign_out_says, _sign_out, reason_form,
        is_grave=True,
    ),
    TenantAction(
        "take-along", "Download all there is", "accounts.take_along",
        lambda tenant: [
            f"A zip with every table of {tenant.name} as CSV, its pictures and who its people are; for a customer who"
            " asked for a copy. Keys, tokens and what they are checked with are left out.",
            "That it was made, and why, stands in the customer’s audit log.",
        ],
        _take_along, reason_form, is_grave=True,
    ),
]  # fmt: skip
