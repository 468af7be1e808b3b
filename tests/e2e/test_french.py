"""French in the browser: longer words break nothing, on a wide screen and on a phone; charts speak it, too."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.cast import Cast
from tests.e2e.stack import Stack
from tests.e2e.test_looks import camera, fill_workspace
from tests.e2e.visitors import Visitors, overflow

PATHS = ("overview/", "accounts/", "posts/", "compare/", "hashtags/", "accounts/bulk/", "preferences/")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_no_page_in_french_is_wider_than_its_screen(
    visitors: Visitors, world: Cast, stack: Stack, size: tuple[int, int]
) -> None:
    lena = fill_workspace(world)
    page = visitors.member("ana@acme.example", size=size)
    User.objects.filter(pk=world.ana.pk).update(language="fr", time_zone="Europe/Paris")
    take = camera(page, f"french-{size[0]}")
    for path in (*PATHS, f"accounts/{lena}/", f"accounts/{lena}/?tab=activity"):
        page.goto(stack.url("acme", f"/{path}"))
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        assert overflow(page) <= 0, path
        take(path.strip("/").replace("/", "-").replace("?", "-"))
    User.objects.filter(pk=world.ana.pk).update(language="", time_zone="")
