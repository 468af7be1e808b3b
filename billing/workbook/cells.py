"""Cells: headings, inputs in blue, and formulas with the values that they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from billing.capacity import Assessment, Inputs

FORMATS = {"whole": "#,##0", "part": "#,##0.00", "percent": "0.0%", "text": "@"}


class Book:
    """The workbook, its sheets by name, and what is written into them."""

    def __init__(self, workbook: Workbook, inputs: Inputs, assessment: Assessment) -> None:
        self.workbook, self.inputs, self.assessment = workbook, inputs, assessment
        self.sheets: dict[str, Worksheet] = {}
        self._bold = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._plain = {name: workbook.add_format({"num_format": code}) for name, code in FORMATS.items()}
        self._input = {
            name: workbook.add_format({"num_format": code, "font_color": "#0000c8"}) for name, code in FORMATS.items()
        }

    def add(self, name: str) -> None:
        sheet = self.workbook.add_worksheet(name)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 40, 15)
        self.sheets[name] = sheet

    def headings(self, sheet: str, row: int, names: Sequence[str]) -> None:
        for place, name in enumerate(names):
            self.sheets[sheet].write_string(row, place, name, self._bold)

    def text(self, sheet: str, row: int, place: int, value: str, *, bold: bool = False, given: bool = False) -> None:
        form = self._bold if bold else (self._input if given else self._plain)["text"]
        self.sheets[sheet].write_string(row, place, value, form)

    def given(self, sheet: str, row: int, place: int, value: float | None, form: str = "whole") -> None:
        """An input; None leaves the cell empty."""
        if value is None:
            self.sheets[sheet].write_blank(row, place, None, self._input[form])
        else:
            self.sheets[sheet].write_number(row, place, value, self._input[form])

    def formula(self, sheet: str, row: int, place: int, formula: str, value: Any, form: str = "whole") -> None:
        self.sheets[sheet].write_formula(row, place, formula, self._plain[form], value)


def at(row: int, place: int, sheet: str = "", *, fixed: bool = False) -> str:
    """The name of a cell: A1, or Sheet!$A$1."""
    cell = xl_rowcol_to_cell(row, place, row_abs=fixed, col_abs=fixed)
    return f"{sheet}!{cell}" if sheet else cell


def span(first_row: int, first: int, last_row: int, last: int, sheet: str = "") -> str:
    """The name of an area, fixed."""
    area = f"{at(first_row, first, fixed=True)}:{at(last_row, last, fixed=True)}"
    return f"{sheet}!{area}" if sheet else area
