"""How far somebody is with a limit, in words: before it, at it, beyond it and behind the grace. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tikdash.words import N_, gettext

FINE, NEAR, AT, GRACE, PAUSED = "fine", "near", "at", "grace", "paused"
#: From this part of a limit on it is near.
NEAR_FROM = 0.8


@dataclass(frozen=True)
class Words:
    """What is said of one limit in each state. `{n}` is what is left, or too much; `{until}` a day, or a moment."""

    fine: str
    near: str
    at: str
    grace: str
    paused: str


ACCOUNTS = Words(
    fine=N_("Room for {n} more."),
    near=N_("Room for {n} more. At {limit} no more can be added."),
    at=N_("All {limit} accounts of the {plan} plan are in use: no more can be added. Those that are there go on."),
    grace=N_(
        "{used} accounts are tracked and the {plan} plan has {limit}. All are read until {until}; then the {n} newest"
        " pause. Nothing is deleted."
    ),
    paused=N_(
        "The {n} newest accounts are paused: {used} are tracked and the {plan} plan has {limit}. Their numbers stay,"
        " and they go on as soon as there is room."
    ),
)
SEATS = Words(
    fine=N_("Room for {n} more."),
    near=N_("Room for {n} more. At {limit} nobody more can be invited."),
    at=N_("All {limit} seats of the {plan} plan are taken: nobody more can be invited. Everybody here stays."),
    grace=N_(
        "{used} people are here and the {plan} plan has {limit} seats. Everybody may come in until {until}; then the"
        " {n} who joined last have to wait. Nobody is removed."
    ),
    paused=N_(
        "The {n} people who joined last cannot come in: {used} are here and the {plan} plan has {limit} seats. They"
        " can again as soon as there is room."
    ),
)
DAY = Words(
    fine=N_("{n} credits left today."),
    near=N_("{n} credits left today. At {limit} only refreshes go on until {until}."),
    at=N_("The {limit} credits of today are used up: only refreshes go on until {until}. Nothing is deleted."),
    grace=N_("The {limit} credits of today are used up: only refreshes go on until {until}. Nothing is deleted."),
    paused=N_("The {limit} credits of today are used up: only refreshes go on until {until}. Nothing is deleted."),
)
MONTH = Words(
    fine=N_("{n} credits left this month."),
    near=N_("{n} credits left this month. At {limit} only refreshes go on until {until}."),
    at=N_("The {limit} credits of this month are used up: only refreshes go on until {until}. Nothing is deleted."),
    grace=N_(
        "The {limit} credits of this month are used up. All goes on for {n} credits more; then only refreshes until"
        " {until}. Nothing is deleted."
    ),
    paused=N_(
        "The {limit} credits of this month and the grace are used up: only refreshes go on until {until}. Nothing is"
        " deleted."
    ),
)
#: What is said to somebody who wants more than there is.
NO_ACCOUNT = N_("All {limit} accounts of the {name} plan are in use. Stop tracking one, or ask for a larger plan.")
NO_SEAT = N_("All {limit} seats of the {name} plan are taken. Remove somebody, or ask for a larger plan.")
NO_CREDITS_TODAY = N_("The {limit} credits a day of the {name} plan are used up.")
NO_CREDITS = N_("The {limit} credits a month of the {name} plan are used up.")


def state_of_credits(used: int, limit: int, *, grace: int = 0) -> str:
    """`grace` credits beyond the limit go on as before; then it pauses."""
    if used < limit * NEAR_FROM:
        return FINE
    if used < limit:
        return NEAR
    if used < limit + grace:
        return GRACE
    return AT if used == limit else PAUSED


def state_of_places(used: int, limit: int, *, is_over: bool) -> str:
    """Places may all be taken; beyond them there is grace, until `is_over`."""
    if used < limit * NEAR_FROM:
        return FINE
    if used < limit:
        return NEAR
    if used == limit:
        return AT
    return PAUSED if is_over else GRACE


def sentence(
    words: Words, state: str, used: int, limit: int, *, grace: int = 0, plan: str = "", until: str = ""
) -> str:
    """What is said in this state, in the reader's language."""
    n = limit + grace - used if state == GRACE and grace else abs(limit - used)
    text: str = getattr(words, state)
    return gettext(text).format(n=f"{n:,}", used=f"{used:,}", limit=f"{limit:,}", plan=plan, until=until)


def is_over(since: date | None, grace_days: int, today: date) -> bool:
    """Whether the grace that began on a day has ended."""
    return since is not None and (today - since).days >= grace_days
