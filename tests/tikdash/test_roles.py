"""Roles and database: made by several hosts at once, as when all of them are started together."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from tikdash.db.roles import LogIn, make_roles_and_database


def test_several_hosts_that_start_at_once_do_each_other_no_harm(db: Any) -> None:
    log_in = LogIn.from_url(os.environ["DATABASE_URL"])
    with ThreadPoolExecutor(6) as hosts:
        made = [hosts.submit(make_roles_and_database, settings.DATABASE_ADMIN_URL, log_in) for _ in range(30)]
        assert [one.exception() for one in made] == [None] * 30
