"""The one tree of errors that pages, API and commands show: a code, a status, a sentence for people."""

from __future__ import annotations

from typing import Any, ClassVar

from tikdash.words import N_


class TikdashError(Exception):
    """Something a person or a partner has to be told; `str(error)` is the sentence to show.

    `code` is stable and for programs, `status` is the HTTP status that pages and API answer with, `data`
    holds what a program may need beside the sentence and is safe to show.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: str = N_("Something went wrong on our side.")

    def __init__(self, message: str | None = None, **data: Any) -> None:
        if message is not None:
            self.message = message
        self._data = data
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    @property
    def data(self) -> dict[str, Any]:
        """Facts for programs, safe to put into an answer."""
        return self._data


class BadInput(TikdashError):
    """What was typed or sent cannot be used; the sentence says what to change."""

    code = "bad_input"
    status = 400
    message = N_("This input cannot be used.")


class NotFound(TikdashError):
    """It does not exist, or not for the one who asks; the two are never told apart."""

    code = "not_found"
    status = 404
    message = N_("This does not exist.")


class NotAllowed(TikdashError):
    """The one who asks is known here, but the role does not go so far; the sentence says who may."""

    code = "not_allowed"
    status = 403
    message = N_("Your role in this workspace does not allow this.")


class LimitReached(TikdashError):
    """A limit of the plan or of the product stands in the way."""

    code = "limit_reached"
    status = 409
    message = N_("This would go beyond a limit.")


class NotInPlan(TikdashError):
    """The workspace's plan has no such feature; the sentence says which it is."""

    code = "not_in_plan"
    status = 403
    message = "This is not part of the plan of this workspace."


class Unavailable(TikdashError):
    """A part we depend on does not answer now; trying again later makes sense."""

    code = "unavailable"
    status = 503
    message = N_("This is not available at the moment. Please try again soon.")
