"""The way in: whose token, at which host, for what; and one shape for everything that goes wrong."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, Tenant
from accounts.services.telling import begin_maintenance
from billing.gate import gate
from billing.metering import meter
from billing.models import Plan
from tests.api.asking import READ_ONLY, Partner, partner
from tests.billing.test_metering import event_of
from tests.cast import Cast
from tests.factories import make_account
from tests.queries import assert_at_most, statements_of
from tikdash import clock
from tikdash.api import errors
from tikdash.db.scope import all_tenants, tenant_scope

SHAPE = {"code", "message", "errors", "request_id", "docs"}


def refused(answer: Any, status: int, code: str) -> Any:
    """The body of a refusal, which has the one shape."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json"), answer.content
    body = answer.json()
    assert body.keys() == SHAPE and body["code"] == code and body["code"] in errors.ALL
    assert body["message"] and body["request_id"] == answer["X-Request-Id"]
    assert body["docs"] == f"/api/docs/errors#{code}"
    return body


@pytest.mark.parametrize("host", ["localhost", "acme.localhost"])
def test_the_token_gives_the_tenant_on_the_public_host_and_on_its_own(cast: Cast, host: str) -> None:
    with tenant_scope(cast.acme):
        make_account("lena")
    with tenant_scope(cast.rival):
        make_account("secret")
    answer = partner(cast.acme, host).get("accounts")
    assert answer.status_code == 200
    assert [row["handle"] for row in answer.json()["data"]] == ["lena"]
    assert "Set-Cookie" not in answer and "Access-Control-Allow-Origin" not in answer
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert {"Authorization", "Accept"} <= {part.strip() for part in answer["Vary"].split(",")}


def test_a_tenant_with_a_schema_of_its_own_is_reached_alike(cast: Cast) -> None:
    with tenant_scope(cast.globex):
        make_account("gil")
    assert [row["handle"] for row in partner(cast.globex).get("accounts").json()["data"]] == ["gil"]


@pytest.mark.parametrize("host", ["rival.localhost", "globex.localhost", "nobody.localhost", "bad host"])
def test_a_token_is_no_good_at_another_tenants_host(cast: Cast, host: str) -> None:
    answer = partner(cast.acme, host).get("accounts")
    refused(answer, 401, "bad_token")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("raw", ["", "x", "tkd_aaaaaaaaaaaa_" + "a" * 40, "\xff", "Bearer", "a\x00b"])
def test_what_is_no_token_is_401(cast: Cast, raw: str) -> None:
    refused(Partner(raw).get("accounts"), 401, "bad_token")


def test_a_server_that_does_not_know_the_callers_address_answers(cast: Cast) -> None:
    ours = partner(cast.acme)
    ours.client.defaults["REMOTE_ADDR"] = ""
    assert ours.get("token").status_code == 200
    with all_tenants():
        ApiToken.objects.update(networks=["203.0.113.0/24"])
    refused(ours.get("token"), 403, "token_not_allowed")


def test_a_session_is_no_token(cast: Cast) -> None:
    client = Client(headers={"host": "acme.localhost"})
    client.force_login(cast.ana, backend="allauth.account.auth_backends.AuthenticationBackend")
    refused(client.get("/api/v1/accounts"), 401, "bad_token")


def test_revoked_and_expired_tokens_say_so(cast: Cast) -> None:
    ours = partner(cast.acme)
    with all_tenants():
        ApiToken.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "expired" in refused(ours.get("accounts"), 401, "bad_token")["message"]
    with all_tenants():
        ApiToken.objects.update(revoked_at=clock.now())
    assert "revoked" in refused(ours.get("accounts"), 401, "bad_token")["message"]


def test_a_plan_without_the_api_is_told_so(cast: Cast) -> None:
    ours = partner(cast.acme)
    Plan.objects.filter(code="pro").update(features=["exports"])
    refused(ours.get("accounts"), 403, "not_in_plan")


def test_a_scope_that_is_missing_is_named(cast: Cast) -> None:
    ours = partner(cast.acme, scopes=["posts:read"])
    assert ours.get("posts").status_code == 200
    assert "accounts:read" in refused(ours.get("accounts"), 403, "token_not_allowed")["message"]
    reader = partner(cast.acme, scopes=READ_ONLY)
    assert "accounts:write" in refused(reader.post("accounts", {"handle": "x"}), 403, "token_not_allowed")["message"]


def test_whoever_may_write_may_read(cast: Cast) -> None:
    assert partner(cast.acme, scopes=["accounts:write"]).get("accounts").status_code == 200


@pytest.mark.parametrize("path", ["nothing", "accounts/1/nothing", "accounts/", "accounts/-1", "accounts/x", "%00"])
def test_an_address_that_is_none_is_404(cast: Cast, path: str) -> None:
    refused(partner(cast.acme).get(path), 404, "not_found")


def test_other_methods_are_405_and_say_which_there_are(cast: Cast) -> None:
    ours = partner(cast.acme)
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        answer = ours.send(method, "accounts")
        refused(answer, 405, "method_not_allowed")
        assert "GET" in answer["Allow"] and "POST" in answer["Allow"]


def test_only_json_comes_in_and_only_what_there_is_goes_out(cast: Cast) -> None:
    ours = partner(cast.acme)
    answer = ours.client.post("/api/v1/accounts", {"handle": "x"})
    refused(answer, 415, "unsupported_media_type")
    refused(ours.get("accounts", accept="image/png"), 406, "not_acceptable")
    for body in (b"{", b"[1]", b"null", b'{"a": NaN}', b"\xff"):
        refused(ours.post("accounts", body), 400, "bad_json")


def test_what_is_too_large_is_413(cast: Cast, settings: Any) -> None:
    settings.MOST_REQUEST_BYTES = 1_000
    refused(partner(cast.acme).post("accounts", {"handle": "x" * 2_000}), 413, "too_large")
    settings.MOST_REQUEST_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10**6, 1_000
    refused(partner(cast.acme).post("accounts", {"handle": "x" * 2_000}, **{"idempotency-key": "a"}), 413, "too_large")


def test_what_breaks_is_500_without_a_word_of_how(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_given: Any) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("snapshots.api.accounts.accounts_by_key", broken)
    answer = partner(cast.acme).get("accounts")
    refused(answer, 500, "error")
    assert b"inside" not in answer.content and b"Traceback" not in answer.content


def test_parameters_that_are_not_known_or_wrong_are_named_together(cast: Cast) -> None:
    body = refused(partner(cast.acme).get("accounts", {"sort": "x", "limit": "0", "colour": "red"}), 400, "bad_input")
    assert body["errors"].keys() == {"sort", "limit", "colour"}
    body = refused(partner(cast.acme).post("accounts", {"handle": "x", "raeson": "own"}), 400, "bad_input")
    assert body["errors"].keys() == {"raeson"}


@pytest.fixture
def one_minute() -> Iterator[None]:
    """The clock stands, so that no minute ends meanwhile."""
    with clock.at(clock.now()):
        yield


def test_each_token_has_its_own_minute_and_the_plan_says_how_much_is_in_it(cast: Cast, one_minute: None) -> None:
    Plan.objects.filter(code="pro").update(api_requests_per_minute=2)
    ours, other = partner(cast.acme), partner(cast.acme)
    first = ours.get("token")
    assert first.json()["requests_per_minute"] == 2
    assert first["RateLimit-Policy"] == '"minute";q=2;w=60' and first["RateLimit"].startswith('"minute";r=1;t=')
    assert ours.get("token")["RateLimit"].startswith('"minute";r=0;')
    answer = ours.get("token")
    refused(answer, 429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert other.get("token").status_code == 200
    Plan.objects.filter(code="pro").update(api_requests_per_minute=4)
    assert ours.get("token").status_code == 200, "a larger plan counts at once"
    said = {each["name"]: each["message"] for each in other.get("usage").json()["quotas"]}
    assert said["api"] == "4 requests a minute by each token."


def test_whoever_tries_tokens_is_told_to_wait(cast: Cast, one_minute: None) -> None:
    stranger, ours = Partner("tkd_aaaaaaaaaaaa_" + "a" * 40), partner(cast.acme)
    statuses = {stranger.get("token").status_code for _ in range(61)}
    assert statuses == {401, 429}
    assert ours.get("token").status_code == 200


def test_without_redis_there_is_reading_and_no_writing(cast: Cast, settings: Any) -> None:
    ours = partner(cast.acme)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ours.get("accounts").status_code == 200
    refused(ours.post("accounts", {"handle": "lena"}), 503, "unavailable")


def test_the_same_answer_is_not_sent_twice(cast: Cast) -> None:
    with tenant_scope(cast.acme):
        account = make_account("lena")
    ours = partner(cast.acme)
    first = ours.get(f"accounts/{account.pk}")
    again = ours.get(f"accounts/{account.pk}", **{"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    with tenant_scope(cast.acme):
        account.follower_count = 1
        account.save(update_fields=["follower_count"])
    assert ours.get(f"accounts/{account.pk}", **{"if-none-match": first["ETag"]}).status_code == 200


def test_every_answer_says_how_long_it_is(cast: Cast) -> None:
    ours = partner(cast.acme)
    for answer in (ours.get("metrics"), ours.get("metrics", **{"accept-encoding": "gzip"}), ours.get("accounts/7")):
        assert answer["Content-Length"] == str(len(answer.content))
    nothing = ours.get("metrics", **{"if-none-match": ours.get("metrics")["ETag"]})
    assert nothing.status_code == 304 and "Content-Length" not in nothing


def test_long_answers_are_compressed(cast: Cast) -> None:
    answer = partner(cast.acme).get("metrics", **{"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert b'"followers"' in gzip.decompress(answer.content)


def test_what_went_wrong_is_json_whatever_was_asked_for(cast: Cast) -> None:
    ours = partner(cast.acme)
    refused(ours.get("accounts", {"limit": "0"}, accept="text/csv"), 400, "bad_input")
    refused(ours.get("accounts/999999/notes", accept="text/csv"), 404, "not_found")
    refused(ours.get("snapshots", {"from": "x"}, accept="application/x-ndjson"), 400, "bad_input")


def test_a_write_says_how_many_credits_the_plan_has_left(cast: Cast) -> None:
    ours = partner(cast.acme)
    Plan.objects.filter(code="pro").update(daily_credits=500, monthly_credits=9_000)
    gate.forget()
    with tenant_scope(cast.acme):
        meter.record(event_of(cast, tenant_id=cast.acme.id, occurred_at=clock.now(), credits=40))
    answer = ours.post("accounts", {"handle": "lena"})
    assert answer.status_code == 202
    left = {each["name"]: each["left"] for each in ours.get("usage").json()["quotas"]}
    assert (answer["Credits-Left-Day"], answer["Credits-Left-Month"]) == (
        str(left["credits_day"]), str(left["credits_month"]),
    )  # fmt: skip
    assert int(answer["Credits-Left-Day"]) <= 460 and int(answer["Credits-Left-Month"]) <= 8_960
    assert "Credits-Left-Day" not in ours.get("accounts")


def test_a_workspace_that_is_moved_or_closing_is_read_only(cast: Cast) -> None:
    ours = partner(cast.acme)
    Tenant.objects.filter(pk=cast.acme.id).update(fetching_paused_cause="move")
    answer = ours.post("accounts", {"handle": "lena"})
    refused(answer, 503, "moving")
    assert answer["Retry-After"] == "60" and ours.get("accounts").status_code == 200
    Tenant.objects.filter(pk=cast.acme.id).update(fetching_paused_cause="", erase_at=clock.now() + timedelta(days=1))
    refused(ours.post("accounts", {"handle": "lena"}), 409, "closing")
    assert ours.get("accounts").status_code == 200


def test_during_a_maintenance_there_is_only_reading(cast: Cast) -> None:
    begin_maintenance(sentence="We move to new machines.", work_stops=False)
    ours = partner(cast.acme)
    assert refused(ours.post("accounts", {"handle": "x"}), 503, "maintenance")["message"] == "We move to new machines."
    assert ours.get("accounts").status_code == 200


def test_the_token_stands_in_no_log(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    ours = partner(cast.acme)
    ours.get("accounts", {"q": "x"})
    ours.get("nothing")
    said = capsys.readouterr()
    assert ours.raw.rsplit("_", 1)[1] not in said.out + said.err


def test_a_list_asks_for_as_little_as_it_can(cast: Cast) -> None:
    """The token with its tenant, the plan, the rows, their states; the token's last use once a minute."""
    with tenant_scope(cast.acme):
        for _ in range(30):
            make_account()
    ours = partner(cast.acme)
    ours.get("accounts")
    assert_at_most(4, statements_of(lambda: ours.get("accounts")))
