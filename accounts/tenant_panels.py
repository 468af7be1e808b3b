"""How a tenant stands, as far as accounts knows it: state and key, people, where its rows are, what was done."""

from __future__ import annotations

from django.urls import reverse

from accounts.audit_log import Wanted, find_entries
from accounts.key_list import keys_of
from accounts.models import Tenant, TenantErasure, TenantMove
from accounts.selectors import TenantRef, members_of
from accounts.services.moving import progress_of
from accounts.tenant_page import BAD, GOOD, WARN, Fact, Panel
from tikdash import clock
from tikdash.db.scope import all_tenants, tenant_scope

MOST_MEMBERS, MOST_ENTRIES = 10, 8


def panels(tenant: TenantRef) -> list[Panel]:
    """Health, people and the newest entries of the audit log."""
    row = Tenant.objects.select_related("shard").get(pk=tenant.id)
    if row.state == Tenant.State.ERASED:
        return [Panel("Erased", nothing="Nothing of this workspace is left but a number.")]
    return [_health(tenant, row), _people(tenant), _log(tenant)]


def _health(tenant: TenantRef, row: Tenant) -> Panel:
    facts = [
        Fact("State", row.get_state_display(), BAD if row.state == Tenant.State.SUSPENDED else ""),
        Fact("Fetching", f"paused since {at(row.fetching_paused_at)}: {row.fetching_paused_reason}", BAD)
        if row.fetching_paused_at
        else Fact("Fetching", "goes on", GOOD),
        *_key(tenant),
        Fact("Rows", f"in the schema {row.shard.schema_name} ({row.shard.kind})"),
    ]
    with all_tenants():
        move = TenantMove.objects.filter(tenant_id=tenant.id).exclude(state=TenantMove.State.DONE).first()
        asked = TenantErasure.objects.filter(number=tenant.id, state=TenantErasure.State.ASKED).first()
    if move is not None:
        said = f"from {move.source} to {move.target} since {at(move.started_at)}: {progress_of(move)}"
        facts.append(Fact("Move", said, WARN))
    if asked is not None:
        facts.append(Fact("Deletion", f"asked for; erased at {at(asked.erase_at)}", BAD))
    if row.trial_ends_at and row.state == Tenant.State.TRIAL:
        days = (row.trial_ends_at - clock.now()).days
        facts.append(
            Fact("Trial", f"ends at {at(row.trial_ends_at)}, in {max(0, days)} days", WARN if days < 3 else "")
        )
    return Panel("Health", tuple(facts))


def _key(tenant: TenantRef) -> list[Fact]:
    """The key mode, and keys by their last four characters."""
    with tenant_scope(tenant):
        keys = keys_of(tenant.id)
    facts = [Fact("Key mode", keys.mode_label)]
    if keys.current is not None:
        is_bad = keys.current.state != "active"
        why = f": {keys.current.error}" if keys.current.error else ""
        facts.append(
            Fact(
                "Own key",
                f"…{keys.current.last_four}, {keys.current.state_label.lower()}{why}",
                BAD if is_bad else GOOD,
            )
        )
    elif keys.mode == Tenant.KeyMode.OWN:
        facts.append(Fact("Own key", "none", BAD))
    if keys.pending is not None:
        facts.append(Fact("Being checked", f"…{keys.pending.last_four}, {keys.pending.step_label.lower()}", WARN))
    if keys.refused is not None:
        facts.append(Fact("Refused last", f"…{keys.refused.last_four}: {keys.refused.error}", WARN))
    return facts


def _people(tenant: TenantRef) -> Panel:
    members = members_of(tenant.id)
    return Panel(
        "People",
        (Fact("Members", str(len(members))),),
        ("Person", "Role", "Since", ""),
        tuple(
            (
                one.email,
                one.role,
                f"{one.since:%Y-%m-%d}",
                "inactive" if not one.is_active else "waits for a seat" if one.waits else "",
            )
            for one in members[:MOST_MEMBERS]
        ),
        nothing="Nobody is in this workspace.",
        link=f"{reverse('admin:accounts_membership_changelist')}?q={tenant.slug}",
        permission="accounts.view_membership",
    )


def _log(tenant: TenantRef) -> Panel:
    with tenant_scope(tenant):
        entries = find_entries(Wanted(), most=MOST_ENTRIES).entries
    return Panel(
        "Audit log",
        (),
        ("When", "What", "Who", "Why"),
        tuple((at(one.at), one.sentence, one.who, one.reason or "–") for one in entries),
        nothing="Nothing is written down.",
        link=f"{reverse('admin:accounts_auditentryrow_changelist')}?q={tenant.slug}",
        permission="accounts.view_auditentryrow",
    )


def at(moment: object) -> str:
    """A moment for operators, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"
