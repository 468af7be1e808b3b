"""`manage.py call`: one question to the upstream, its answer for people or as JSON, and what it cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.services.tenants import create_tenant
from billing.models import UsageEvent
from tests.cast import Cast
from tests.simulating import Caller
from tests.tikdash.test_commands import data_of, error_of, manage, process
from tests.tiklive.bodies import BODIES, PAGE, ROW, encoded
from tests.tiklive.upstream import Answer, Upstream, running_upstream
from tikdash import clock
from tikdash.db.scope import tenant_scope
from tikdash.tiklive.endpoints import CATALOGUE

URL = "https://www.tiktok.com/@placeholder/video/7201234567890123456?a=b"
VALUES = {"username": "lena", "url": URL, "name": "bread", "keyword": "sour dough"}
OTHERS = sorted(set(CATALOGUE) - {"userid", "userinfo-by-username", "user-posts"})


@pytest.fixture
def server(settings: Any) -> Iterator[Upstream]:
    """An upstream that says what the test puts into its mouth."""
    with running_upstream() as upstream:
        settings.TIKLIVE_BASE_URL = upstream.base_url
        yield upstream


def events_of(tenant: Any) -> list[tuple[str, str, str, str, int]]:
    with tenant_scope(tenant):
        return list(UsageEvent.objects.values_list("endpoint", "feature", "priority", "outcome", "credits"))


# --- against the simulator -------------------------------------------------------------------------------------------


def test_call_prints_the_decoded_answer_and_its_cost_and_is_metered(committed_db: Cast, upstream: Caller) -> None:
    truth = upstream.look("truth/account", handle="lena.bakes")
    done = process("call", "acme", "userinfo-by-username", "username=@lena.bakes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("UserInfo\n  user\n    id = ")
    assert "    unique_id = 'lena.bakes'\n" in done.stdout
    assert f"  stats\n    follower_count = {truth['followers']}\n" in done.stdout
    assert re.search(r"\n\(1 credit, 1 attempt, \d+ ms\)\n$", done.stdout)
    assert events_of(committed_db.acme) == [("userinfo-by-username", "call", "interactive", "ok", 1)]
    assert events_of(committed_db.rival) == []


def test_call_as_json_has_our_names_for_the_fields(committed_db: Cast, upstream: Caller) -> None:
    user_id = upstream.account_id("lena.bakes")
    said = data_of(manage("call", "acme", "userid", "username=lena.bakes", "--json"))
    assert (said["tenant"], said["endpoint"], said["parameters"]) == ("acme", "userid", {"username": "lena.bakes"})
    assert said["answer"] == {"id": user_id}
    assert (said["credits"], said["attempts"]) == (1, 1)
    assert isinstance(said["latency_ms"], int)


def test_call_of_a_page_shows_its_rows_and_the_cursor_for_the_next(committed_db: Cast, upstream: Caller) -> None:
    user_id = upstream.account_id("lena.bakes")
    said = data_of(manage("call", "globex", "user-posts", f"userid={user_id}", "count=3", "--json"))
    first = said["answer"]
    assert (len(first["videos"]), first["has_more"], first["dropped"]) == (3, True, 0)
    done = manage("call", "globex", "user-posts", f"userid={user_id}", "count=3", f"cursor={first['cursor']}")
    assert done.stdout.startswith("PostPage\n  videos (3)\n    1\n      id = '")
    assert not [post["id"] for post in first["videos"] if f"id = '{post['id']}'" in done.stdout]
    assert events_of(committed_db.globex) == [("user-posts", "call", "interactive", "ok", 1)] * 2


# --- against any answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", OTHERS)
def test_every_other_endpoint_can_be_called(committed_db: Cast, server: Upstream, slug: str) -> None:
    server.answer = Answer(encoded(BODIES[slug]))
    given = [f"{name}={VALUES.get(name, '71')}" for name in CATALOGUE[slug].required]
    said = data_of(manage("call", "acme", slug, *given, "--json"))
    assert said["answer"] and said["credits"] == 1
    text = manage("call", "acme", slug, *given, "--fresh").stdout
    assert text.startswith(type(CATALOGUE[slug].decode(encoded(BODIES[slug]))).__name__)
    assert [asked.path.split("/")[1] for asked in server.asked] == [slug, slug]
    assert events_of(committed_db.acme) == [(slug, "call", "interactive", "ok", 1)] * 2


def test_answer_from_the_cache_says_when_it_was_measured_and_costs_nothing(
    committed_db: Cast, upstream: Caller
) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    with clock.at(moment):
        first = data_of(manage("call", "acme", "userid", "username=lena.bakes", "--json"))
    assert (first["from_cache"], first["credits"]) == (False, 1)
    again = data_of(manage("call", "acme", "userid", "username=lena.bakes", "--json"))
    assert again == first | {"from_cache": True, "credits": 0, "attempts": 0, "latency_ms": 0}
    assert again["measured_at"] == moment.isoformat(timespec="milliseconds")
    shown = manage("call", "acme", "userid", "username=lena.bakes").stdout
    assert shown.endswith(f"\n(from the cache, measured {moment:%Y-%m-%d %H:%M:%S} UTC)\n")
    assert not data_of(manage("call", "acme", "userid", "username=lena.bakes", "--fresh", "--json"))["from_cache"]
    assert len(events_of(committed_db.acme)) == upstream.look("stats")["requests"] == 2


def test_another_tenant_does_not_see_what_is_kept_for_this_one(committed_db: Cast, upstream: Caller) -> None:
    for slug in ("acme", "rival"):
        assert not data_of(manage("call", slug, "userid", "username=lena.bakes", "--json"))["from_cache"]
    # What is the same for everybody is kept for everybody.
    assert not data_of(manage("call", "acme", "challenge-info-name", "name=bread", "--json"))["from_cache"]
    assert data_of(manage("call", "rival", "challenge-info-name", "name=bread", "--json"))["from_cache"]


def test_text_cannot_steer_the_terminal(committed_db: Cast, server: Upstream) -> None:
    server.answer = Answer(encoded({**PAGE, "videos": [{**ROW, "title": "a\nb\x9b31m\u202eخبز 🍞"}]}))
    shown = manage("call", "acme", "user-posts", "userid=71").stdout
    assert "title = 'a\\nb\\x9b31m\\u202eخبز 🍞'" in shown
    server.answer = Answer(encoded({"id": "71", "na\x9bme\n": "x"}))
    assert "na\\x9bme\\n = 'x'" in manage("call", "acme", "playlist-info", "playlist_id=71").stdout


@pytest.mark.parametrize(
    ("answer", "sentence", "outcome", "credits"),
    [
        (Answer(b'{"status":"error","message":"Not found post"}'), "TikTok does not know", "entity_not_found", 0),
        (Answer(b"<html>oops", 400), "TikLiveAPI refused the request", "bad_request", 0),
        (Answer(b'{"title": "no id"}'), "an answer that cannot be used", "bad_payload", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_failure_is_one_line_with_reason_and_cost_and_is_metered(
    committed_db: Cast, server: Upstream, answer: Answer, sentence: str, outcome: str, credits: int
) -> None:
    server.answer = answer
    said = error_of(manage("call", "acme", "post-detail", f"url={URL}"))
    assert sentence in said and f"{outcome}: post-detail {answer.status}: " in said
    assert re.search(rf"\({credits} credits?, 1 attempt, \d+ ms\)$", said)
    assert events_of(committed_db.acme) == [("post-detail", "call", "interactive", outcome, credits)]


def test_no_key_shows_when_the_upstream_echoes_it(committed_db: Cast, server: Upstream, settings: Any) -> None:
    server.answer = Answer(f'{{"message": "Api-Key {settings.TIKLIVE_KEY} is not available"}}'.encode())
    said = error_of(manage("call", "acme", "userid", "username=lena"))
    assert "bad_key" in said and settings.TIKLIVE_KEY not in said


def test_upstream_that_cannot_be_reached_is_one_line_and_costs_nothing(committed_db: Cast) -> None:
    said = error_of(process("call", "acme", "userid", "username=lena"))
    assert said.startswith("TikLiveAPI cannot be reached") and said.endswith("(0 credits, 0 attempts, 0 ms)")
    assert events_of(committed_db.acme) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["acme", "user-post"], f"There is no endpoint “user-post”. There are: {', '.join(CATALOGUE)}."),
        (
            ["acme", "user-posts", "count=3"],
            "The parameter “userid” is missing. user-posts takes userid=…, [count=…], [cursor=…].",
        ),
        (
            ["acme", "user-posts", "userid=71", "time=0"],
            "There is no parameter “time”. user-posts takes userid=…, [count=…], [cursor=…].",
        ),
        (["acme", "userid", "lena"], "“lena” is not KEY=VALUE. userid takes username=…."),
        (
            ["acme", "userid", "username=a", "username=b"],
            "The parameter “username” is given twice. userid takes username=….",
        ),
        (
            ["nobody", "userid", "username=lena"],
            "There is no tenant “nobody”. There are: acme, globex, rival.",
        ),
        (["acme", "user-posts", "userid=lena"], "An account is found by its numeric TikTok id."),
        (["acme", "user-posts", "userid=71", "count=many"], "count must be a whole number."),
        (["acme", "userid", "username=@"], "Please give a TikTok handle."),
    ],
)
def test_what_is_wrong_with_the_question_is_one_line_that_lists_what_there_is(
    committed_db: Cast, server: Upstream, arguments: list[str], sentence: str
) -> None:
    assert error_of(manage("call", *arguments)) == sentence
    assert not server.asked


def test_tenants_are_listed_only_as_far_as_they_fit_on_a_line(committed_db: Cast, server: Upstream) -> None:
    for number in range(10, 19):
        create_tenant(slug=f"brand{number}", name=f"Brand {number}", plan="free")
    said = error_of(manage("call", "nobody", "userid", "username=lena"))
    named = ["acme", *(f"brand{number}" for number in range(10, 19))]
    assert said == f"There is no tenant “nobody”. There are: {', '.join(named)}, …."
