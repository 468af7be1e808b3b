"""Every address of a tenant's host × everybody who may come: what each of them gets, and guessed ids get nothing.

A new address without a row fails. Who is who: nobody, a member, an admin, the owner, another tenant's owner, somebody
without any workspace, staff without a second factor, staff.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Export, Invitation, User
from accounts.roles import Capability, can
from accounts.services.tenants import add_member
from accounts.services.tokens import create_token
from billing.models import AlertChannel, Invoice, Plan
from snapshots.models import AccountNote, FetchJob, ImportBatch, Removal, TrackedAccount
from snapshots.pictures.files import keep_file
from tests.cast import Cast
from tests.factories import make_account, make_job, make_post, make_snapshots
from tikdash import clock
from tikdash.db.scope import tenant_scope

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
#: Reached without being a member, because one becomes somebody there.
OPEN = {
    "account_login", "account_logout", "account_signup", "account_inactive", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_email_verification_sent", "mfa_authenticate", "mfa_login_webauthn", "you", "account_email", "welcome",
    "join",
    "enter_workspace", "look", "look_end", "choose_language",
}  # fmt: skip
#: Every other address: how it is called, and with which ids.
MEMBERS_ONLY = {
    "people": "GET",
    "invite": "POST",
    "invitation_resend": "POST",
    "invitation_revoke": "POST",
    "member_role": "POST",
    "member_remove": "POST",
    "transfer": "GET",
    "leave": "GET",
    "workspace_settings": "GET",
    "switcher": "GET",
    "announcement_dismiss": "POST",
    "account_reauthenticate": "GET",
    "mfa_reauthenticate": "GET",
    "mfa_reauthenticate_webauthn": "GET",
    "start": "GET",
    "overview": "GET",
    "posts": "GET",
    "post": "GET",
    "post_video": "POST",
    "posts_export": "GET",
    "compare": "GET",
    "compare_series": "GET",
    "hashtags": "GET",
    "sounds": "GET",
    "accounts": "GET",
    "account_add": "GET",
    "account_check": "GET",
    "account": "GET",
    "account_header": "GET",
    "account_series": "GET",
    "account_posts": "GET",
    "account_refresh": "POST",
    "account_viewed": "POST",
    "account_change": "POST",
    "backfill": "GET",
    "backfill_cancel": "POST",
    "notes": "POST",
    "note": "GET",
    "note_remove": "POST",
    "note_undo": "POST",
    "accounts_export": "GET",
    "account_posts_export": "GET",
    "account_growth_export": "GET",
    "accounts_selected": "POST",
    "removal_undo": "POST",
    "bulk": "GET",
    "bulk_progress": "GET",
    "bulk_cancel": "POST",
    "bulk_errors": "GET",
    "compare_export": "GET",
    "compare_series_export": "GET",
    "overview_export": "GET",
    "hashtags_export": "GET",
    "sounds_export": "GET",
    "account_hashtags_export": "GET",
    "account_sounds_export": "GET",
    "account_comments_export": "GET",
    "account_stories_export": "GET",
    "account_audience_export": "GET",
    "post_export": "GET",
    "account_samples_export": "GET",
    "account_happened_export": "GET",
    "account_jobs_export": "GET",
    "account_costs_export": "GET",
    "account_hours_export": "GET",
    "account_weeks_export": "GET",
    "settings_numbers": "GET",
    "picture": "GET",
    "prefetch_rules": "GET",
    "preferences": "GET",
    "keys": "GET",
    "keys_progress": "GET",
    "key_delete": "POST",
    "key_shared": "POST",
    "tokens": "GET",
    "token_rotate": "POST",
    "token_revoke": "POST",
    "audit": "GET",
    "audit_export": "GET",
    "workspace_delete": "GET",
    "workspace_keep": "POST",
    "exports": "GET",
    "exports_progress": "GET",
    "export_file": "GET",
    "export_cancel": "POST",
    "export_again": "POST",
    "export_delete": "POST",
    "usage": "GET",
    "alert_channel_add": "POST",
    "alert_channel_remove": "POST",
    "invoice": "GET",
    "invoice_csv": "GET",
}
#: What an address asks of a role; all others are for every member.
NEEDS = {
    "keys": Capability.MANAGE_KEYS,
    "keys_progress": Capability.MANAGE_KEYS,
    "key_delete": Capability.MANAGE_KEYS,
    "key_shared": Capability.MANAGE_KEYS,
    "tokens": Capability.MANAGE_TOKENS,
    "token_rotate": Capability.MANAGE_TOKENS,
    "token_revoke": Capability.MANAGE_TOKENS,
    "audit": Capability.READ_AUDIT_LOG,
    "audit_export": Capability.READ_AUDIT_LOG,
    "workspace_delete": Capability.CLOSE_WORKSPACE,
    "workspace_keep": Capability.CLOSE_WORKSPACE,
    "invite": Capability.MANAGE_PEOPLE,
    "invitation_resend": Capability.MANAGE_PEOPLE,
    "invitation_revoke": Capability.MANAGE_PEOPLE,
    "member_role": Capability.MANAGE_PEOPLE,
    "member_remove": Capability.MANAGE_PEOPLE,
    "transfer": Capability.TRANSFER_OWNERSHIP,
    "workspace_settings": Capability.MANAGE_WORKSPACE,
    "alert_channel_add": Capability.MANAGE_WORKSPACE,
    "alert_channel_remove": Capability.MANAGE_WORKSPACE,
    "invoice": Capability.MANAGE_WORKSPACE,
    "invoice_csv": Capability.MANAGE_WORKSPACE,
}
#: Forms that are sent empty are answered with what they lack; what is not under way cannot be called off.
ANSWERS = {
    "notes": (422,),
    # No upstream answers here.
    "post_video": (422,),
    "account_change": (400,),
    "backfill_cancel": (404,),
    "invite": (422,),
    "alert_channel_add": (422,),
    # Without its link; of nobody, so that only who manages the workspace may call it off; not made yet.
    "export_file": (404,),
    "export_cancel": (302, 404),
    "export_again": (404,),
    "export_delete": (404,),
    "member_role": (400,),
    "announcement_dismiss": (404,),
}
#: What stands open looks the same to everybody: no address of it shows anything of a workspace.
PATHS_OF_OPEN = {
    "account_login": "/log-in/", "account_logout": "/log-out/", "account_signup": "/sign-up/",
    "account_inactive": "/inactive/", "account_reset_password": "/password/reset/",
    "account_reset_password_done": "/password/reset/sent/",
    "account_reset_password_from_key": "/password/reset/key/1-x/",
    "account_reset_password_from_key_done": "/password/reset/done/",
    "account_email_verification_sent": "/confirm-address/", "mfa_authenticate": "/log-in/second-factor/",
    "mfa_login_webauthn": "/log-in/passkey/", "you": "/you/", "account_email": "/you/email/", "welcome": "/welcome/",
    "join": "/join/x/", "enter_workspace": "/enter/", "look": "/look/",
    "look_end": "/look/end/", "choose_language": "/language/",
}  # fmt: skip
STRANGERS = ("rita", "gil", "nora", "plain_staff", "olga")
ROLES = {"max": "member", "ada": "admin", "ana": "owner"}
PATHS = {
    "people": "/people/",
    "invite": "/people/invite/",
    "invitation_resend": "/people/invitations/{invitation}/resend/",
    "invitation_revoke": "/people/invitations/{invitation}/revoke/",
    "member_role": "/people/{membership}/role/",
    "member_remove": "/people/{membership}/remove/",
    "transfer": "/people/transfer/",
    "leave": "/people/leave/",
    "workspace_settings": "/settings/",
    "switcher": "/workspaces/menu/",
    "announcement_dismiss": "/announcements/{account}/dismiss/",
    "account_reauthenticate": "/confirm/password/",
    "mfa_reauthenticate": "/confirm/code/",
    "mfa_reauthenticate_webauthn": "/confirm/passkey/",
    "start": "/",
    "overview": "/overview/",
    "posts": "/posts/",
    "post": "/posts/{post}/",
    "post_video": "/posts/{post}/video/",
    "posts_export": "/posts/export.csv",
    "compare": "/compare/?accounts={account}",
    "compare_series": "/compare/series.json?accounts={account}",
    "hashtags": "/hashtags/",
    "sounds": "/sounds/",
    "accounts": "/accounts/",
    "account_add": "/accounts/add/",
    "account_check": "/accounts/checks/{check}/",
    "account": "/accounts/{account}/",
    "account_header": "/accounts/{account}/header/",
    "account_series": "/accounts/{account}/series.json",
    "account_posts": "/accounts/{account}/posts/",
    "account_refresh": "/accounts/{account}/refresh/",
    "account_viewed": "/accounts/{account}/viewed/",
    "account_change": "/accounts/{account}/state/",
    "backfill": "/accounts/{account}/backfill/",
    "backfill_cancel": "/accounts/{account}/backfill/cancel/",
    "notes": "/accounts/{account}/notes/",
    "note": "/accounts/{account}/notes/{note}/",
    "note_remove": "/accounts/{account}/notes/{note}/remove/",
    "note_undo": "/accounts/{account}/notes/{note}/undo/",
    "accounts_export": "/accounts/export.csv",
    "account_posts_export": "/accounts/{account}/posts/export.xlsx",
    "account_growth_export": "/accounts/{account}/growth/export.csv",
    "accounts_selected": "/accounts/selected/",
    "removal_undo": "/accounts/removals/{removal}/undo/",
    "bulk": "/accounts/bulk/",
    "bulk_progress": "/accounts/bulk/{batch}/",
    "bulk_cancel": "/accounts/bulk/{batch}/cancel/",
    "bulk_errors": "/accounts/bulk/{batch}/not-added.csv",
    "prefetch_rules": "/prefetch.json",
    "preferences": "/preferences/",
    "keys": "/settings/keys/",
    "keys_progress": "/settings/keys/progress/",
    "key_delete": "/settings/keys/delete/",
    "key_shared": "/settings/keys/shared/",
    "tokens": "/settings/tokens/",
    "token_rotate": "/settings/tokens/{token}/replace/",
    "token_revoke": "/settings/tokens/{token}/revoke/",
    "audit": "/settings/audit/",
    "audit_export": "/settings/audit/export.csv",
    "workspace_delete": "/settings/delete/",
    "workspace_keep": "/settings/delete/keep/",
    "exports": "/settings/exports/",
    "exports_progress": "/settings/exports/progress/",
    "export_file": "/settings/exports/00000000-0000-0000-0000-{export:012d}/file/",
    "export_cancel": "/settings/exports/00000000-0000-0000-0000-{export:012d}/cancel/",
    "export_again": "/settings/exports/00000000-0000-0000-0000-{export:012d}/again/",
    "export_delete": "/settings/exports/00000000-0000-0000-0000-{export:012d}/delete/",
    "compare_export": "/compare/export.csv?accounts={account}",
    "compare_series_export": "/compare/series/export.csv?accounts={account}",
    "overview_export": "/overview/movers/export.csv",
    "hashtags_export": "/hashtags/export.csv",
    "sounds_export": "/sounds/export.csv",
    "account_hashtags_export": "/accounts/{account}/hashtags/export.csv",
    "account_sounds_export": "/accounts/{account}/sounds/export.csv",
    "account_comments_export": "/accounts/{account}/comments/export.csv",
    "account_stories_export": "/accounts/{account}/stories/export.csv",
    "account_audience_export": "/accounts/{account}/audience/export.csv",
    "usage": "/settings/usage/",
    "alert_channel_add": "/settings/usage/alerts/add/",
    "alert_channel_remove": "/settings/usage/alerts/{channel}/remove/",
    "invoice": "/settings/invoices/2026-10-{invoice:06d}/",
    "invoice_csv": "/settings/invoices/2026-10-{invoice:06d}/usage.csv",
    "post_export": "/posts/{post}/export.csv",
    "account_samples_export": "/accounts/{account}/samples/export.csv",
    "account_happened_export": "/accounts/{account}/happened/export.csv",
    "account_jobs_export": "/accounts/{account}/jobs/export.csv",
    "account_costs_export": "/accounts/{account}/costs/export.csv",
    "account_hours_export": "/accounts/{account}/hours/export.csv",
    "account_weeks_export": "/accounts/{account}/weeks/export.csv",
    "settings_numbers": "/settings/numbers/",
    "picture": "/media/pictures/{tenant}/avatar/ab/" + 20 * "ab" + ".webp",
}
WITH_ID = [name for name, path in PATHS.items() if "{" in path]


def all_names(resolver: URLResolver | None = None) -> set[str]:
    names: set[str] = set()
    for pattern in (resolver or get_resolver("tikdash.urls")).url_patterns:
        if isinstance(pattern, URLPattern):
            names.add(pattern.name or str(pattern.pattern))
        else:
            names |= all_names(pattern)
    return names


def ask(name: str, host: str, ids: dict[str, int], user: User | None, **headers: str) -> Any:
    client = Client(headers={"host": host, **headers})
    if user is not None:
        client.force_login(user, backend=BACKEND)
    path = PATHS[name].format(**ids)
    return client.post(path) if MEMBERS_ONLY[name] == "POST" else client.get(path)


def with_password(user: User, cast: Cast) -> User:
    """The person with Ana's password: making a hash takes a second."""
    User.objects.filter(pk=user.pk).update(password=cast.ana.password)
    return User.objects.get(pk=user.pk)


def who(cast: Cast, person: str) -> User:
    """One of the cast, or somebody made for this: an admin of Acme, staff that has no second factor."""
    if person == "ada":
        return with_password(add_member(tenant_id=cast.acme.id, email="ada@acme.example", role="admin").user, cast)
    if person == "plain_staff":
        plain = User.objects.create_user("plain@tikdash.example", is_staff=True, is_superuser=True)
        return with_password(plain, cast)
    found: User = getattr(cast, person)
    return found


@pytest.fixture
def ids(cast: Cast, settings: Any, tmp_path: Path) -> dict[str, dict[str, int]]:
    """For Acme, Rival and Globex: an account with posts, a check that failed, and the tenant, which has a picture."""
    settings.MEDIA_ROOT = tmp_path
    # Rival's plan has no tokens; a tenant that had a larger one may still have some.
    Plan.objects.filter(code=cast.rival.plan).update(features=Plan.objects.get(code=cast.acme.plan).features)
    made = {}
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account(f"{tenant.slug}secret")
            make_snapshots(account, [1, 2, 3])
            post = make_post(account, title=f"{tenant.slug} secret post")
            make_job(account, "profile")
            make_job(account, "posts")
            check = make_job(
                None, "probe", state="refused", cadence_s=None, error="no",
                params={"handle": f"{tenant.slug}secret", "reason": "own", "tags": []},
            )  # fmt: skip
            note = AccountNote.objects.create(
                account=account, day=clock.today(), text="secret", author="secret", created_at=clock.now()
            )
            removal = Removal.objects.create(account_ids=[], created_at=clock.now())
            batch = ImportBatch.objects.create(
                token=uuid4(), rows=[{"line": 1, "typed": "secret", "handle": "secret", "error": "secret"}], wanted=1,
                begun=0, created_at=clock.now(),
            )  # fmt: skip
            channel = AlertChannel.objects.create(kind="email", address=f"{tenant.slug}secret@example.com")
            Invoice.objects.create(
                month="2026-10-01", number=f"2026-10-{tenant.id:06d}", issued_at=clock.now(), customer="secret",
                plan="secret", currency="USD", credits=1, total_cents=1,
                lines={"items": [], "usage": [], "corrections": []},
            )  # fmt: skip
            invitation = Invitation.objects.create(
                email="secret@new.example", role="member", token_hash=tenant.slug, created_at=clock.now(),
                sent_at=clock.now(), expires_at=clock.now() + timedelta(days=7),
            )  # fmt: skip
            Export.objects.create(
                id=UUID(f"00000000-0000-0000-0000-{tenant.id:012d}"), kind="posts", asked_label="secret",
                created_at=clock.now(),
            )  # fmt: skip
        token = create_token(tenant=tenant, name="secret", scopes=["posts:read"])
        made[tenant.slug] = {
            "token": token.id,
            "channel": channel.pk,
            "invoice": tenant.id,
            "export": tenant.id,
            "invitation": invitation.pk,
            "membership": add_member(tenant_id=tenant.id, email=f"secret@{tenant.slug}.example", role="member").pk,
            "post": post.pk, "note": note.pk,
            "account": account.pk, "check": check.pk, "tenant": tenant.id, "removal": removal.pk, "batch": batch.pk,
        }  # fmt: skip
        keep_file(PATHS["picture"].format(tenant=tenant.id).removeprefix("/media/"), b"secret")
    return made


def test_every_address_is_in_one_of_the_lists() -> None:
    assert all_names() == OPEN | MEMBERS_ONLY.keys()
    assert PATHS.keys() == MEMBERS_ONLY.keys() and PATHS_OF_OPEN.keys() == OPEN and NEEDS.keys() <= MEMBERS_ONLY.keys()


@pytest.mark.parametrize("name", MEMBERS_ONLY)
@pytest.mark.parametrize("person", ROLES)
def test_a_member_gets_what_the_role_may_see(
    cast: Cast, ids: dict[str, dict[str, int]], name: str, person: str
) -> None:
    answer = ask(name, "acme.localhost", ids["acme"], who(cast, person))
    if name in NEEDS and not can(ROLES[person], NEEDS[name]):
        assert answer.status_code in (403, 404)
        assert b"secret" not in answer.content
    else:
        assert answer.status_code in ANSWERS.get(name, (200, 204, 302))
        assert "log-in" not in answer.get("Location", "")


@pytest.mark.parametrize("name", MEMBERS_ONLY)
@pytest.mark.parametrize("person", STRANGERS)
def test_who_is_no_member_gets_404(cast: Cast, ids: dict[str, dict[str, int]], name: str, person: str) -> None:
    answer = ask(name, "acme.localhost", ids["acme"], who(cast, person))
    assert answer.status_code == 404
    assert b"secret" not in answer.content
    assert b"Acme" not in answer.content


@pytest.mark.parametrize("name", sorted(OPEN))
@pytest.mark.parametrize("person", ["nobody", *ROLES, *STRANGERS])
def test_what_stands_open_breaks_for_nobody_and_shows_nothing(
    cast: Cast, ids: dict[str, dict[str, int]], name: str, person: str
) -> None:
    cache.clear()
    client = Client(headers={"host": "acme.localhost"})
    if person != "nobody":
        client.force_login(who(cast, person), backend=BACKEND)
    for answer in (client.get(PATHS_OF_OPEN[name]), client.post(PATHS_OF_OPEN[name])):
        assert answer.status_code in (200, 302, 400, 405, 422), (answer.status_code, name)
        assert b"secret" not in answer.content


@pytest.mark.parametrize("name", MEMBERS_ONLY)
def test_the_anonymous_are_sent_to_the_log_in(cast: Cast, ids: dict[str, dict[str, int]], name: str) -> None:
    answer = ask(name, "acme.localhost", ids["acme"], None)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/log-in/?next=/")


@pytest.mark.parametrize("name", WITH_ID)
@pytest.mark.parametrize("other", ["rival", "globex"])
@pytest.mark.parametrize("htmx", [False, True])
def test_a_guessed_id_of_another_tenant_does_not_exist(
    cast: Cast, ids: dict[str, dict[str, int]], name: str, other: str, htmx: bool
) -> None:
    headers = {"hx-request": "true"} if htmx else {}
    # Two schemas count their ids each for itself: Globex's 1 is also Acme's 1, so ids that Acme has not are asked for.
    foreign = {key: value + (10_000 if other == "globex" else 0) for key, value in ids[other].items()}
    answer = ask(name, "acme.localhost", foreign, cast.ana, **headers)
    assert answer.status_code == (404 if htmx or name != "account_posts" else 302)
    if answer.status_code == 302:
        assert Client(headers={"host": "acme.localhost"}).get(answer["Location"]).status_code == 302
    assert b"secret" not in answer.content


def test_a_member_who_was_removed_is_a_stranger_at_once(cast: Cast, ids: dict[str, dict[str, int]]) -> None:
    assert ask("accounts", "acme.localhost", ids["acme"], cast.max).status_code == 200
    cast.max.memberships.all().delete()  # type: ignore[attr-defined]
    assert ask("accounts", "acme.localhost", ids["acme"], cast.max).status_code == 404


def test_a_session_of_one_host_opens_no_other_host(cast: Cast) -> None:
    client = Client(headers={"host": "rival.localhost"})
    client.force_login(cast.rita, backend=BACKEND)
    assert client.get("/accounts/").status_code == 200
    assert client.get("/accounts/", headers={"host": "acme.localhost"}).status_code == 404


@pytest.mark.parametrize(
    "host", ["nobody.localhost", "acme.example.com", "acme.localhost.evil.com", "bad host", "x" * 300]
)
def test_an_unknown_host_gets_the_404_page(db: None, host: str) -> None:
    answer = Client(headers={"host": host}).get("/accounts/")
    assert answer.status_code == 404
    assert b"<h1" in answer.content


def test_nothing_was_changed_by_the_strangers(cast: Cast, ids: dict[str, dict[str, int]]) -> None:
    ask("account_refresh", "acme.localhost", ids["rival"], cast.ana)
    ask("account_refresh", "rival.localhost", ids["rival"], cast.ana)
    with tenant_scope(cast.rival):
        assert not FetchJob.objects.filter(requested_at__isnull=False).exists()
        assert TrackedAccount.objects.count() == 1
