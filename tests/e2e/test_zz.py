import pytest
from tests.e2e import test_account_page as t
account = t.account
@pytest.mark.parametrize("n", range(8))
class TestR:
    def test_a(self, n, account):
        t.test_the_chart_and_the_posts_keep_each_others_place_in_the_address(account)
    def test_r(self, n, ana, world, stack):
        t.test_a_refresh_keeps_the_old_number_until_the_new_one_is_there_and_is_capped(ana, world, stack)
