"""Sentences that workers have stored are told in the language of the one who reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation

from accounts.models import User
from snapshots.scheduling.planner import LEVELS, Facts, plan_account
from tests.cast import Cast
from tests.factories import make_account, make_job
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_pages import text_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import TikdashError
from tikdash.retelling import retold
from tikdash.tiklive import errors

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
BASES = {"profile": 3_600, "posts": 3_600, "stories": 3_600, "comments": 21_600, "followers": 86_400, "hashtag": 86_400}


def all_reasons() -> set[str]:
    """What the planner may store of an account, for accounts of many kinds."""
    found = set()
    ages = [None, timedelta(hours=3), timedelta(days=5), timedelta(days=12), timedelta(days=40), timedelta(days=120)]
    for level in LEVELS:
        for tracked in (timedelta(days=1), timedelta(days=200)):
            for seen in ages:
                for posted in ages:
                    for moved, multiple in ((None, None), (0.004, 1.0), (-0.21, 4.2)):
                        facts = Facts(
                            NOW - tracked, None if seen is None else NOW - seen,
                            None if posted is None else NOW - posted,
                            None if posted is None else NOW - posted, moved, multiple,
                        )  # fmt: skip
                        found |= {planned.why for planned in plan_account(BASES, facts, NOW, level).values()}
    return found - {""}


def test_every_reason_of_the_planner_is_told_in_french() -> None:
    reasons = all_reasons()
    assert len(reasons) > 20
    with translation.override("fr"):
        told = {reason: retold(reason) for reason in reasons}
    assert {reason for reason, said in told.items() if said == reason} == set()
    assert told["Its followers moved by 21% in a week."] == "Ses abonnés ont varié de 21% en une semaine."


def test_every_error_of_the_upstream_is_told_in_french() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, TikdashError)]
    assert len(kinds) > 12
    with translation.override("fr"):
        assert [kind for kind in kinds if retold(str(kind.message)) == kind.message] == []


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("Next: 6 h after “12,000 loaves”.", "Prochain : 6 h après « 12,000 loaves »."),
        ("asked for 12 months of history", "12 mois d’historique demandés"),
        ("TikTok knows no @a.b. Check the spelling, or whether the account was renamed or deleted.", None),
        ("What an operator wrote.", "What an operator wrote."),
        ("", ""),
    ],
)
def test_values_stay_and_what_nobody_has_translated_stays(stored: str, told: str | None) -> None:
    with translation.override("en"):
        assert retold(stored) == stored
    with translation.override("fr"):
        if told is not None:
            assert retold(stored) == told
        else:
            assert "@a.b" in retold(stored)


def test_a_reader_sees_the_jobs_of_an_account_in_a_language_of_their_own(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
        make_job(
            account, "comments", why="Nobody has looked for 9 days.",
            error="TikLiveAPI took too long to answer. We will try again shortly.", failed_at=clock.now(),
        )  # fmt: skip
    pages = {}
    for language in ("en", "fr"):
        User.objects.filter(pk=cast.ana.pk).update(language=language)
        browser: Client = browser_of(cast.ana, "acme.localhost")
        pages[language] = text_of(browser.get(f"/accounts/{account.pk}/?tab=activity"))
    assert "Nobody has looked for 9 days." in pages["en"] and "took too long to answer" in pages["en"]
    assert "Personne n’a regardé depuis 9 jours." in pages["fr"]
    assert "TikLiveAPI a mis trop de temps à répondre." in pages["fr"]
