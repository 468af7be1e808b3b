"""A list as CSV: PostgreSQL's own COPY, through a file.

Through a file, because the statement is then over before the first byte is sent: a slow reader holds no connection, an
error is still a page with its sentence, and half a list is never taken for a whole one. Nothing but one block of the
file is in memory.
"""

from __future__ import annotations

import codecs
import csv
import io
from tempfile import TemporaryFile
from typing import IO

from django.db import connection
from django.http import FileResponse, HttpResponse

from snapshots.exports.definitions import HEADINGS, definitions, facts
from snapshots.exports.sheet import Sheet

CONTENT_TYPE = "text/csv; charset=utf-8"


def csv_response(sheet: Sheet, *, bom: bool = False) -> FileResponse:
    """The rows under one line of column names, comma-separated, UTF-8, `\\n` at line ends, nothing for no value.

    `bom` puts the mark in front by which Excel knows UTF-8. Must be called inside the tenant's scope.
    """
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
    if bom:
        file.write(codecs.BOM_UTF8)
    try:
        with connection.cursor() as cursor:
            statement = f"COPY ({sheet.statement}) TO STDOUT (FORMAT csv, HEADER)"
            with cursor.copy(statement, list(sheet.parameters)) as rows:
                for block in rows:
                    file.write(block)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=sheet.file_name("csv"), content_type=CONTENT_TYPE)


def definitions_response(sheet: Sheet, *, bom: bool = False) -> HttpResponse:
    """What the columns mean, as CSV beside the CSV; facts of the whole sheet stand below in its first two columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows(definitions(sheet))
    writer.writerows((f"({name})", value, *[""] * (len(HEADINGS) - 2)) for name, value in facts(sheet))
    response = HttpResponse(codecs.BOM_UTF8 if bom else b"", content_type=CONTENT_TYPE)
    response.write(text.getvalue())
    response["Content-Disposition"] = f'attachment; filename="{sheet.file_name("csv", "definitions")}"'
    return response
