"""What pages of other apps are told of a tenant's credits: what each kind of work took."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.billing.test_gate import spend
from tests.cast import Cast
from tikdash import clock
from tikdash.budget import credits_by_feature

pytestmark = pytest.mark.usefixtures("fresh_gate")


def test_credits_are_told_by_kind_of_work_of_the_tenant_and_its_days(committed_db: Cast, noon: datetime) -> None:
    spend(committed_db, committed_db.acme, 3, feature="posts")
    spend(committed_db, committed_db.acme, 4, feature="comments")
    spend(committed_db, committed_db.acme, 9, feature="posts", outcome="server_error")
    spend(committed_db, committed_db.rival, 50, feature="posts")
    with clock.at(noon - timedelta(days=29)):
        spend(committed_db, committed_db.acme, 2, feature="posts")
    with clock.at(noon - timedelta(days=30)):
        spend(committed_db, committed_db.acme, 100, feature="posts")
    assert credits_by_feature(committed_db.acme.id, 30) == {"posts": 5, "comments": 4}
