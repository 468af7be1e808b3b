"""A list as a spreadsheet, with the meaning of its columns on the second sheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, Any

import xlsxwriter
from django.db import connection, transaction
from django.http import FileResponse
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from snapshots.exports.definitions import HEADINGS, definitions, facts
from snapshots.exports.sheet import Column, Sheet
from tikdash.errors import BadInput
from tikdash.ui import numbers
from tikdash.words import gettext

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Some 100 µs a row: beyond that CSV serves better, and Excel itself ends at a million.
MOST_ROWS = 100_000
BLOCK, LONGEST_CELL = 2_000, 32_767
FORMATS = {"number": "#,##0", "fraction": "0.00%", "date": "yyyy-mm-dd", "time": 'yyyy-mm-dd"T"hh:mm:ss"Z"'}
WIDTHS = {"text": 24, "id": 22, "number": 14, "fraction": 12, "date": 12, "time": 22}


def xlsx_response(sheet: Sheet) -> FileResponse:
    """The rows as a worksheet, and the definitions as a second one. Must be called inside the tenant's scope.

    Raises BadInput for more than MOST_ROWS rows. Texts are never formulas; dates and times are ones that can be sorted.
    """
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
    # Rows go to the disk as they come; in return cells must be written in order.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, options)
    try:
        _write_rows(workbook, workbook.add_worksheet("Data"), sheet)
        _write_definitions(workbook, workbook.add_worksheet("Definitions"), sheet)
        workbook.close()
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=sheet.file_name("xlsx"), content_type=CONTENT_TYPE)


def _write_rows(workbook: Workbook, worksheet: Worksheet, sheet: Sheet) -> None:
    bold = workbook.add_format({"bold": True})
    formats = [
        workbook.add_format({"num_format": FORMATS[column.kind]}) if column.kind in FORMATS else None
        for column in sheet.columns
    ]
    for place, column in enumerate(sheet.columns):
        worksheet.set_column(place, place, WIDTHS[column.kind])
        worksheet.write_string(0, place, gettext(column.label), bold)
    worksheet.freeze_panes(1, 1)
    for number, row in enumerate(_rows(sheet), 1):
        if number > MOST_ROWS:
            raise BadInput(
                gettext("A spreadsheet takes at most {most_rows} rows. Narrow the list, or take the CSV.").format(
                    most_rows=numbers.exact(MOST_ROWS)
                )
            )
        for place, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
            _write(worksheet, number, place, column, value, formats[place])


def _rows(sheet: Sheet) -> Iterator[tuple[Any, ...]]:
    """A block at a time, by a cursor of the server."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sheet.statement, list(sheet.parameters))
        while block := cursor.fetchmany(BLOCK):
            yield from block


def _write(worksheet: Worksheet, row: int, place: int, column: Column, value: Any, form: Any) -> None:
    if value is None or value == "":
        return
    match column.kind:
        case "number" | "fraction":
            worksheet.write_number(row, place, float(value) if column.kind == "fraction" else value, form)
        case "date":
            worksheet.write_datetime(row, place, datetime.combine(value, datetime.min.time()), form)
        case "time":
            moment = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            worksheet.write_datetime(row, place, moment.replace(tzinfo=None), form)
        case _:
            worksheet.write_string(row, place, str(value)[:LONGEST_CELL])


def _write_definitions(workbook: Workbook, worksheet: Worksheet, sheet: Sheet) -> None:
    bold = workbook.add_format({"bold": True})
    worksheet.set_column(0, len(HEADINGS), 22)
    number = 0
    for name, value in facts(sheet):
        worksheet.write_string(number, 0, name, bold)
        worksheet.write_string(number, 1, value)
        number += 1
    number += 1
    for place, heading in enumerate(HEADINGS):
        worksheet.write_string(number, place, heading, bold)
    for row in definitions(sheet):
        number += 1
        for place, value in enumerate(row):
            worksheet.write_string(number, place, value)
