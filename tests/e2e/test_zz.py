import pytest
from tests.e2e import test_account_page as t
account = t.account
@pytest.mark.parametrize("n", range(6))
def test_r(n, ana, world, stack):
    t.test_a_refresh_keeps_the_old_number_until_the_new_one_is_there_and_is_capped(ana, world, stack)
