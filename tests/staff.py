"""Staff of operations for tests: with a second factor, and only the permissions that a test names."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.cast import give_app
from tests.snapshots.conftest import browser_of


def staff_with(*permissions: str) -> Client:
    """A window of somebody of operations who may do this and no more, such as `snapshots.view_fetchjob`."""
    number = User.objects.count()
    user = User.objects.create_user(f"staff{number}@tikdash.example", is_staff=True)
    give_app(user)
    for permission in permissions:
        app, _, name = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=name))
    return browser_of(user, "localhost")


def words_of(answer: Any) -> str:
    """The text of a page without its tags, one space between words."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
