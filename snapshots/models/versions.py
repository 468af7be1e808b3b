from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import models

from tikdash.db.rls import TenantForeignKey


class AccountVersion(models.Model):
    """That a post or a day of an account was written: what was computed of them before no longer holds.

    Written by triggers on `posts` and `account_snapshots`, once a statement and in its transaction, and by nothing
    else. `mark` is random, so that a number never comes again, not even after a restore. An account's version are the
    marks of all its rows together: there is one, and more where writers met, because nobody waits here for another.
    Without a row nothing was written since the triggers are there. `posts_mark` is the same for what is made of posts
    alone: a new day leaves it.
    """

    # Not counted: schemas that are older than this table would give the same numbers.
    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    tenant = TenantForeignKey()
    account_id = models.BigIntegerField()
    mark = models.BigIntegerField()
    posts_mark = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "account_versions"
        indexes = [models.Index(name="account_versions_account", fields=["tenant", "account_id"])]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.mark}"
