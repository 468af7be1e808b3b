"""People and settings, on a workspace's host."""

from __future__ import annotations

from django.urls import path

from accounts.web import joining, people, telling, workspace

urlpatterns = [
    path("people/", people.index, name="people"),
    path("people/invite/", people.invite_person, name="invite"),
    path("people/invitations/<int:invitation_id>/resend/", people.resend, name="invitation_resend"),
    path("people/invitations/<int:invitation_id>/revoke/", people.revoke, name="invitation_revoke"),
    path("people/<int:membership_id>/role/", people.role, name="member_role"),
    path("people/<int:membership_id>/remove/", people.remove, name="member_remove"),
    path("people/transfer/", people.transfer, name="transfer"),
    path("people/leave/", people.leave, name="leave"),
    path("join/<str:token>/", joining.join, name="join"),
    path("settings/", workspace.workspace_settings, name="workspace_settings"),
    path("announcements/<int:announcement_id>/dismiss/", telling.dismiss_announcement, name="announcement_dismiss"),
    path("workspaces/menu/", workspace.switcher, name="switcher"),
]
