"""The second factor: apps, recovery codes, who must have one, and what asks for it again."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from accounts.models import Session, User
from accounts.web.second_factor import SEALED_FOR
from tests.cast import OLGA, OLGA_KEY, PASSWORD, Cast, code_now, give_app
from tests.mails import outbox
from tikdash import demo
from tikdash.crypto import lock, unlock

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet(cast: Cast) -> None:
    cache.clear()


def sign_in(email: str, host: str = "localhost", next_path: str = "") -> tuple[Client, Any]:
    client = Client(headers={"host": host})
    answer = client.post(f"/log-in/{next_path}", {"login": email, "password": PASSWORD})
    return client, answer


def code_of(key: str, steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(key, int(time.time()) // 30 + steps)))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_an_app_is_added_with_its_code_and_gives_recovery_codes_once(cast: Cast) -> None:
    client, _ = sign_in("max@acme.example")
    page = text(client.get("/you/second-factor/app/"))
    key = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert key and "data:image/svg+xml;base64," in page
    assert "This code is not right." in text(client.post("/you/second-factor/app/", {"code": "000000"}))
    added = client.post("/you/second-factor/app/", {"code": code_of(key.group(1))})
    assert added["Location"] == "/you/second-factor/recovery-codes/"
    codes = re.findall(r"<code>(\d{8})</code>", text(client.get(added["Location"])))
    assert len(codes) == 10
    assert not re.findall(r"<code>\d{8}</code>", text(client.get(added["Location"]))), "shown once"

    cache.clear()
    again, answer = sign_in("max@acme.example")
    assert answer["Location"] == "/log-in/second-factor/"
    assert again.get("/").status_code == 302, "not signed in yet"
    assert "This code is not right." in text(again.post("/log-in/second-factor/", {"code": "111111"}))
    assert again.post("/log-in/second-factor/", {"code": codes[0]})["Location"] == "/"
    assert again.get("/").status_code == 200
    cache.clear()
    third, _ = sign_in("max@acme.example")
    assert "This code is not right." in text(third.post("/log-in/second-factor/", {"code": codes[0]})), "used up"


def test_the_database_holds_neither_key_nor_seed_in_plain(cast: Cast) -> None:
    give_app(cast.max, KEY)
    row = Authenticator.objects.get(user=cast.max)
    assert KEY not in str(row.data) and unlock(row.data["secret"], SEALED_FOR) == KEY
    assert lock(KEY, SEALED_FOR) != lock(KEY, SEALED_FOR)


def test_a_former_secret_key_still_opens_what_it_sealed(settings: Any) -> None:
    sealed = lock("something", SEALED_FOR)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-that-is-long-enough-for-everything-we-do-with-it"
    assert unlock(sealed, SEALED_FOR) == "something"


def test_on_a_workspaces_host_the_second_factor_is_asked_for_too(cast: Cast) -> None:
    give_app(cast.max, KEY)
    client, answer = sign_in("max@acme.example", "acme.localhost", "?next=/posts/")
    assert answer["Location"] == "/log-in/second-factor/"
    assert client.get("/accounts/").status_code == 302
    assert client.post("/log-in/second-factor/", {"code": code_of(KEY)})["Location"] == "/posts/"
    assert client.get("/accounts/").status_code == 200


def test_a_code_works_once(cast: Cast) -> None:
    give_app(cast.max, KEY)
    code = code_of(KEY)
    first, _ = sign_in("max@acme.example")
    assert first.post("/log-in/second-factor/", {"code": code}).status_code == 302
    second, _ = sign_in("max@acme.example")
    assert second.post("/log-in/second-factor/", {"code": code}).status_code == 422


def test_codes_cannot_be_tried_for_long(cast: Cast) -> None:
    give_app(cast.max, KEY)
    client, _ = sign_in("max@acme.example")
    for _ in range(5):
        client.post("/log-in/second-factor/", {"code": "000000"})
    answer = client.post("/log-in/second-factor/", {"code": code_of(KEY)})
    assert answer.status_code == 422 and "Too many failed login attempts." in text(answer)


def test_staff_without_a_second_factor_is_led_to_it_and_then_gets_in(cast: Cast) -> None:
    User.objects.create_user("sia@tikdash.example", PASSWORD, is_staff=True, is_superuser=True)
    client, _ = sign_in("sia@tikdash.example")
    led = client.get("/admin/accounts/tenant/")
    assert led["Location"] == "/you/second-factor/"
    assert "The administration opens once you have a second factor" in text(client.get(led["Location"]))
    key = re.search(r"<code>([A-Z2-7]{32})</code>", text(client.get("/you/second-factor/app/")))
    assert key
    client.post("/you/second-factor/app/", {"code": code_of(key.group(1))})
    asked = client.get("/admin/")["Location"]
    assert asked == "/confirm/code/?next=%2Fadmin%2F", "a session from before proves nothing"
    assert client.post(asked, {"code": code_of(key.group(1)), "next": "/admin/"})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_session_that_came_without_it_does_not_open_the_administration(cast: Cast) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(cast.olga)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session.save()
    assert client.get("/admin/")["Location"].startswith("/confirm/code/?next=")


def test_staff_keeps_a_second_factor(cast: Cast) -> None:
    client, _ = sign_in(OLGA)
    client.post("/log-in/second-factor/", {"code": code_now()})
    assert "Staff keep a second factor." in text(client.get("/you/second-factor/app/remove/"))
    client.post("/you/second-factor/app/remove/")
    assert Authenticator.objects.filter(user=cast.olga, type="totp").exists()


def test_a_step_up_asks_for_the_second_factor_where_there_is_one(cast: Cast) -> None:
    give_app(cast.ana, KEY)
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.ana)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time() - 3_600}]
    session.save()
    asked = client.get("/people/transfer/")["Location"]
    assert asked == "/confirm/code/?next=%2Fpeople%2Ftransfer%2F"
    # The password alone is not among the ways.
    assert client.get("/confirm/password/")["Location"].startswith("/confirm/code/")
    assert client.post(asked, {"code": code_of(KEY), "next": "/people/transfer/"})["Location"] == "/people/transfer/"
    assert client.get("/people/transfer/").status_code == 200


def test_right_after_the_log_in_nobody_is_asked_again(cast: Cast) -> None:
    client, _ = sign_in("ana@acme.example", "acme.localhost")
    assert client.get("/people/transfer/").status_code == 200


def test_sessions_of_all_hosts_are_listed_and_end_together(cast: Cast) -> None:
    here, _ = sign_in("ana@acme.example")
    other, _ = sign_in("ana@acme.example", "acme.localhost")
    there = Client(headers={"host": "acme.localhost"})
    sent = here.get("/open/acme/")["Location"].removeprefix("http://acme.localhost")
    there.get(sent)
    assert Session.objects.filter(user=cast.ana).count() == 3
    page = text(here.get("/you/sessions/"))
    assert page.count("127.0.0.1") == 3 and page.count("this one") == 1
    here.post("/you/sessions/")
    assert [client.get("/accounts/").status_code for client in (other, there)] == [302, 302]
    assert here.get("/you/sessions/").status_code == 200


def test_a_new_password_signs_out_all_other_windows_and_is_told_by_mail(cast: Cast) -> None:
    here, _ = sign_in("ana@acme.example")
    other, _ = sign_in("ana@acme.example", "acme.localhost")
    form = {"oldpassword": PASSWORD, "password1": "another-long-password", "password2": "another-long-password"}
    assert here.post("/you/password/", form).status_code == 302
    assert other.get("/accounts/").status_code == 302
    assert here.get("/you/").status_code == 200
    assert outbox()[-1].subject == "Your password at Tikdash has changed"


def test_an_address_changes_when_the_code_that_went_there_is_typed(cast: Cast) -> None:
    client, _ = sign_in("max@acme.example")
    sent = client.post("/you/email/", {"action_add": "", "email": "Max@elsewhere.example"})
    assert sent["Location"] == "/confirm-address/"
    assert outbox()[-1].to == ["max@elsewhere.example"]
    assert User.objects.get(pk=cast.max.pk).email == "max@acme.example", "not before"
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(outbox()[-1].body), re.MULTILINE)
    assert code
    client.post("/confirm-address/", {"code": code.group(1)})
    assert User.objects.get(pk=cast.max.pk).email == "max@elsewhere.example"
    assert outbox()[-1].to == ["max@acme.example"], "the former address is told"
    cache.clear()
    assert sign_in("max@elsewhere.example")[1]["Location"] == "/"


def test_an_address_of_somebody_else_cannot_be_taken_or_found_out(cast: Cast) -> None:
    client, _ = sign_in("max@acme.example")
    sent = client.post("/you/email/", {"action_add": "", "email": "ana@acme.example"})
    assert sent["Location"] == "/confirm-address/"
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(outbox()[-1].body), re.MULTILINE)
    assert code and outbox()[-1].to == ["ana@acme.example"], "only who reads that mailbox learns anything"
    refused = client.post("/confirm-address/", {"code": code.group(1)})
    assert "A user is already registered with this email address." in text(refused)
    assert User.objects.get(pk=cast.max.pk).email == "max@acme.example"


def test_the_demos_operator_has_an_app_that_the_command_plays() -> None:
    assert demo.ops_code() == code_of(demo.OPS_KEY)
    assert len(OLGA_KEY) == 32
