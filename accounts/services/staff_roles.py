"""Roles of staff: support reads, refreshes and looks as a person; finance bills; engineers may all.

A role is a group with permissions. Superusers give it to people on their page of the administration. Groups are made
and brought up to date behind every migration of the shared tables (`accounts.apps`): only then does Django have made
the permissions of what is new, which no migration could rely on. What somebody gave to a group by hand is kept out.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import Group, Permission

#: Apps whose tables the administration shows.
OURS = ("accounts", "billing", "snapshots")
#: What people at TikTok asked of us is for those who answer them.
PRIVACY = ("privacyrequest", "leftout")
SUPPORT, FINANCE, ENGINEER = "support", "finance", "engineer"

#: What each role has, asked of an app's label and a permission's codename.
ROLES: dict[str, Callable[[str, str], bool]] = {
    SUPPORT: lambda app, name: (
        (app in OURS and name.startswith(("view_", "refresh_")) and not name.endswith(PRIVACY))
        or (app, name) == ("accounts", "look_as_person")
    ),
    FINANCE: lambda app, name: (
        app == "billing"
        or (app, name) in {("accounts", one) for one in ("view_tenant", "view_auditentryrow", "give_plan")}
    ),
    ENGINEER: lambda app, name: app in (*OURS, "mfa", "django_celery_beat"),
}


def bring_roles_up_to_date() -> None:
    """Each group has what its role has, and nothing else. Twice: nothing changes."""
    known = list(Permission.objects.select_related("content_type"))
    for role, has in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([one for one in known if has(one.content_type.app_label, one.codename)])
