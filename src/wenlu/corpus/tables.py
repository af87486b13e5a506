"""Rows of CSV and TSV files; the first names the columns."""

import csv
import threading
from collections.abc import Iterator
from pathlib import Path

from wenlu.corpus.lines import Lines, Row, decode
from wenlu.errors import DataError

_LONGEST_FIELD = 2**31 - 1  # characters in a CSV field; Python's own limit is 131072
_csv_limit = threading.Lock()


def read_csv(path: Path, lines: Lines) -> Iterator[Row]:
    """The rows of a CSV file: commas, and double quotes where needed."""
    reader = csv.reader((decode(path, *line, end=True) for line in lines), strict=True)
    names: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            with _csv_limit:
                before = csv.field_size_limit(_LONGEST_FIELD)
                try:
                    row = next(reader, None)
                finally:
                    csv.field_size_limit(before)
        except csv.Error as error:
            raise DataError(_csv_problem(str(error)), file=path, line=start) from None
        if row is None:
            return
        if not row or (len(row) == 1 and row[0].isspace()):
            continue
        if names is None:
            names = _check_header(path, start, row)
        else:
            hint = "A field with a comma in it must stand in double quotes"
            yield start, _named(path, start, names, row, hint)


def read_tsv(path: Path, lines: Lines) -> Iterator[Row]:
    """The rows of a TSV file: a tab between fields, and quotes like any other character."""
    names: list[str] | None = None
    for number, raw in lines:
        text = decode(path, number, raw)
        row = text.split("\t")
        if not text or (len(row) == 1 and text.isspace()):
            continue
        if names is None:
            names = _check_header(path, number, row)
        else:
            hint = "A field cannot hold a tab or a line break"
            yield number, _named(path, number, names, row, hint)


def _csv_problem(message: str) -> str:
    if "unexpected end of data" in message:
        return (
            "a field of the row that starts here opens a double quote which never closes; "
            'close it, and write a quote inside a field as ""'
        )
    if "expected after" in message:
        return (
            "a field of this row goes on after its closing double quote; "
            'write a quote inside a field as ""'
        )
    if "new-line character" in message:
        return "a carriage return stands inside a field; put the field in double quotes"
    return f"not valid CSV: {message}"


def _check_header(path: Path, number: int, names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"the header names {', '.join(map(repr, twice))} more than once; rename a column",
            file=path,
            line=number,
        )
    return names


def _named(
    path: Path, number: int, names: list[str], row: list[str], hint: str
) -> dict[str, object]:
    if len(row) != len(names):
        raise DataError(
            f"the row has {_count(len(row))} and the header {_count(len(names))} "
            f"({', '.join(names)}). {hint}",
            file=path,
            line=number,
        )
    return dict(zip(names, row, strict=True))


def _count(columns: int) -> str:
    return f"{columns} column" if columns == 1 else f"{columns} columns"
