"""Every address that customers have: pages, each with the browser test in which its task is done, and what is no page.

`tests/meta/test_pages.py` fails for an address without a row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """A page that Ana opens: its address, with ids of `filled.whole_workspace`, and `module::test` of its task."""

    path: str
    task: str


#: Pages of a workspace's host, opened one after the other by `test_every_page`.
OF_WORKSPACE = {
    "overview": Shown("/overview/", "test_discovery::test_the_overview_leads_to_a_breakout_and_to_a_group"),
    "posts": Shown("/posts/", "test_discovery::test_a_filter_is_made_and_taken_away"),
    "post": Shown("/posts/{post}/", "test_every_page::test_the_video_of_a_post_is_a_fresh_link"),
    "compare": Shown(
        "/compare/?accounts={others}&mode=indexed", "test_discovery::test_accounts_are_compared_on_one_axis"
    ),
    "hashtags": Shown("/hashtags/", "test_discovery::test_a_hashtag_leads_to_its_posts"),
    "sounds": Shown("/sounds/", "test_every_page::test_a_sound_leads_to_its_posts"),
    "accounts": Shown("/accounts/", "test_list_page::test_the_list_is_filtered_while_one_types"),
    "account_add": Shown("/accounts/add/", "test_every_page::test_an_account_is_added_on_a_page_of_its_own"),
    "account_check": Shown(
        "/accounts/checks/{check}/", "test_tracking::test_a_handle_that_tiktok_refuses_gets_a_sentence_beside_the_field"
    ),
    "account": Shown("/accounts/{account}/", "test_account_page::test_the_chart_changes_its_counter_and_its_range"),
    "note": Shown(
        "/accounts/{account}/notes/{note}/",
        "test_manage::test_a_note_is_written_removed_and_brought_back_without_leaving_the_page",
    ),
    "bulk": Shown("/accounts/bulk/", "test_bulk::test_a_list_is_looked_at_tracked_and_followed_to_its_end"),
    "bulk_progress": Shown(
        "/accounts/bulk/{batch}/", "test_bulk::test_a_list_is_looked_at_tracked_and_followed_to_its_end"
    ),
    "settings_numbers": Shown("/settings/numbers/", "test_manage::test_pictures_of_what_a_person_does_with_an_account"),
    "workspace_settings": Shown("/settings/", "test_every_page::test_a_workspace_gets_another_name"),
    "people": Shown("/people/", "test_people::test_an_owner_invites_and_the_guest_joins"),
    "transfer": Shown("/people/transfer/", "test_people::test_pictures_of_the_pages_of_people"),
    "leave": Shown("/people/leave/", "test_people::test_pictures_of_the_pages_of_people"),
    "keys": Shown("/settings/keys/", "test_every_page::test_a_key_of_ones_own_is_tried_before_it_is_used"),
    "tokens": Shown("/settings/tokens/", "test_every_page::test_a_token_is_made_and_shown_once"),
    "exports": Shown("/settings/exports/", "test_privacy::test_an_owner_makes_an_export_and_fetches_it"),
    "audit": Shown("/settings/audit/", "test_every_page::test_the_audit_log_says_who_did_what"),
    "usage": Shown("/settings/usage/?kind=posts&every=1800", "test_usage_page::test_usage_and_invoice_look_right"),
    "invoice": Shown("/settings/invoices/{invoice}/", "test_usage_page::test_usage_and_invoice_look_right"),
    "preferences": Shown("/preferences/", "test_french::test_no_page_in_french_is_wider_than_its_screen"),
    "account_reauthenticate": Shown("/confirm/password/", "test_people::test_pictures_of_the_pages_of_people"),
}
#: Pages of the public host, opened by Ana after her log-in.
OF_PUBLIC_HOST = {
    "home": Shown("/", "test_entrance::test_one_log_in_on_the_public_host_opens_a_workspace"),
    "new_workspace": Shown("/workspaces/new/", "test_people::test_pictures_of_the_pages_of_people"),
    "you": Shown("/you/", "test_people::test_pictures_of_the_pages_of_people"),
    "account_email": Shown("/you/email/", "test_people::test_pictures_of_the_pages_of_people"),
    "account_change_password": Shown("/you/password/", "test_people::test_pictures_of_the_pages_of_people"),
    "sessions": Shown("/you/sessions/", "test_people::test_pictures_of_the_pages_of_people"),
    "mfa_index": Shown("/you/second-factor/", "test_people::test_pictures_of_the_pages_of_people"),
    "mfa_activate_totp": Shown("/you/second-factor/app/", "test_people::test_an_app_is_added_and_asked_for"),
    "mfa_add_webauthn": Shown(
        "/you/second-factor/passkeys/add/", "test_people::test_a_passkey_is_added_and_opens_the_log_in_alone"
    ),
    "account_logout": Shown("/log-out/", "test_entrance::test_after_the_log_out_the_pages_are_closed"),
}
#: Pages that stand open to who is not signed in.
OPEN = {
    "account_login": Shown("/log-in/", "test_entrance::test_a_wrong_log_in_gets_one_sentence_whatever_was_wrong"),
    "account_signup": Shown("/sign-up/", "test_people::test_from_the_form_to_the_first_numbers_within_a_minute"),
    "account_reset_password": Shown("/password/reset/", "test_every_page::test_a_forgotten_password_is_made_anew"),
    "account_reset_password_done": Shown(
        "/password/reset/sent/", "test_every_page::test_a_forgotten_password_is_made_anew"
    ),
    "account_reset_password_from_key": Shown(
        "/password/reset/key/1-x/", "test_every_page::test_a_forgotten_password_is_made_anew"
    ),
    "account_reset_password_from_key_done": Shown(
        "/password/reset/done/", "test_every_page::test_a_forgotten_password_is_made_anew"
    ),
    "account_inactive": Shown("/inactive/", "test_entrance::test_somebody_without_a_workspace_is_told_what_to_do"),
}
#: Pages that stand only in a certain moment, and the test that goes through it.
IN_PASSING = {
    "account_email_verification_sent": "test_people::test_from_the_form_to_the_first_numbers_within_a_minute",
    "mfa_authenticate": "test_people::test_an_app_is_added_and_asked_for",
    "mfa_view_recovery_codes": "test_people::test_a_passkey_is_added_and_opens_the_log_in_alone",
    "mfa_list_webauthn": "test_people::test_a_passkey_is_added_and_opens_the_log_in_alone",
    "accounts_selected": "test_bulk::test_pages_fit_their_windows",
    "join": "test_people::test_pictures_of_the_pages_of_people",
    "workspace_delete": "test_privacy::test_an_owner_deletes_the_workspace_and_keeps_it",
    "certificate": "test_privacy::test_a_certificate_is_read_by_whoever_has_its_address",
}
EXPORT, ACTION, PIECE, DATA = "a file", "a button that leads back", "a piece of a page", "data for a page"
#: Addresses that no person sees as a page.
NO_PAGE = {
    "post_export": EXPORT, "account_samples_export": EXPORT, "account_happened_export": EXPORT,
    "account_jobs_export": EXPORT, "account_costs_export": EXPORT,
    "account_hours_export": EXPORT, "account_weeks_export": EXPORT,
    "posts_export": EXPORT, "compare_export": EXPORT, "compare_series_export": EXPORT, "overview_export": EXPORT,
    "hashtags_export": EXPORT, "sounds_export": EXPORT, "accounts_export": EXPORT, "account_posts_export": EXPORT,
    "account_growth_export": EXPORT, "account_hashtags_export": EXPORT, "account_sounds_export": EXPORT,
    "account_comments_export": EXPORT, "account_stories_export": EXPORT, "account_audience_export": EXPORT,
    "bulk_errors": EXPORT, "audit_export": EXPORT, "invoice_csv": EXPORT, "picture": EXPORT,
    "export_file": EXPORT, "export_cancel": ACTION, "export_again": ACTION, "export_delete": ACTION,
    "exports_progress": PIECE, "certificate_json": EXPORT, "workspace_keep": ACTION,
    "start": ACTION, "removal_undo": ACTION, "bulk_cancel": ACTION, "account_refresh": ACTION, "notes": ACTION,
    "note_remove": ACTION, "note_undo": ACTION, "account_change": ACTION, "backfill_cancel": ACTION,
    "account_viewed": ACTION, "invite": ACTION, "invitation_resend": ACTION, "invitation_revoke": ACTION,
    "member_role": ACTION, "member_remove": ACTION, "key_delete": ACTION, "key_shared": ACTION, "token_rotate": ACTION,
    "token_revoke": ACTION, "alert_channel_add": ACTION, "alert_channel_remove": ACTION, "enter_workspace": ACTION,
    "announcement_dismiss": ACTION, "look": ACTION, "look_end": ACTION,
    "choose_language": ACTION, "open_workspace": ACTION, "welcome": ACTION, "mfa_deactivate_totp": ACTION,
    "mfa_generate_recovery_codes": ACTION, "mfa_edit_webauthn": ACTION, "mfa_remove_webauthn": ACTION,
    "account_set_password": ACTION,
    "post_video": ACTION,
    "account_header": PIECE, "account_posts": PIECE, "backfill": PIECE, "keys_progress": PIECE, "switcher": PIECE,
    "sign_up_address": PIECE, "mfa_reauthenticate": PIECE, "mfa_reauthenticate_webauthn": PIECE,
    "mfa_login_webauthn": DATA, "compare_series": DATA, "account_series": DATA, "prefetch_rules": DATA,
}  # fmt: skip


def tasks() -> dict[str, str]:
    """`module::test` by the name of the page."""
    shown = {name: page.task for name, page in (OF_WORKSPACE | OF_PUBLIC_HOST | OPEN).items()}
    return shown | IN_PASSING
