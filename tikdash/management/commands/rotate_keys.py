from __future__ import annotations

from typing import Any

from accounts.key_list import keys_that_nothing_opens, keys_under_other_masters
from accounts.selectors import tenant_by_id
from accounts.services.own_keys import rewrap_key
from tikdash.crypto import CannotUnseal
from tikdash.management.commands._base import TikdashCommand
from tikdash.words import counted

AT_ONCE = 500


class Command(TikdashCommand):
    help = (
        "Wraps the keys of tenants by the first master key of TENANT_KEY_FERNET. Row by row: stopped half-way, the next"
        " run goes on. Afterwards the former master key can go."
    )

    def run(self, **options: Any) -> tuple[str, Any]:
        if lost := keys_that_nothing_opens():
            raise CannotUnseal(
                f"Wrapped by a master key that is not in TENANT_KEY_FERNET: {counted(lost, 'stored key')}. Put it back"
                " there, behind the new one. Nothing was changed."
            )
        done = 0
        while rows := keys_under_other_masters(AT_ONCE):
            done += sum(rewrap_key(tenant=tenant_by_id(tenant_id), key_id=key_id) for tenant_id, key_id in rows)
        return f"Wrapped anew: {counted(done, 'key')}; none is left under a former master key.", {"rewrapped": done}
