"""Mails wait as rows: sent by a worker after the commit, tried again, lost with nothing, read by nobody on the way."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.test import Client

from accounts.models import WaitingMail
from accounts.services import mails
from accounts.tasks import send_waiting_mails
from tests.cast import Cast
from tikdash import clock
from tikdash.redis import server

CONTEXT = {"workspace": "Acme", "by": "Ana", "url": "http://acme.localhost/join/one-time-secret/", "days": 7}


class Sulking(EmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("no")


def keep(to: str = "ivo@new.example") -> int:
    mails.send_mail(template="emails/invitation", to=to, context=CONTEXT)
    return WaitingMail.objects.latest("pk").pk


def test_a_mail_is_sent_once_and_its_row_is_gone(cast: Cast) -> None:
    mail_id = keep()
    assert mail.outbox == [], "not within the request"
    assert mails.deliver_mail(mail_id) is True
    assert mails.deliver_mail(mail_id) is False
    (sent,) = mail.outbox
    assert sent.to == ["ivo@new.example"] and CONTEXT["url"] in sent.body
    assert not WaitingMail.objects.exists()


def test_what_was_rolled_back_sends_no_mail(committed_db: Cast) -> None:
    WaitingMail.objects.all().delete()
    with pytest.raises(RuntimeError):
        with transaction.atomic():
            keep()
            raise RuntimeError
    assert mails.deliver_waiting_mails() == 0 and mail.outbox == []


def test_a_mail_server_that_does_not_answer_gets_it_later(cast: Cast, settings: Any, monkeypatch: Any) -> None:
    mail_id = keep()
    usual, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.Sulking"
    monkeypatch.setattr(mail, "get_connection", lambda *args, **kwargs: Sulking())
    now = clock.now()
    assert mails.deliver_mail(mail_id) is False
    row = WaitingMail.objects.get(pk=mail_id)
    assert row.attempts == 1 and row.due_at >= now + mails.RETRY_AFTER
    assert mails.deliver_waiting_mails() == 0, "not before it is due"
    monkeypatch.undo()
    settings.EMAIL_BACKEND = usual
    WaitingMail.objects.update(due_at=now - timedelta(seconds=1))
    assert mails.deliver_waiting_mails() == 1
    assert len(mail.outbox) == 1


def test_after_many_tries_it_is_given_up_and_said(cast: Cast, monkeypatch: Any, caplog: Any) -> None:
    mail_id = keep()
    monkeypatch.setattr(mail, "get_connection", lambda *args, **kwargs: Sulking())
    for attempt in range(mails.ATTEMPTS):
        WaitingMail.objects.update(due_at=clock.now() - timedelta(seconds=1))
        assert mails.deliver_mail(mail_id) is False
        assert WaitingMail.objects.filter(pk=mail_id).exists() == (attempt < mails.ATTEMPTS - 1)


def test_neither_the_row_nor_the_message_to_the_worker_says_what_it_says(committed_db: Cast) -> None:
    WaitingMail.objects.all().delete()
    server().connection.flushdb()
    keep()
    row = WaitingMail.objects.get()
    stored = f"{row.template} {row.content}"
    queued = b" ".join(server().connection.lrange("control", 0, -1)).decode()
    assert mails.TASK in queued
    for word in ("one-time-secret", "ivo@new.example"):
        assert word not in stored and word not in queued
    server().connection.flushdb()
    WaitingMail.objects.all().delete()


def test_where_redis_is_away_the_request_succeeds_and_the_next_round_sends_it(
    committed_db: Cast, monkeypatch: Any
) -> None:
    WaitingMail.objects.all().delete()

    def gone(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("Redis is gone")

    monkeypatch.setattr(mails.current_app, "send_task", gone)
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(committed_db.ana)
    assert client.post("/people/invite/", {"email": "ivo@new.example", "role": "member"}).status_code == 302
    assert WaitingMail.objects.count() == 1 and mail.outbox == []
    send_waiting_mails()
    assert [sent.to for sent in mail.outbox] == [["ivo@new.example"]]


def test_a_mail_speaks_the_language_it_was_kept_in(cast: Cast) -> None:
    mails.send_mail(template="emails/invitation", to="ivo@new.example", context=CONTEXT, language="fr")
    mails.deliver_waiting_mails()
    html = mail.outbox[-1].alternatives[0].content  # type: ignore[attr-defined]
    assert 'lang="fr"' in html


def test_a_worker_that_was_killed_while_sending_leaves_it_to_the_next_round(cast: Cast) -> None:
    mail_id = keep()
    WaitingMail.objects.filter(pk=mail_id).update(due_at=clock.now() + mails.SENT_WITHIN, attempts=1)
    assert mails.deliver_waiting_mails() == 0
    WaitingMail.objects.update(due_at=clock.now())
    assert mails.deliver_waiting_mails() == 1


def test_what_was_sealed_with_another_key_is_not_sent_and_stops_no_other(cast: Cast) -> None:
    WaitingMail.objects.create(
        template="x", content=mails.lock(orjson.dumps({}).decode(), "elsewhere"), created_at=clock.now(),
        due_at=clock.now() - timedelta(minutes=1),
    )  # fmt: skip
    keep()
    assert mails.deliver_waiting_mails() == 1
