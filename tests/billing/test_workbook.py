"""The planner's spreadsheet: another program recomputes its formulas and comes to the values of the pure functions."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import formulas
import pytest
from openpyxl import load_workbook

from billing.capacity import Inputs, assess
from billing.workbook import SHEETS, workbook_of
from tests.billing.scenarios import EXAMPLE, MIXED


def recomputed(content: bytes, directory: Path) -> dict[str, Any]:
    """Every cell as the library `formulas` computes it: `Features!H2` → value."""
    file = directory / "plan.xlsx"
    file.write_bytes(content)
    solution = formulas.ExcelModel().loads(str(file)).finish().calculate()
    values = {}
    for name, found in solution.items():
        sheet, _, cell = str(name).rpartition("!")
        if ":" not in cell and hasattr(found, "value"):
            values[f"{sheet.rpartition(']')[2].strip(chr(39)).title()}!{cell}"] = found.value[0, 0]
    return values


def formulas_with_values(content: bytes) -> dict[str, Any]:
    """Every formula's cell with the value that we wrote beside it."""
    written, stored = load_workbook(BytesIO(content)), load_workbook(BytesIO(content), data_only=True)
    return {
        f"{sheet.title}!{cell.coordinate}": stored[sheet.title][cell.coordinate].value
        for sheet in written
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


@pytest.mark.parametrize("inputs", [EXAMPLE, MIXED], ids=["example", "mixed"])
def test_every_formula_comes_to_the_value_of_the_pure_function(inputs: Inputs, tmp_path: Path) -> None:
    content = workbook_of(inputs)
    ours, theirs = formulas_with_values(content), recomputed(content, tmp_path)
    assert len(ours) > 500
    for cell, value in ours.items():
        if isinstance(value, int | float):
            assert float(theirs[cell]) == pytest.approx(value, rel=1e-9, abs=1e-9), cell
        else:
            assert str(theirs[cell]) == (value or ""), cell


def test_a_changed_input_reaches_all_sheets(tmp_path: Path) -> None:
    workbook = load_workbook(BytesIO(workbook_of(EXAMPLE)))
    assert tuple(workbook.sheetnames) == SHEETS
    workbook["Tenants"]["C2"], workbook["Tenants"]["D2"] = 25_000, 0.2
    workbook["Features"]["D4"], workbook["Workers"]["B1"] = 2_400, 20
    file = BytesIO()
    workbook.save(file)
    theirs = recomputed(file.getvalue(), tmp_path)
    features = list(EXAMPLE.features)
    features[2] = replace(features[2], active=2_400)
    changed = assess(
        replace(
            EXAMPLE,
            tiers=(replace(EXAMPLE.tiers[0], accounts=25_000, growth=0.2),),
            features=tuple(features),
            workers=replace(EXAMPLE.workers, threads=20),
        )
    )
    assert theirs["Features!H6"] == changed.daily_credits == 105_600
    assert theirs["Workers!B11"] == pytest.approx(changed.workers.drains_peak_in_s)
    rows = {str(theirs.get(f"Scenarios!A{row}")): row for row in range(1, 36)}
    assert theirs[f"Scenarios!C{rows['Breaks first']}"] == changed.scenarios[1].first
    for limit in changed.limits:
        month = "" if limit.breaks_in_months is None else limit.breaks_in_months
        assert theirs[f"Scenarios!F{rows[limit.name]}"] == month, limit.name


def test_a_name_that_looks_like_a_formula_is_text() -> None:
    book = load_workbook(BytesIO(workbook_of(MIXED)))
    assert book["Features"]["A2"].value == "=profile" and book["Features"]["A2"].data_type != "f"


def test_a_scenario_without_features_or_tables_is_a_sheet_too(tmp_path: Path) -> None:
    empty = replace(EXAMPLE, features=(), tables=())
    content = workbook_of(empty)
    theirs = recomputed(content, tmp_path)
    for cell, value in formulas_with_values(content).items():
        if isinstance(value, int | float):
            assert float(theirs[cell]) == pytest.approx(value), cell
