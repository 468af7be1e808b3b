"""Tracked accounts: listed, followed, tracked, changed, stopped."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from snapshots.analytics.accounts import DEFAULT_SORT, SORTS
from snapshots.analytics.accounts_by_key import AccountFacts, account_facts, accounts_by_key
from snapshots.analytics.following import accounts_since
from snapshots.analytics.states import trust_of
from snapshots.api import shapes
from snapshots.api.following import SINCE, FollowedPage, follow
from snapshots.api.reach import require_account, require_tags
from snapshots.api.rows import ACCOUNT_METRICS, account_row
from snapshots.selectors import HandleCheck, handle_check
from snapshots.services.accounts import clean_tags, clean_wish, request_tracking
from snapshots.services.changing import change_account
from snapshots.services.removals import stop_tracking, undo_removal
from tikdash.api.parameters import Param
from tikdash.api.views import CURSOR, LIMIT, Listing, Resource, answers, fields_of
from tikdash.errors import NotFound

SORT = Param(
    "sort",
    "By which field, the largest first with “-” in front.",
    "choice",
    default=DEFAULT_SORT,
    choices=[sign + name for name in SORTS for sign in ("", "-")],
)
FILTERS = [
    Param("q", "A part of handle, former handle or name, or a whole tag.", most=100, example="bakes"),
    Param("reason", "Why it is tracked.", "choice", default="", choices=shapes.REASONS),
    Param("tag", "A whole tag.", most=40),
    Param("status", "State of tracking.", "choice", default="", choices=shapes.STATUSES),
]
EXAMPLE = {
    "id": 12, "handle": "lena.bakes", "nickname": "Lena", "tiktok_user_id": "6890000000000000012",
    "url": "https://www.tiktok.com/@lena.bakes", "verified": True, "bio": "Bread, mostly", "reason": "own",
    "tags": ["bakery"], "status": "active", "tracked_since": "2026-08-01T09:00:00Z", "followers": 48210,
    "following": 310, "hearts": 1204331, "videos": 412, "likes_given": 9120, "as_of": "2026-11-27T02:14:07Z",
    "state": "ok", "suspect": {},
}  # fmt: skip
TAG = "Accounts"
AccountsPage = FollowedPage(shapes.Account)


class Accounts(Listing):
    """All accounts, and tracking another one."""

    resource = "accounts"

    @answers(
        "List tracked accounts",
        AccountsPage,
        params=[*FILTERS, SORT, fields_of(shapes.Account), CURSOR, LIMIT, SINCE],
        about="Filters and orders of the page of accounts. With `updated_since` the answer is a list to follow: see"
        " “Keeping a copy”.",
        example={
            "data": [EXAMPLE],
            "next": None,
            "as_of": EXAMPLE["as_of"],
            "metrics": ACCOUNT_METRICS,
            "deleted": [],
            "updated_since": None,
        },
        errors=[410],
        name="accounts_list",
        tag=TAG,
    )
    def get(self, request: Request) -> Response:
        if self.query["updated_since"]:
            return follow(self, _since, metrics=ACCOUNT_METRICS)
        wanted = self.query
        found = accounts_by_key(
            text=wanted["q"] or "",
            reason=wanted["reason"],
            tag=wanted["tag"] or "",
            status=wanted["status"],
            tags=self.identity.tags,
            sort=wanted["sort"],
            after=self.place,
            most=wanted["limit"],
        )
        rows = [account_row(facts, found.trust[facts.id]) for facts in found.rows]
        as_of = max((facts.measured_at for facts in found.rows if facts.measured_at), default=None)
        return self.page(rows, found.next_key, metrics=ACCOUNT_METRICS, as_of=as_of, deleted=[], updated_since=None)

    @answers(
        "Track an account",
        body=shapes.Track,
        status={202: shapes.Check},
        about="A worker asks TikTok whether the handle exists, which costs credits; the answer says where to look how"
        " far it is. Send an `Idempotency-Key`.",
        name="accounts_track",
        tag=TAG,
    )
    def post(self, request: Request) -> Response:
        sent = self.sent(shapes.Track)
        require_tags(self.identity, sent["tags"])
        wish = clean_wish(handle=sent["handle"], reason=sent["reason"], tags=",".join(sent["tags"]))
        check_id = request_tracking(tenant=self.tenant, wish=wish)
        return Response(_check(handle_check(check_id)), status=202, headers={"Location": _address(check_id)})


def _since(view: Resource, since: int | None, after: Any, most: int) -> Any:
    page = accounts_since(tenant_id=view.tenant.id, since=since, tags=view.identity.tags, after=after or 0, most=most)
    facts = [AccountFacts(*row) for row in page.rows]
    trust = trust_of("account", {each.id: each.measured_at for each in facts})
    return page, [account_row(each, trust[each.id]) for each in facts], (facts[-1].id if facts else 0)


class Account(Resource):
    """One account."""

    resource = "accounts"

    @answers("Get an account", shapes.Account, example=EXAMPLE, name="accounts_get", tag=TAG)
    def get(self, request: Request, account_id: int) -> Response:
        return Response(account_row(*account_facts(account_id, self.identity.tags)))

    @answers(
        "Change an account",
        shapes.Account,
        body=shapes.Change,
        about="Why it is tracked, its tags, whether it is read. What is not sent stays.",
        name="accounts_change",
        tag=TAG,
    )
    def patch(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        sent = self.sent(shapes.Change)
        if "tags" in sent:
            sent["tags"] = clean_tags(",".join(sent["tags"]))
            require_tags(self.identity, sent["tags"])
        change_account(account_id=account_id, **sent)
        return Response(account_row(*account_facts(account_id, self.identity.tags)))

    @answers(
        "Stop tracking an account",
        shapes.Stopped,
        about="It is gone at once, and deleted with all that it has ten minutes later; until then it can be undone.",
        name="accounts_stop",
        tag=TAG,
    )
    def delete(self, request: Request, account_id: int) -> Response:
        require_account(self.identity, account_id)
        stopped = stop_tracking(tenant=self.tenant, account_ids=[account_id])
        return Response({"account_id": account_id, "removal_id": stopped.removal_id, "until": stopped.until})


class Undo(Resource):
    """An account that was stopped a moment ago."""

    resource = "accounts"

    @answers("Undo stopping an account", shapes.Undone, errors=[409], name="removals_undo", tag=TAG)
    def post(self, request: Request, removal_id: int) -> Response:
        if self.identity.tags:
            # Which accounts those were is not looked at any more: a token for some of them asks to track them again.
            raise NotFound("There is nothing to undo.")
        return Response({"accounts": undo_removal(tenant=self.tenant, removal_id=removal_id)})


class Check(Resource):
    """How far a handle is."""

    resource = "accounts"

    @answers("Look how far a handle is", shapes.Check, name="accounts_check", tag=TAG)
    def get(self, request: Request, check_id: int) -> Response:
        found = handle_check(check_id)
        if self.identity.tags and not {tag.strip() for tag in found.tags.split(",")} & set(self.identity.tags):
            raise NotFound("This check of a handle is over. Add the handle again.")
        return Response(_check(found))


def _check(found: HandleCheck) -> dict[str, Any]:
    return {
        "id": found.id,
        "handle": found.handle,
        "state": found.state,
        "message": found.error,
        "account_id": found.account_id,
        "url": _address(found.id),
    }


def _address(check_id: int) -> str:
    return reverse("api_check", args=[check_id], urlconf="tikdash.urls_api")
