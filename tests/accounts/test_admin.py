"""The admin: for staff alone, on the public host alone, over all tenants of the shard that was chosen."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import Client, RequestFactory

from accounts.models import Domain, User
from billing.models import CapacityScenario, UsageEvent
from snapshots.models import Hashtag, HashtagSnapshot, Sound, TrackedAccount
from tests.cast import OLGA, OLGA_KEY, PASSWORD, Cast, code_now
from tests.factories import make_account, make_comment, make_job, make_post, make_sample, make_snapshots, make_story
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.middleware import AdminScopeMiddleware

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
LISTS = [
    "accounts/tenant", "accounts/domain", "accounts/user", "accounts/membership", "snapshots/trackedaccount",
    "snapshots/post", "snapshots/comment", "snapshots/audiencesample", "snapshots/story", "snapshots/fetchjob",
    "snapshots/hashtag", "snapshots/sound", "billing/plan", "billing/usagerecordrow",
    "billing/capacityscenario",
]  # fmt: skip


def browser(user: User | None, host: str = "localhost") -> Client:
    client = Client(headers={"host": host})
    if user is not None:
        client.force_login(user, backend=BACKEND)
    return client


def page(client: Client, path: str) -> str:
    response = client.get(path, follow=True)
    assert response.status_code == 200, (path, response.status_code)
    return str(response.content.decode())


@pytest.fixture
def olga(cast: Cast) -> Client:
    return browser(cast.olga)


@pytest.fixture
def data(cast: Cast) -> dict[str, TrackedAccount]:
    """In each tenant an account with numbers, a post, a job and a usage event."""
    made = {}
    for tenant in cast.tenants:
        with tenant_scope(tenant):
            account = make_account(f"of.{tenant.slug}")
            make_snapshots(account, [4_321])
            make_comment(make_post(account, title=f"Post of {tenant.slug}"), f"Comment of {tenant.slug}")
            make_story(account, title=f"Story of {tenant.slug}")
            facts = {"first_seen_at": clock.now(), "measured_at": clock.now()}
            tag = Hashtag.objects.create(name=f"tag_{tenant.slug}", view_count=7_654_321, **facts)
            HashtagSnapshot.objects.create(
                hashtag=tag, captured_on=clock.today(), captured_at=clock.now(), view_count=7_654_321
            )
            Sound.objects.create(music_id="69", title=f"Song of {tenant.slug}", **facts)
            make_sample(account, ["user123456", "rafi"])
            make_job(account, error_code=f"error_{tenant.slug}")
            UsageEvent.objects.create(
                id=uuid.uuid4(), occurred_at=clock.now(), key_id="shared", endpoint=f"endpoint-{tenant.slug}",
                feature="profile", priority="pro", outcome="ok", credits=1, attempts=1, latency_ms=9,
            )  # fmt: skip
            made[tenant.slug] = account
    CapacityScenario.objects.create(name="A scenario")
    return made


@pytest.mark.parametrize("path", ["", "shard/?schema=shared", *(f"{name}/" for name in LISTS)])
def test_only_staff_gets_in(cast: Cast, path: str) -> None:
    assert browser(cast.olga).get(f"/admin/{path}").status_code in {200, 302}
    for user in (cast.ana, cast.nora):
        answer = browser(user).get(f"/admin/{path}", follow=True)
        assert answer.status_code == 404
    anonymous = browser(None).get(f"/admin/{path}", follow=True)
    assert anonymous.redirect_chain[-1][0].startswith("/log-in/")
    for user in (cast.ana, cast.olga):
        assert browser(user, "acme.localhost").get(f"/admin/{path}").status_code == 404


def test_staff_signs_in_through_the_one_log_in_and_lands_in_the_admin(cast: Cast) -> None:
    client = browser(None)
    sent = client.get("/admin/", follow=True)
    to = sent.redirect_chain[-1][0]
    cache.clear()
    asked = client.post(to, {"login": OLGA, "password": PASSWORD})["Location"]
    assert asked == "/log-in/second-factor/"
    assert client.get("/admin/").status_code == 302, "the password alone opens nothing"
    assert client.post(asked, {"code": code_now()})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("accounts/tenant", "{slug}"),
        ("accounts/domain", "{slug}.localhost"),
        ("snapshots/trackedaccount", "of.{slug}"),
        ("snapshots/post", "Post of {slug}"),
        ("snapshots/comment", "Comment of {slug}"),
        ("snapshots/audiencesample", "of.{slug}"),
        ("snapshots/story", "Story of {slug}"),
        ("snapshots/hashtag", "tag_{slug}"),
        ("snapshots/sound", "Song of {slug}"),
        ("snapshots/fetchjob", "error_{slug}"),
        ("billing/usagerecordrow", "endpoint-{slug}"),
    ],
)
def test_lists_show_the_rows_of_all_tenants(
    olga: Client, data: dict[str, TrackedAccount], name: str, shown: str
) -> None:
    found = page(olga, f"/admin/{name}/")
    for slug in ("acme", "rival"):
        assert shown.format(slug=slug) in found, slug
    # Globex' own rows are in a schema of its own; what is shared is shown with the rest.
    assert (shown.format(slug="globex") in found) == (not name.startswith("snapshots/"))


def test_the_switch_shows_the_dedicated_shard_and_leads_back(olga: Client, data: dict[str, TrackedAccount]) -> None:
    page(olga, "/admin/shard/?schema=tenant_globex")
    found = page(olga, "/admin/snapshots/trackedaccount/")
    assert "of.globex" in found and "of.acme" not in found and "tenant_globex ✓" in found
    page(olga, "/admin/shard/?schema=shared")
    found = page(olga, "/admin/snapshots/trackedaccount/")
    assert "of.acme" in found and "of.globex" not in found
    for schema in ("public", "nobody", "", "pg_catalog", "shared, public"):
        assert olga.get("/admin/shard/", {"schema": schema}).status_code == 404


def test_only_staff_has_chosen_a_shard(cast: Cast) -> None:
    """Who is staff no longer keeps the session, and what was chosen in it."""
    request = RequestFactory().get("/admin/")
    request.session = {"admin_schema": "tenant_globex"}  # type: ignore[assignment]
    for person, schema in ((cast.olga, "tenant_globex"), (cast.ana, "public"), (AnonymousUser(), "public")):
        request.user = person
        assert AdminScopeMiddleware._schema(request) == schema


def test_the_page_of_a_second_factor_shows_nothing_of_its_secret(cast: Cast, olga: Client) -> None:
    factor = Authenticator.objects.get(user=cast.olga, type="totp")
    assert factor.data["secret"]
    for path in ("", f"{factor.pk}/change/"):
        found = page(olga, f"/admin/mfa/authenticator/{path}")
        assert "Olga" in found or OLGA in found
        assert factor.data["secret"] not in found and OLGA_KEY not in found


def test_an_account_shows_its_newest_numbers_and_no_button_that_writes(
    olga: Client, data: dict[str, TrackedAccount]
) -> None:
    found = page(olga, f"/admin/snapshots/trackedaccount/{data['rival'].pk}/change/")
    assert ">4,321</td>" in found and 'name="_save"' not in found


def test_a_hashtag_is_found_by_its_name_and_shows_its_newest_counts(
    olga: Client, data: dict[str, TrackedAccount]
) -> None:
    found = page(olga, "/admin/snapshots/hashtag/?q=tag_rival")
    assert "tag_rival" in found and "tag_acme" not in found
    with tenant_scope(Cast.load().rival):
        tag = Hashtag.objects.get()
    found = page(olga, f"/admin/snapshots/hashtag/{tag.pk}/change/")
    assert "7,654,321 views" in found and 'name="_save"' not in found


@pytest.mark.parametrize("query", ["q=of.rival", "q=rival", "q=acme&state__exact=active"])
def test_search_reaches_over_tenants(olga: Client, data: dict[str, TrackedAccount], query: str) -> None:
    found = page(olga, f"/admin/snapshots/trackedaccount/?{query}")
    assert ("of.rival" in found) == ("rival" in query) and ("of.acme" in found) == ("acme" in query)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("acme", {"acme"}), ("Talent", {"acme"}), ("aCME tal", {"acme"}), ("acme rival", set()), ("%", set()),
        ("insights.acme", {"acme"}), ("nobody", set()),
    ],
)  # fmt: skip
def test_a_tenant_is_found_by_its_name_its_address_and_its_domains(
    cast: Cast, olga: Client, typed: str, found: set[str]
) -> None:
    for domain in ("insights.acme.example", "acme-numbers.example"):
        Domain.objects.create(tenant_id=cast.acme.id, domain=domain, is_primary=False)
    rows = olga.get("/admin/accounts/tenant/", {"q": typed}).context["cl"].result_list
    assert [row.slug for row in rows] == sorted(found), "each once"


@pytest.mark.parametrize(
    "name", ["billing/usagerecordrow", "snapshots/trackedaccount", "snapshots/post", "snapshots/fetchjob"]
)
def test_the_ledger_and_tracked_data_are_for_looking_only(
    cast: Cast, olga: Client, data: dict[str, TrackedAccount], name: str
) -> None:
    def rows() -> list[Any]:
        with tenant_scope(cast.acme):
            return [*UsageEvent.objects.values(), *TrackedAccount.objects.values()]

    before = rows()
    with tenant_scope(cast.acme):
        event = UsageEvent.objects.get()
    key = event.id if name.startswith("billing") else data["acme"].pk
    assert olga.get(f"/admin/{name}/add/").status_code == 403
    assert olga.post(f"/admin/{name}/add/", {"credits": 0}).status_code == 403
    assert olga.post(f"/admin/{name}/{key}/delete/", {"post": "yes"}).status_code in {302, 403}
    assert olga.post(f"/admin/{name}/{key}/change/", {"credits": 0, "username": "x"}).status_code in {302, 403}
    olga.post(f"/admin/{name}/", {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"})
    assert rows() == before


@pytest.mark.parametrize("name", LISTS)
def test_every_list_searches_sorts_and_opens_its_rows(
    cast: Cast, olga: Client, data: dict[str, TrackedAccount], name: str
) -> None:
    listed = page(olga, f"/admin/{name}/?q=a&o=1.-2")
    assert "<table" in listed or "0 " in listed
    links = re.findall(rf'href="(/admin/{name}/[^"]+/change/[^"]*)"', page(olga, f"/admin/{name}/"))
    assert links
    page(olga, links[0].replace("&amp;", "&"))


def test_a_tenant_is_neither_made_nor_deleted_here_but_its_plan_can_change(cast: Cast, olga: Client) -> None:
    assert olga.get("/admin/accounts/tenant/add/").status_code == 403
    assert olga.post(f"/admin/accounts/tenant/{cast.acme.id}/delete/", {"post": "yes"}).status_code == 403
    found = page(olga, f"/admin/accounts/tenant/{cast.acme.id}/change/")
    assert 'name="plan"' in found and 'name="slug"' not in found and "acme.localhost" in found


@pytest.mark.parametrize("query", ["name=a%00&o=0", "na%00me=x", "q=%00", "o=%00", "p=%00", "name=%2500"])
def test_an_address_with_a_nul_is_read_without_it(cast: Cast, query: str) -> None:
    answer = browser(cast.olga).get(f"/admin/accounts/apitoken/?{query}", follow=True)
    assert answer.status_code == 200
