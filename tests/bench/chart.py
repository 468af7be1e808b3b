"""The chart's JSON through the real view, against a bare Django view that answers the same days as objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.bench.data import bare, connected_to, main_database, member
from tests.bench.frame import Figure, Measure, Options, at_most, interleaved, seconds
from tests.bench.requesting import as_member, without_middleware
from tikdash import clock

AIMS = {90: at_most(1.0), 365: at_most(0.7)}
TIMES, ROUNDS = 40, 41
#: The rows that the product's series is made of: a suspect value is a gap.
ROWS = """
    SELECT captured_on AS date,
           CASE WHEN suspect IS NOT NULL AND suspect ? 'follower_count' THEN NULL ELSE follower_count END AS value
      FROM account_snapshots WHERE account_id = %s AND captured_on BETWEEN %s AND %s ORDER BY captured_on
"""


def run(options: Options) -> Iterator[Figure]:
    name = main_database(options)
    with connected_to(name):
        one = member(500)
        product = {days: as_member(one, f"/accounts/{one.account_id}/series.json?days={days}") for days in AIMS}
    for days, aim in AIMS.items():
        plain = without_middleware(f"/series/{one.account_id}/?days={days}", __name__)
        _check_same(name, days, product[days], plain)
        measured = interleaved(_through(connected_to, name, product[days]), _through(bare, name, plain), ROUNDS)
        yield Figure("chart", f"series{days}", "s", measured.value, measured.baseline, measured.rounds, aim)


def bare_series(request: HttpRequest, account_id: int) -> JsonResponse:
    """What a Django view without tenants, log-in and columns does for the same chart."""
    today = clock.today()
    first = today - timedelta(days=int(request.GET["days"]) - 1)
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [account_id, first, today])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return JsonResponse({"metric": "follower_count", "rows": rows}, encoder=DjangoJSONEncoder)


urlpatterns = [path("series/<int:account_id>/", bare_series)]


def _through(connected: Callable[[str], Any], name: str, ask: Callable[[], Any]) -> Measure:
    def measure() -> float:
        with connected(name):
            return seconds(ask, TIMES)()

    return measure


def _check_same(name: str, days: int, product: Callable[[], Any], plain: Callable[[], Any]) -> None:
    with connected_to(name):
        ours = product().json()
    with bare(name):
        theirs = plain().json()["rows"]
    assert len(theirs) == days
    assert ours["dates"] == [row["date"] for row in theirs]
    assert ours["values"] == [row["value"] for row in theirs]
