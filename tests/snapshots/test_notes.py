"""Notes of people at the days of an account: on its chart and in its list, changed, removed, and back at a click."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry
from accounts.selectors import TenantRef
from snapshots.analytics.history import history
from snapshots.ingest.normalise import PostRow
from snapshots.ingest.upsert import flag_vanished, store_posts
from snapshots.models import AccountNote, Post, TrackedAccount
from snapshots.services import notes
from tests.cast import Cast
from tests.factories import make_account, make_post, make_snapshots
from tests.snapshots.conftest import browser_of
from tests.snapshots.test_account_page import url
from tests.snapshots.test_pages import HTMX, text_of
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.errors import LimitReached, NotFound


@pytest.fixture
def lena(cast: Cast, noon: datetime) -> TrackedAccount:
    with tenant_scope(cast.acme):
        account = make_account("lena.bakes")
        make_snapshots(account, [1_280_000, 1_281_000, 1_284_000])
    return account


def written(cast: Cast, account: TrackedAccount) -> list[tuple[date, str, str]]:
    with tenant_scope(cast.acme):
        found = AccountNote.objects.filter(account=account, removed_at=None)
        return [(note.day, note.text, note.author) for note in found]


def test_a_note_stands_on_the_chart_and_in_the_list_with_its_author(
    cast: Cast, ana: Client, lena: TrackedAccount
) -> None:
    address = url(lena, "notes/") + "?days=30&metric=heart_count"
    answer = ana.post(address, {"day": "2026-11-14", "text": "  New   oven,  louder mixer than before  "})
    assert (answer.status_code, answer["Location"]) == (302, url(lena) + "?days=30&metric=heart_count#growth")
    assert written(cast, lena) == [(date(2026, 11, 14), "New oven, louder mixer than before", "ana@acme.example")]
    page = text_of(ana.get(url(lena)))
    assert '<span class="chip chip-note">note</span>' in page and "ana@acme.example" in page
    marks = unescape(re.search(r'data-marks="([^"]*)"', page)[1])  # type: ignore[index]
    assert '{"day":"2026-11-14","kind":"New oven, louder mixer…"' in marks
    assert "New oven, louder mixer than before" in text_of(ana.get(url(lena) + "?tab=activity"))
    # A colleague sees it and may change it; a range that ends before it does not show it.
    max_ = browser_of(cast.max, "acme.localhost")
    assert "New oven" in text_of(max_.get(url(lena)))


@pytest.mark.parametrize(
    ("day", "text", "sentence"),
    [
        ("2026-11-14", "  \x00 ", "Write what happened."),
        ("2026-11-14", "x" * 281, "A note has at most 280 characters."),
        ("14.11.2026", "Oven", "Choose the day of the note, for example 2026-03-31."),
        ("", "Oven", "Choose the day of the note"),
        ("2026-11-16", "Oven", "Choose a day between 1 September 2016 and today."),
        ("1999-01-01", "Oven", "Choose a day between 1 September 2016 and today."),
    ],
)
def test_what_is_no_note_is_told_beside_the_field_and_nothing_is_kept(
    cast: Cast, ana: Client, lena: TrackedAccount, day: str, text: str, sentence: str
) -> None:
    for headers in ({}, HTMX):
        answer = ana.post(url(lena, "notes/"), {"day": day, "text": text}, headers=headers)
        assert answer.status_code == 422
        said = re.search(r'id="note-error">.*?<span>(.*?)</span>', text_of(answer), re.S)
        assert said and said[1].startswith(sentence)
        assert ("<html" in text_of(answer)) == (not headers)
    assert answer["HX-Retarget"] == "#note-form"
    assert written(cast, lena) == []


def test_where_the_day_begins_earlier_today_is_the_workspaces(cast: Cast) -> None:
    at = datetime(2026, 11, 15, 20, tzinfo=UTC)
    with clock.at(at):
        assert notes.latest_day(cast.acme) == date(2026, 11, 15)
        assert notes.latest_day(_in(cast.acme, "Asia/Tokyo")) == date(2026, 11, 16)
        assert notes.latest_day(_in(cast.acme, "America/Lima")) == date(2026, 11, 15)


def _in(tenant: TenantRef, zone: str) -> TenantRef:
    return TenantRef(**vars(tenant) | {"time_zone": zone})


def test_a_note_is_changed_on_a_page_of_its_own(cast: Cast, ana: Client, lena: TrackedAccount) -> None:
    ana.post(url(lena, "notes/"), {"day": "2026-11-14", "text": "Oven"})
    page = text_of(ana.get(url(lena) + "?days=30"))
    address = unescape(re.search(r'href="([^"]*/notes/\d+/[^"]*)"', page)[1])  # type: ignore[index]
    assert address.endswith("?days=30")
    form = text_of(ana.get(address))
    assert 'value="2026-11-14"' in form and 'value="Oven"' in form
    assert ana.post(address, {"day": "2026-11-13", "text": ""}).status_code == 422
    answer = ana.post(address, {"day": "2026-11-13", "text": "Oven, second hand"})
    assert answer["Location"] == url(lena) + "?days=30#growth"
    assert [row[:2] for row in written(cast, lena)] == [(date(2026, 11, 13), "Oven, second hand")]


def test_a_removed_note_comes_back_for_ten_minutes_and_is_deleted_then(
    cast: Cast, ana: Client, lena: TrackedAccount, noon: datetime
) -> None:
    ana.post(url(lena, "notes/"), {"day": "2026-11-14", "text": "Oven"})
    with tenant_scope(cast.acme):
        note_id = AccountNote.objects.get().pk
    for _ in range(2):
        assert ana.post(url(lena, f"notes/{note_id}/remove/")).status_code == 302
    page = text_of(ana.get(url(lena)))
    assert "chip-note" not in page and f"notes/{note_id}/undo/" in page
    assert ana.get(url(lena, f"notes/{note_id}/")).status_code == 404
    with clock.at(noon + timedelta(minutes=9)):
        assert notes.delete_removed_notes() == 0
        for _ in range(2):
            assert ana.post(url(lena, f"notes/{note_id}/undo/")).status_code == 302
    assert "chip-note" in text_of(ana.get(url(lena)))
    with tenant_scope(cast.acme):
        told = list(
            AuditEntry.objects.filter(target_kind="account")
            .order_by("occurred_at", "event")
            .values_list("event", "actor_label", "target_label")
        )
    assert told == [
        (f"account.note_{what}", "ana@acme.example", "@lena.bakes") for what in ("removed", "written", "restored")
    ]
    ana.post(url(lena, f"notes/{note_id}/remove/"))
    with clock.at(noon + timedelta(minutes=12)):
        assert "/undo/" not in text_of(ana.get(url(lena)))
        assert ana.post(url(lena, f"notes/{note_id}/undo/")).status_code == 404
        assert notes.delete_removed_notes() == 1


def test_a_note_of_another_account_or_tenant_does_not_exist(cast: Cast, ana: Client, lena: TrackedAccount) -> None:
    with tenant_scope(cast.rival):
        theirs = make_account()
        note = notes.NoteText(date(2026, 11, 14), "Theirs")
        note_id = notes.write_note(account_id=theirs.pk, author="rita@rival.example", note=note)
        assert [each.text for each in history(theirs.pk)] == ["Theirs"]
    for path in ("", "remove/", "undo/"):
        assert ana.post(url(lena, f"notes/{note_id}/{path}"), {"day": "2026-11-14", "text": "x"}).status_code == 404
    with tenant_scope(cast.acme):
        assert history(theirs.pk) == []
        mine = notes.write_note(account_id=lena.pk, author="a", note=note)
        with pytest.raises(NotFound):
            notes.edit_note(account_id=make_account().pk, note_id=mine, note=note)
        with pytest.raises(NotFound):
            notes.write_note(account_id=theirs.pk + 999, author="a", note=note)
    with tenant_scope(cast.rival):
        assert AccountNote.objects.get().text == "Theirs"


def test_an_account_has_room_for_500_notes(acme: TenantRef, monkeypatch: pytest.MonkeyPatch) -> None:
    account, note = make_account(), notes.NoteText(date(2026, 11, 14), "x")
    monkeypatch.setattr(notes, "MOST_NOTES", 2)
    for _ in range(2):
        last = notes.write_note(account_id=account.pk, author="a", note=note)
    with pytest.raises(LimitReached, match="2 notes"):
        notes.write_note(account_id=account.pk, author="a", note=note)
    notes.remove_note(account_id=account.pk, note_id=last)
    notes.write_note(account_id=account.pk, author="a", note=note)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccountNote.objects.create(account=account, day=note.day, text="", author="a", created_at=clock.now())


def test_a_post_that_came_back_leaves_both_days_in_the_history(acme: TenantRef, noon: datetime) -> None:
    account = make_account()
    posts = [make_post(account, title=title, posted_at=noon - timedelta(days=9)) for title in ("Rye", "Spelt")]
    rye = posts[0]
    with clock.at(noon - timedelta(days=4)):
        gone = flag_vanished(account.pk, [posts[1].aweme_id], noon - timedelta(days=10), noon - timedelta(days=8))
    assert gone == [rye.aweme_id]
    row = PostRow(
        aweme_id=rye.aweme_id, title="Rye", cover_url="", duration_s=9, kind="video", pinned=False, sound_id="",
        posted_at=rye.posted_at, counters=dict.fromkeys(
            ("play_count", "digg_count", "comment_count", "share_count", "collect_count"), 900_000
        ), music=None,
    )  # fmt: skip
    assert store_posts(account.pk, [row], measured_at=noon - timedelta(days=1)).returned == [rye.aweme_id]
    # The same page once more: it is there already, and nothing changes.
    assert store_posts(account.pk, [row], measured_at=noon).returned == []
    rye = Post.objects.get(pk=rye.pk)
    assert (rye.deleted_at, rye.was_gone_at, rye.returned_at) == (
        None, noon - timedelta(days=4), noon - timedelta(days=1),
    )  # fmt: skip
    assert [(each.day, each.kind, each.text) for each in history(account.pk)] == [
        (date(2026, 11, 11), "vanished", "The post “Rye” vanished."),
        (date(2026, 11, 14), "returned", "The post “Rye” came back."),
    ]
