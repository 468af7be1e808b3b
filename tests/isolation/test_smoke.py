from tests.factories import make_account
from tikdash.db.scope import tenant_scope
from snapshots.models import TrackedAccount
def test_x(cast):
    with tenant_scope(cast.acme):
        make_account("a"); assert TrackedAccount.objects.count()==1
    with tenant_scope(cast.rival):
        assert TrackedAccount.objects.count()==0
    assert TrackedAccount.objects.none().count()==0
def test_y(committed_db):
    with tenant_scope(committed_db.globex):
        make_account("a"); assert TrackedAccount.objects.count()==1
def test_z(committed_db, upstream):
    from snapshots.services.inline import track_now
    from snapshots.services.accounts import clean_wish
    r=track_now(committed_db.acme, clean_wish(handle="@lena.bakes",reason="own",tags="a, b"))
    assert r.posts>=60 and r.followers
