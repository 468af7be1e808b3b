"""How far a token reaches: all accounts of the workspace, or those with one of its tags."""

from __future__ import annotations

from collections.abc import Sequence

from snapshots.analytics.accounts_by_key import within
from tikdash.api.views import Identity
from tikdash.db.scope import prepared_row
from tikdash.errors import BadInput, NotFound

COUNT = "SELECT count(*) FROM accounts WHERE id = ANY(%s::bigint[])"
COUNT_OF_TAGGED = COUNT + " AND tags && %s::varchar[]"
_NO_ACCOUNT = "There is no such account in this workspace."


def require_account(who: Identity, account_id: int) -> None:
    """Raises NotFound for an account that is not there, or not for this token."""
    if not within(who.tags).filter(pk=account_id).exists():
        raise NotFound(_NO_ACCOUNT)


def require_if_limited(who: Identity, account_id: int) -> None:
    """The same where what is asked next says by itself that an account is not there."""
    if who.tags:
        require_account(who, account_id)


def accounts_of(who: Identity, wanted: Sequence[int] | None = None) -> list[int] | None:
    """The accounts to look at: those that are wanted, or all that the token reaches; None for all of the workspace.

    Raises NotFound where one that is wanted is not there, or not for this token.
    """
    if wanted is not None:
        unique = list(dict.fromkeys(wanted))
        found = prepared_row(COUNT_OF_TAGGED, [unique, list(who.tags)]) if who.tags else prepared_row(COUNT, [unique])
        if found is None or found[0] != len(unique):
            raise NotFound("One of these accounts is not in this workspace.")
        return unique
    return list(within(who.tags).order_by("id").values_list("pk", flat=True)) if who.tags else None


def require_tags(who: Identity, tags: Sequence[str]) -> None:
    """A token for some tags keeps the accounts that it adds or changes within them. Raises BadInput."""
    if who.tags and not set(tags) & set(who.tags):
        raise BadInput(f"This token is for accounts with one of the tags: {', '.join(who.tags)}.", field="tags")
