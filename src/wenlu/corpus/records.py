"""Rows of JSONL, JSON, CSV and TSV files, each with the place it came from.

Suffixes: `.jsonl` or `.ndjson` (an object a line), `.json` (the same, or one array of objects),
`.csv` (comma, double quotes where needed) and `.tsv` (a tab between fields; quotes are ordinary
characters, as they are in most TSV files that people make). Any of them may end in `.gz` or `.zst`.
The text is UTF-8, with or without a byte order mark; lines end in LF or CRLF; blank lines are
skipped; the first row of CSV and TSV names the columns. No string of a row has half a character in
it, which an escape of JSON can say and UTF-8 cannot.
"""

import csv
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from wenlu.atomic import atomic_write
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.lines import Lines, decode, read_lines
from wenlu.corpus.places import Place
from wenlu.errors import ConfigError, DataError, closest

_LONGEST_FIELD = 2**31 - 1  # characters in a CSV field; Python's own limit is 131072
_csv_limit = threading.Lock()
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character beyond U+FFFF, mostly beside the other half."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row, with the place it came from."""

    fields: dict[str, object]

    file: Place

    line: int
    """The line on which the row starts, counted from 1."""

    def get(self, name: str, default: object = None) -> object:
        """The value of a field as the file has it; `default` if the row has no such field."""
        return self.fields.get(name, default)

    def text(self, name: str) -> str:
        """The value of a field that must be a string."""
        value = self._value(name)
        if not isinstance(value, str):
            raise self.error(f"{_kind(value)} came; it must be a string, in quotes", name)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.error(_cut_apart(error), name) from None
        return value

    def label(self, name: str, what: str = "a label") -> str:
        """The value of a field that names a class: a string, or a whole number or bool made one.

        102 becomes "102"; true and false become "true" and "false", as JSON writes them.

        Args:
            name: the field.
            what: what it holds, for the error.
        """
        value = self._value(name)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        raise self.error(
            f"{_kind(value)} came; {what} must be a string, a whole number, true or false", name
        )

    def error(self, problem: str, field: str | None = None) -> DataError:
        """An error that says where this row stands."""
        return DataError(problem, file=self.file, line=self.line, field=field)

    def _value(self, name: str) -> object:
        if name not in self.fields:
            has = ", ".join(map(repr, self.fields)) or "none"
            table = {".csv", ".tsv"} & {suffix.lower() for suffix in self.file.suffixes}
            hint = "; the first row must name the columns" if table else ""
            raise self.error(f"the row has no such field; its fields are {has}{hint}", name)
        return self.fields[name]


def read_records(path: str | PathLike[str]) -> Iterator[Record]:
    """The rows of a file, one at a time; only a `.json` file with an array is read whole.

    Raises:
        DataError: the file or a row of it cannot be read; says which line, and what would do.
        MissingExtraError: a `.zst` file came and zstandard is not installed.
    """
    path = Path(path)
    check_there(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSIONS else path.suffix
    reader = _READERS.get(kind.lower())
    if reader is None:
        raise DataError(
            f"files that end in {kind or 'no suffix'!r} cannot be read; those in "
            f"{', '.join(_READERS)} can, also with {' or '.join(COMPRESSIONS)} after it",
            file=path,
        )
    return _rows(path, reader)


def read_document(path: str | PathLike[str]) -> object:
    """The content of a JSON file that is one document and no table, such as nested passages.

    Raises:
        DataError: the file cannot be read; says which line and column, and what would do.
        MissingExtraError: a `.zst` file came and zstandard is not installed.
    """
    path = Path(path)
    check_there(path)
    text = "\n".join(decode(path, *line) for line in read_lines(path))
    if not text.strip():
        raise DataError("the file has no rows", file=path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _bad_json(path, text, error.pos, _json_problem(error, "file")) from None
    except RecursionError:
        raise DataError("the JSON is nested too deeply", file=path) from None
    except ValueError as error:
        raise DataError(f"not valid JSON: {error}", file=path) from None
    if _ESCAPED_HALF.search(text):
        _check_characters(path, None, document)
    return document


def write_jsonl(path: str | PathLike[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Write one JSON object a line, all or nothing, and return how many.

    Raises:
        RunError: the file cannot be written; nothing was changed.
        DataError: a row holds what JSON cannot say; nothing was changed.
    """
    if Path(path).suffix.lower() in COMPRESSIONS:
        raise ConfigError(f"{path}: only plain files are written; leave out {Path(path).suffix}.")
    count = 0
    with atomic_write(path) as file:
        for count, row in enumerate(rows, 1):
            try:
                line = json.dumps(dict(row), ensure_ascii=False, allow_nan=False)
                line.encode()
            except UnicodeEncodeError:  # a lone surrogate, which only an escape can say
                line = json.dumps(dict(row), allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise DataError(
                    f"row {count} cannot be written as JSON: {error}", file=path
                ) from None
            file.write(line + "\n")
    return count


def _rows(path: Path, reader: Callable[[Path, Lines], Iterator[Record]]) -> Iterator[Record]:
    """The rows that a reader finds; at least one."""
    found = False
    with closing(read_lines(path)) as lines:
        for record in reader(path, lines):
            found = True
            yield record
    if not found:
        raise DataError("the file has no rows", file=path)


def _read_jsonl(path: Path, lines: Lines) -> Iterator[Record]:
    for number, raw in lines:
        text = decode(path, number, raw)
        if not text or text.isspace():
            continue
        yield _row(path, number, text)


def _read_json(path: Path, lines: Lines) -> Iterator[Record]:
    """One array of objects, or an object a line: the first character tells."""
    for number, raw in lines:
        start = raw.lstrip()
        if start.startswith(b"["):
            yield from _read_array(path, number, raw, lines)
            return
        if start:
            text = decode(path, number, raw)
            yield _row(path, number, text, whole=True)
            yield from _read_jsonl(path, lines)
            return


def _row(path: Path, number: int, text: str, *, whole: bool = False) -> Record:
    """The object on a line, for `json_object`, in which no character is cut apart."""
    fields = json_object(path, number, text, whole=whole)
    if _ESCAPED_HALF.search(text):
        _check_characters(path, number, fields)
    return Record(fields, path, number)


def _read_array(path: Path, number: int, raw: bytes, lines: Lines) -> Iterator[Record]:
    texts = [decode(path, number, raw)]
    texts += [decode(path, later, more) for later, more in lines]
    text = "\n".join(texts)
    del texts
    first, line, counted = number, number, 0
    decoder = json.JSONDecoder()
    space = re.compile(r"[ \t\r\n]*")

    def skip(position: int) -> int:
        found = space.match(text, position)
        return found.end() if found else position

    def fail(problem: str, position: int) -> DataError:
        return _bad_json(path, text, position, problem, first)

    position = skip(skip(0) + 1)
    if text[position : position + 1] == "]":
        return
    while True:
        line += text.count("\n", counted, position)
        counted = position
        start = position
        try:
            value, position = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise fail(_json_problem(error, "file"), error.pos) from None
        except (ValueError, RecursionError) as error:
            raise fail(str(error), position) from None
        if not isinstance(value, dict):
            raise DataError(
                f'{_kind(value)} came; the array must hold objects: [{{"text": ...}}, ...]',
                file=path,
                line=line,
            )
        if _ESCAPED_HALF.search(text, start, position):
            _check_characters(path, line, value)
        yield Record(value, path, line)
        position = skip(position)
        mark = text[position : position + 1]
        if mark == ",":
            position = skip(position + 1)
            if text[position : position + 1] == "]":
                raise fail("a comma stands before the closing bracket; remove it", position)
        elif mark == "]":
            position = skip(position + 1)
            if position < len(text):
                raise fail("there is more after the end of the array", position)
            return
        elif not mark:
            raise fail("the file ends inside the array; was it cut short?", position)
        else:
            raise fail("a comma is missing between two objects", position)


def _read_csv(path: Path, lines: Lines) -> Iterator[Record]:
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
            yield Record(_named(path, start, names, row, hint), path, start)


def _read_tsv(path: Path, lines: Lines) -> Iterator[Record]:
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
            yield Record(_named(path, number, names, row, hint), path, number)


_READERS: dict[str, Callable[[Path, Lines], Iterator[Record]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
}


def json_object(path: Place, number: int, text: str, *, whole: bool = False) -> dict[str, object]:
    """The object on a line; `whole` says that the file might have been meant as one document."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON at column {error.pos + 1}: {_json_problem(error, 'line')}"
        if whole:
            problem += (
                " (a .json file of rows holds one object a line, or one array of objects: "
                "[{...}, ...])"
            )
        raise DataError(problem, file=path, line=number) from None
    except RecursionError:
        raise DataError("the JSON is nested too deeply", file=path, line=number) from None
    except ValueError as error:
        raise DataError(f"not valid JSON: {error}", file=path, line=number) from None
    if not isinstance(value, dict):
        raise DataError(
            f'{_kind(value)} came; each line must be a JSON object: {{"text": ...}}',
            file=path,
            line=number,
        )
    return value


def _check_characters(path: Path, line: int | None, value: object) -> None:
    """Refuse half a character, at whatever depth: in a string, or in the name of a field."""
    waiting = deque([("", value)])
    while waiting:
        place, one = waiting.popleft()
        if isinstance(one, str):
            try:
                one.encode()
            except UnicodeEncodeError as error:
                problem, field = _cut_apart(error), place or None
                raise DataError(problem, file=path, line=line, field=field) from None
        elif isinstance(one, dict):
            for name, inner in one.items():
                inside = f"{place}.{name}" if place else name
                waiting += (inside, name), (inside, inner)
        elif isinstance(one, list):
            waiting += ((f"{place}[{number}]", inner) for number, inner in enumerate(one))


def _cut_apart(error: UnicodeEncodeError) -> str:
    """What to say of half a character."""
    code = ord(error.object[error.start])
    return (
        f"a lone surrogate, \\u{code:04x}, stands at index {error.start}: half of a character "
        "that was cut apart. Remove it"
    )


def _bad_json(path: Path, text: str, position: int, problem: str, first: int = 1) -> DataError:
    """The error for a place in a text that starts on line `first`."""
    column = position - text.rfind("\n", 0, position)
    return DataError(
        f"not valid JSON at column {column}: {problem}",
        file=path,
        line=first + text.count("\n", 0, position),
    )


def _json_problem(error: json.JSONDecodeError, what: str) -> str:
    """What is wrong, in words."""
    text, rest = error.doc, error.doc[error.pos :].strip()
    if error.msg.startswith("Unterminated string"):
        return f"the {what} ends inside a string; was it cut short?"
    if error.msg.startswith("Invalid control character"):
        if text[error.pos] == "\n":
            return "a string has a line break in it; write it as \\n, or close the string"
        return (
            f"a string has the control character {text[error.pos]!r} in it; write it as an escape"
        )
    if error.msg.startswith("Invalid \\"):
        if '"' not in text[error.pos :]:
            return f"the {what} ends inside a string; was it cut short?"
        return "a backslash starts no valid escape; a backslash itself is written \\\\"
    if not rest:
        return f"the {what} ends before the object does; was it cut short?"
    if error.msg.startswith("Extra data"):
        return f"there is more after the end of the object: {rest[:20]!r}"
    if rest.startswith("'"):
        return "a single quote came; JSON strings stand in double quotes"
    if error.msg.startswith(("Expecting property name", "Illegal trailing comma")):
        return f"{rest[:20]!r} came where the name of a field should; it stands in double quotes"
    for mark, place in ((",", "between two values"), (":", "after the name of a field")):
        if error.msg.startswith(f"Expecting '{mark}'"):
            return f"{rest[:20]!r} came; a {mark!r} is missing {place}"
    return f"{rest[:20]!r} came where a value should"


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


def _kind(value: object) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"{str(value).lower()}, a bool,"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def check_there(path: Path, kinds: Collection[str] | None = None) -> None:
    """Refuse a path that is no file, and say what is near: files that end as `kinds` say."""
    if path.is_dir():
        inside = sorted(one.name for one in path.iterdir() if has_kind(one, kinds or _READERS))
        has = f"it has {', '.join(inside[:5])}" if inside else "it has no file that can be read"
        raise DataError(f"this is a folder; give a file ({has})", file=path)
    if path.exists():
        return
    if not path.parent.is_dir():
        raise DataError(f"there is no such file, nor a folder {path.parent}", file=path)
    names = [one.name for one in path.parent.iterdir() if one.is_file()]
    near = f"the closest are {closest(path.name, names)}" if names else "the folder has no files"
    raise DataError(f"there is no such file in {path.parent}; {near}", file=path)


def has_kind(path: Path, kinds: Collection[str]) -> bool:
    """Whether there is such a file and its name ends as `kinds` say, compressed or not."""
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return path.is_file() and plain.suffix.lower() in kinds
