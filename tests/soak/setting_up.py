"""Three tenants, one of them in a schema of its own, that track creators, some of which several track, daily.

`python -m tests.soak.setting_up CREATORS` in an installation's environment.
"""

from __future__ import annotations

import sys

DAY_S = 86_400
TENANTS = {"north": False, "south": False, "apart": True}
KINDS = ("profile", "posts", "stories")
FIRST = ("mira", "jonas", "aylin", "tomek", "sofia", "diego", "hana", "yuki", "linh", "arjun")
TRADE = ("bakes", "runs", "builds", "cooks", "films", "walks", "reads", "draws")


def main() -> None:
    """Makes plan, tenants and accounts with their first numbers and posts."""
    import django

    django.setup()
    from accounts.services.tenants import create_tenant
    from billing.models import Plan
    from snapshots.models import FetchJob
    from snapshots.services.accounts import clean_wish
    from snapshots.services.inline import track_now
    from tikdash.db.scope import tenant_scope

    Plan.objects.create(
        code="soak", name="Soak", queue="pro", tracked_accounts=1_000, posts_kept_fresh=60,
        requests_per_minute=1_000_000, requests_burst=1_000, daily_credits=None, cadences=dict.fromkeys(KINDS, DAY_S),
    )  # fmt: skip
    creators = int(sys.argv[1])
    handles = ["vanishing.vic", "lena.bakes", *(f"{first}.{trade}" for trade in TRADE for first in FIRST)]
    for number, (slug, dedicated) in enumerate(TENANTS.items()):
        tenant = create_tenant(slug=slug, plan="soak", dedicated=dedicated)
        # Half of them are the next tenant's, too.
        for handle in handles[number * creators // 2 :][:creators]:
            track_now(tenant, clean_wish(handle=handle, reason="competitor", tags=""))
        with tenant_scope(tenant):
            FetchJob.objects.exclude(kind__in=KINDS).delete()


if __name__ == "__main__":
    main()
