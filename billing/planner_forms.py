"""What the planner's forms refuse, beside the field where it can be mended."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet

from billing.models import CapacityScenario


class ScenarioForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = CapacityScenario
        exclude = ["calibrated_at", "calibration"]  # noqa: DJ006  (all that a person may change)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        threads, ceiling = cleaned.get("threads"), cleaned.get("ceiling")
        if threads and ceiling and threads > ceiling:
            self.add_error("ceiling", "The ceiling is not below the number of threads that run now.")
        return cleaned


class RowsFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows of one scenario, none of them twice."""

    named_by = ""

    def kept(self) -> list[Any]:
        """The forms that will be rows."""
        return [
            form
            for form in self.forms
            if (cleaned := getattr(form, "cleaned_data", None)) and not cleaned.get("DELETE")
        ]

    def clean(self) -> None:
        seen, twice = set(), False
        for form in self.kept():
            name = form.cleaned_data.get(self.named_by)
            if name and name in seen:
                form.add_error(self.named_by, f"“{name}” is there twice.")
                twice = True
            seen.add(name)
        if not twice:
            # It would say the same once more, with less to go by.
            super().clean()


class TierFormSet(RowsFormSet):
    named_by = "code"

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        if not sum(form.cleaned_data.get("tenants") or 0 for form in self.kept()):
            raise ValidationError("A scenario has at least one tenant.")


class TableFormSet(RowsFormSet):
    named_by = "name"


class FeatureFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The tiers that features name are those of the same page, saved or not."""

    def clean(self) -> None:
        super().clean()
        tiers = self._tiers()
        for form in self.forms:
            tier = (getattr(form, "cleaned_data", None) or {}).get("tier")
            if tier and not form.cleaned_data.get("DELETE") and tier not in tiers:
                known = ", ".join(sorted(tiers)) or "none yet"
                form.add_error("tier", f"There is no tier “{tier}” in this scenario. Tiers: {known}.")

    def _tiers(self) -> set[str]:
        try:
            number = min(int(self.data.get("tiers-TOTAL_FORMS", 0)), 1_000)
        except ValueError:
            return set()
        return {
            code
            for row in range(number)
            if (code := str(self.data.get(f"tiers-{row}-code", "")).strip())
            and not self.data.get(f"tiers-{row}-DELETE")
        }
