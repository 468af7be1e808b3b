"""A list as JSON: what it is, what its columns mean, and its rows, for programs."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO

import orjson
from django.db import connection, transaction
from django.http import FileResponse

from snapshots.exports.definitions import HEADINGS, described, facts_of
from snapshots.exports.sheet import Sheet

CONTENT_TYPE = "application/json"
BLOCK = 2_000


def json_response(sheet: Sheet) -> FileResponse:
    """`{"list", "as_of", …, "columns": [definitions], "rows": [objects by the columns' keys]}`, a row a line.

    Numbers are numbers and null where there is none; ids are texts, because programs, too, lose the digits behind the
    sixteenth. Through a file as the CSV, and must be called inside the tenant's scope as it.
    """
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115  (the response closes it)
    try:
        _write(file, sheet)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=sheet.file_name("json"), content_type=CONTENT_TYPE)


def _write(file: IO[bytes], sheet: Sheet) -> None:
    columns = [dict(zip(HEADINGS, described(column), strict=True)) for column in sheet.columns]
    head = orjson.dumps(dict(facts_of(sheet)) | {"columns": columns})
    file.write(head[:-1] + b',"rows":[')
    comma = b"\n"
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT to_json(r)::text FROM ({sheet.plain_statement}) AS r", list(sheet.parameters))
        while block := cursor.fetchmany(BLOCK):
            for (row,) in block:
                file.write(comma + row.encode())
                comma = b",\n"
    file.write(b"\n]}\n")
