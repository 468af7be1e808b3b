"""Every page of the administration × every role of staff on the fleet's data: how many go beyond their budget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.services.staff_roles import ROLES
from tests.accounts.test_staff_pages import DJANGOS_OWN, addresses
from tests.accounts.test_staff_roles import READS
from tests.bench.data import connected_to
from tests.bench.frame import Figure, at_most
from tests.cast import give_app, sign_in_whole
from tests.queries import statements_of
from tikdash.db.scope import all_tenants
from tikdash.ui.admin_lists import MOST_ROWS, ROWS_AT_ONCE

#: A file is read in so many at most, and one that finds no more.
PIECES = MOST_ROWS // ROWS_AT_ONCE + 1


def pages_beyond_budget(database: str, facts: dict[str, Any]) -> Iterator[Figure]:
    """A figure for each role; the budgets are those of the test of the same pages with a handful of rows."""
    with connected_to(database):
        with all_tenants("shared"):
            pages = addresses({})
        for role in sorted(ROLES):
            client, beyond, taken = _of_role(role), [], []
            for page in pages:
                reads = not page.model or READS[role](page.app, page.model)
                if reads and page.kind in DJANGOS_OWN:
                    continue
                cache.clear()
                began = time.perf_counter()
                statements = statements_of(partial(client.get, page.path))
                is_file = page.kind == "export"
                if not is_file:
                    taken.append((1_000 * (time.perf_counter() - began), page.path))
                if len(statements) > page.most + (PIECES if is_file else 0):
                    beyond.append(f"{page.path}: {len(statements)}")
            slowest = max(taken)
            yield Figure(
                "admin", f"pages_beyond_budget_{role}", "pages", len(beyond), None, 1, at_most(0),
                facts | {"opened": len(taken), "beyond": beyond, "slowest_ms": slowest[0], "slowest": slowest[1]},
            )  # fmt: skip


def _of_role(role: str) -> Client:
    email = f"{role}@bench.example"
    user = User.objects.filter(email=email).first()
    if user is None:
        with transaction.atomic():
            user = User.objects.create_user(email, is_staff=True)
            user.groups.add(Group.objects.get(name=role))
            give_app(user)
    client = Client(headers={"host": "localhost"})
    sign_in_whole(client, user, "allauth.account.auth_backends.AuthenticationBackend")
    client.get("/admin/")
    return client
