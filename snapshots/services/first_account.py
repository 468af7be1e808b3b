"""The first account of a workspace that somebody just signed up for: `accounts` asks through `FIRST_ACCOUNT`."""

from __future__ import annotations

from django.urls import reverse

from accounts.selectors import TenantRef
from snapshots.handles import clean_handle
from snapshots.models import TrackedAccount
from snapshots.services.accounts import clean_wish, request_tracking


class FirstAccount:
    """See `accounts.services.signing_up.FirstAccount`."""

    def clean(self, handle: str) -> str:
        return clean_handle(handle)

    def request(self, tenant: TenantRef, handle: str) -> str:
        wish = clean_wish(handle=handle, reason=TrackedAccount.Reason.OWN, tags="")
        check_id = request_tracking(tenant=tenant, wish=wish)
        # The session that makes it is on the public host, whose addresses are others.
        return reverse("account_check", args=[check_id], urlconf="tikdash.urls")


first_account = FirstAccount()
