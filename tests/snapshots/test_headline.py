"""The engagement rate that a workspace leads with: chosen by owners and admins, shown to all members on all pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Tenant
from accounts.selectors import tenant_by_slug
from snapshots.analytics.metrics import HEADLINES, METRICS
from snapshots.models import TrackedAccount
from snapshots.web.metric_words import headline_of
from tests.cast import Cast
from tests.snapshots.analytics.rows import make_test_account
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_account_page import url
from tests.snapshots.test_pages import text_of
from tikdash.db.scope import no_scope, tenant_scope

PATH = "/settings/numbers/"


@pytest.fixture
def acme_of_metrics(cast: Cast, noon: datetime) -> Iterator[TrackedAccount]:
    """The test account of `metrics.md`, tracked by Acme."""
    with tenant_scope(cast.acme):
        yield make_test_account()


def tile(page: str) -> str:
    found = re.search(r"<dt><span>Engagement rate</span>.*?<span title=\"[^\"]*\">([^<]*)</span>", page, re.S)
    assert found
    return found[1].replace("\u202f", " ")


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ("", "6.16 %"), ("er_views", "6.16 %"), ("er_views_mean", "7.63 %"), ("er_views_median", "7.50 %"),
        ("er_views_saves", "6.37 %"), ("er_followers", "8.39 %"), ("er_followers_median", "1.30 %"),
    ],
)  # fmt: skip
def test_every_rate_that_may_be_chosen_leads_all_pages_with_its_test_value(
    cast: Cast, ana: Client, acme_of_metrics: TrackedAccount, chosen: str, shown: str
) -> None:
    if chosen:
        answer = ana.post(PATH, {"headline": chosen})
        assert (answer.status_code, answer["Location"]) == (302, PATH)
        assert f'value="{chosen}" checked' in text_of(ana.get(PATH))
    rate = METRICS[chosen or "er_views"]
    page = text_of(ana.get(url(acme_of_metrics)))
    assert tile(page) == shown and rate.formula in page
    overview = text_of(ana.get("/overview/")).replace("\u202f", " ")
    assert re.search(rf"Median {re.escape(rate.short)} .*?tile-value\">{re.escape(shown)}", overview, re.S)
    compare = text_of(ana.get(f"/compare/?accounts={acme_of_metrics.pk}")).replace("\u202f", " ")
    # The first metric of the table, and no metric twice.
    names = re.findall(r'<th scope="row"><span class="defined" title="[^"]*">([^<]*)<', compare)
    assert names and names[0] == rate.name and len(names) == len(set(names))
    assert compare.index(f">{rate.name}<") < compare.index(f">{METRICS['follower_growth'].name}<")


def test_all_rates_of_the_registry_that_may_lead_are_offered_with_their_definition(cast: Cast, ana: Client) -> None:
    page = text_of(ana.get(PATH))
    assert re.findall(r'name="headline" value="([a-z_]+)"', page) == list(HEADLINES)
    assert "Σ(likes + comments + shares) / Σ views" in page and "version 1" in page


@pytest.mark.parametrize("typed", ["", "views_mean", "er_views_post", "x" * 500, "er_views\x00", "<b>"])
def test_what_is_no_headline_rate_is_refused_and_nothing_changes(cast: Cast, ana: Client, typed: str) -> None:
    answer = ana.post(PATH, {"headline": typed})
    assert answer.status_code == 400
    assert "cannot be the headline rate. Choose one of" in text_of(answer)
    assert tenant_by_slug("acme").headline_rate == ""
    assert headline_of(tenant_by_slug("acme")).id == "er_views"


def test_a_member_sees_it_and_cannot_change_it(cast: Cast, noon: datetime) -> None:
    browser: Any = browser_of(cast.max, "acme.localhost")
    page = text_of(browser.get(PATH))
    assert "Owners and admins of this workspace choose it." in page and ">Save<" not in page
    answer = browser.post(PATH, {"headline": "er_followers"})
    assert answer.status_code == 403 and "Only owners and admins of the workspace may change the workspace." in text_of(
        answer
    )
    assert tenant_by_slug("acme").headline_rate == ""
    with no_scope():
        Membership.objects.filter(user=cast.max).update(role="admin")
    assert browser.post(PATH, {"headline": "er_followers"}).status_code == 302
    assert tenant_by_slug("acme").headline_rate == "er_followers"
    assert tenant_by_slug("rival").headline_rate == ""


def test_a_choice_that_is_none_any_more_falls_back(cast: Cast, ana: Client) -> None:
    with no_scope():
        Tenant.objects.filter(slug="acme").update(headline_rate="er_of_old")
    assert headline_of(tenant_by_slug("acme")).id == "er_views"
    assert ana.get("/overview/").status_code == 200
