"""Whether and when a failed attempt is repeated within its call. Pure: an error, a number, a source of chance."""

from __future__ import annotations

import random

from tikdash.tiklive.errors import BadPayload, NotAdmitted, TikLiveError

FIRST_WAIT_S = 0.5
#: What a repeated request may mend. A body of another shape would be paid for again, and be the same.
_BROKEN = frozenset({"not_json", "truncated", "empty_object"})


def wait_before_next(
    error: TikLiveError, *, attempts: int, most: int, patience_s: float, chance: random.Random
) -> float | None:
    """Seconds to wait before the next attempt; None when there is none in this call.

    `attempts` have been made, the last one ended with `error`; `most` may be made. The wait doubles, half of it by
    chance, so that callers that failed together do not come back together; a `Retry-After` is never cut short. What
    would take longer than `patience_s` is left to the job's own retry.
    """
    if attempts >= most or not may_help(error):
        return None
    doubled = FIRST_WAIT_S * 2 ** (attempts - 1)
    wait = doubled / 2 + chance.uniform(0, doubled / 2)
    wait = max(wait, error.retry_after or 0.0)
    return wait if wait <= patience_s else None


def may_help(error: TikLiveError) -> bool:
    """True for 429, 5xx, time-outs, cut connections and broken bodies."""
    if isinstance(error, NotAdmitted) or not error.retryable:
        return False
    return not isinstance(error, BadPayload) or error.reason in _BROKEN
