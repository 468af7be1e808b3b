"""Lists as files: CSV, XLSX and JSON, with what their numbers mean and of when they are."""

from snapshots.exports.csv_file import csv_response, definitions_response
from snapshots.exports.json_file import json_response
from snapshots.exports.lists import accounts_sheet, all_posts_sheet, growth_sheet, posts_sheet
from snapshots.exports.sheet import Column, Sheet
from snapshots.exports.xlsx_file import xlsx_response

__all__ = [
    "Column",
    "Sheet",
    "accounts_sheet",
    "all_posts_sheet",
    "csv_response",
    "definitions_response",
    "growth_sheet",
    "json_response",
    "posts_sheet",
    "xlsx_response",
]
