"""Schemathesis over the whole schema with three tokens: whatever fits the schema, and what does not, has an answer that
fits it, never a 500, and nothing of another workspace's.

Of an address that names something the ids are, in turns, its own, another workspace's and made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from billing.models import Plan
from tests.api.asking import READ_ONLY, partner
from tests.cast import Cast
from tests.isolation.test_api_urls import give_exports_to, ids  # noqa: F401  (a fixture)
from tikdash.api import schema

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Requests for each operation, token and mode: 31 operations make about a thousand.
EXAMPLES = 5
TOKENS: dict[str, dict[str, Any]] = {"full": {}, "read_only": {"scopes": READ_ONLY}, "of_tag": {"tags": ["vip"]}}
OPERATIONS = [(method.upper(), path) for path, methods in schema.schema()["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def application() -> Iterator[Any]:
    """The application itself; as with Django's own client, its requests leave the test's connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def loaded(application: Any, django_db_setup: None, django_db_blocker: Any) -> Any:
    found = schemathesis.openapi.from_dict(schema.plain(schema.schema()))
    found.app = application
    return found


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda value: str(value))
@pytest.mark.parametrize("token", TOKENS)
def test_every_operation_answers_as_the_schema_says(
    cast: Cast,
    ids: dict[str, dict[str, Any]],  # noqa: F811
    loaded: Any,
    token: str,
    method: str,
    path: str,
) -> None:
    Plan.objects.filter(code="pro").update(api_requests_per_minute=10**6)
    ours = partner(cast.acme, **TOKENS[token])
    give_exports_to(ours)
    strangers = [value for name in ("rival", "globex") for value in ids[name].values()]
    headers = {"Authorization": f"Bearer {ours.raw}", "Accept-Encoding": "identity"}
    operation = loaded[path][method]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @seed(9)
    @_few
    @given(case=cases, whose=st.sampled_from(["acme", "rival", "made up"]))
    def asked(case: Any, whose: str) -> None:
        named = {name for name in case.path_parameters or {} if name in ids["acme"]}
        if whose != "made up":
            case.path_parameters |= {name: ids[whose][name] for name in named}
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)
        assert b"rivalsecret" not in response.content and b"globexsecret" not in response.content
        if named and whose == "rival" and response.status_code < 400:
            pytest.fail(f"{method} {path} with an id of {strangers}: {response.status_code}")

    asked()


def _few(test: Any) -> Any:
    return settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(test)
