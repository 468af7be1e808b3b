"""Every model of ours either is claimed by an exporter and an eraser, or says why no person of TikTok's is in it."""

from __future__ import annotations

from django.apps import apps

from accounts.services.erasing import KEPT
from accounts.services.personal import kinds, models_without_persons

OURS = ("tikdash", "accounts", "billing", "snapshots")


def ours() -> set[str]:
    return {model._meta.label for app in OURS for model in apps.get_app_config(app).get_models()}


def test_every_model_is_claimed_once_or_says_why_not() -> None:
    claimed = [label for kind in kinds() for label in kind.models]
    assert sorted(claimed) == sorted(set(claimed))
    without = models_without_persons()
    unclaimed = ours() - set(claimed) - without.keys()
    assert unclaimed == set(), (
        "Add an exporter and an eraser to KINDS of the app's personal-data module (settings.PERSONAL_DATA), or say in"
        " WITHOUT why no person of TikTok's is in it."
    )
    assert set(claimed) & without.keys() == set()
    assert (set(claimed) | without.keys()) - ours() == set(), "these models do not exist any more"
    assert all(len(reason) > 10 for reason in without.values())


def test_every_kind_says_what_it_is_for_and_how_long_it_is_kept() -> None:
    names = [kind.name for kind in kinds()]
    assert len(names) == len(set(names)) >= 15
    for kind in kinds():
        assert kind.purpose and kind.kept and callable(kind.export) and callable(kind.erase), kind.name


#: Of billing, and of no use to an invoice: deleted with the workspace.
GOES = {
    "alert_channels", "alert_deliveries", "budget_refusals", "limit_raises", "plan_excesses", "tenant_budgets",
    "usage_alerts",
}  # fmt: skip


def test_every_table_of_billing_is_either_kept_for_invoices_or_goes_with_its_workspace() -> None:
    models = apps.get_app_config("billing").get_models()
    of_tenants = {model._meta.db_table for model in models if any(f.column == "tenant_id" for f in model._meta.fields)}
    assert of_tenants == KEPT.keys() | GOES, "Add the table to KEPT in accounts/services/erasing.py, or to GOES here."
