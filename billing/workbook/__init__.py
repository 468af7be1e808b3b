"""A scenario as a spreadsheet with live formulas: change an input, shown in blue, and every sheet follows.

Each formula also carries the value that `billing.capacity` has computed, for readers that do not compute; a test has
the formulas recomputed by another program and compares.
"""

from __future__ import annotations

from io import BytesIO

import xlsxwriter

from billing.capacity import Inputs, assess
from billing.workbook.amounts import write_credits, write_features, write_tenants
from billing.workbook.cells import Book
from billing.workbook.growth import write_database, write_scenarios, write_workers

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEETS = ("Features", "Tenants", "Credits", "Database", "Workers", "Scenarios")


def workbook_of(inputs: Inputs) -> bytes:
    """The six sheets as an XLSX file. Raises ValueError for a scenario with problems."""
    assessment = assess(inputs)
    file = BytesIO()
    # Names come from people: text is text, whatever it begins with.
    workbook = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book = Book(workbook, inputs, assessment)
    for name in SHEETS:
        book.add(name)
    write_features(book)
    write_tenants(book)
    write_credits(book)
    write_database(book)
    write_workers(book)
    write_scenarios(book)
    workbook.close()
    return file.getvalue()
