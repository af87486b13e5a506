"""Rows of JSONL, JSON, CSV and TSV files, each with the place it came from.

Suffixes: `.jsonl` or `.ndjson` (an object a line), `.json` (the same, or one array of objects),
`.csv` (comma, double quotes where needed) and `.tsv` (a tab between fields; quotes are ordinary
characters, as they are in most TSV files that people make). Any of them may end in `.gz` or `.zst`.
The text is UTF-8, with or without a byte order mark; lines end in LF or CRLF; blank lines are
skipped; the first row of CSV and TSV names the columns. No string of a row has half a character in
it, which an escape of JSON can say and UTF-8 cannot.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from wenlu.atomic import atomic_write
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.json_text import cut_apart, kind_of, parse_document, read_json, read_jsonl
from wenlu.corpus.lines import Lines, Row, decode, read_lines
from wenlu.corpus.places import Place
from wenlu.corpus.tables import read_csv, read_tsv
from wenlu.errors import ConfigError, DataError, closest


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
            raise self.error(f"{kind_of(value)} came; it must be a string, in quotes", name)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.error(cut_apart(error), name) from None
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
            f"{kind_of(value)} came; {what} must be a string, a whole number, true or false", name
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
    return parse_document(path, text)


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


def _rows(path: Path, reader: Callable[[Path, Lines], Iterator[Row]]) -> Iterator[Record]:
    """The rows that a reader finds; at least one."""
    found = False
    with closing(read_lines(path)) as lines:
        for line, fields in reader(path, lines):
            found = True
            yield Record(fields, path, line)
    if not found:
        raise DataError("the file has no rows", file=path)


_READERS: dict[str, Callable[[Path, Lines], Iterator[Row]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
}


def check_there(path: Path, kinds: Collection[str] | None = None) -> None:
    """Refuse a path that is no file, and say what is near: files that end as `kinds` say."""
    if path.is_dir():
        inside = sorted(one.name for one in path.iterdir() if has_kind(one, kinds or _READERS))
        has = f"it has {', '.join(inside[:5])}" if inside else "it has no file that can be read"
        raise DataError(f"this is a folder; give a file ({has})", file=path)
    if path.exists():
        return
    if path.is_symlink():
        raise not_a_file(path)
    if not path.parent.is_dir():
        raise DataError(f"there is no such file, nor a folder {path.parent}", file=path)
    names = [one.name for one in path.parent.iterdir() if one.is_file()]
    near = f"the closest are {closest(path.name, names)}" if names else "the folder has no files"
    raise DataError(f"there is no such file in {path.parent}; {near}", file=path)


def not_a_file(path: Path) -> DataError:
    """The error for what is no file, nor a folder that is looked into."""
    if not path.is_symlink():
        return DataError("this is neither a file nor a folder; remove it", file=path)
    target = path.readlink()
    if path.is_dir():
        problem = f"this is a link to the folder {target}; name that folder instead"
    else:
        problem = f"this link leads nowhere: there is no file {target}. Mend or remove the link"
    return DataError(problem, file=path)


def has_kind(path: Path, kinds: Collection[str]) -> bool:
    """Whether there is such a file and its name ends as `kinds` say, compressed or not."""
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return path.is_file() and plain.suffix.lower() in kinds
