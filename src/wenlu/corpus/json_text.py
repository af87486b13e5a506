"""JSON of rows and documents, with errors that say where and what would do."""

import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from wenlu.corpus.lines import Lines, Row, decode
from wenlu.corpus.places import Place
from wenlu.errors import DataError

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a character beyond U+FFFF, mostly beside the other half."""


def read_jsonl(path: Path, lines: Lines) -> Iterator[Row]:
    """An object a line; blank lines are skipped."""
    for number, raw in lines:
        text = decode(path, number, raw)
        if not text or text.isspace():
            continue
        yield _row(path, number, text)


def read_json(path: Path, lines: Lines) -> Iterator[Row]:
    """One array of objects, or an object a line: the first character tells."""
    for number, raw in lines:
        start = raw.lstrip()
        if start.startswith(b"["):
            yield from _read_array(path, number, raw, lines)
            return
        if start:
            text = decode(path, number, raw)
            yield _row(path, number, text, whole=True)
            yield from read_jsonl(path, lines)
            return


def _row(path: Path, number: int, text: str, *, whole: bool = False) -> Row:
    """The object on a line, for `json_object`, in which no character is cut apart."""
    fields = json_object(path, number, text, whole=whole)
    if _ESCAPED_HALF.search(text):
        _check_characters(path, number, fields)
    return number, fields


def _read_array(path: Path, number: int, raw: bytes, lines: Lines) -> Iterator[Row]:
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
                f'{kind_of(value)} came; the array must hold objects: [{{"text": ...}}, ...]',
                file=path,
                line=line,
            )
        if _ESCAPED_HALF.search(text, start, position):
            _check_characters(path, line, value)
        yield line, value
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


def parse_document(path: Path, text: str) -> object:
    """The content of a JSON file that is one document.

    Raises:
        DataError: it is not JSON; says which line and column, and what would do.
    """
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
            f'{kind_of(value)} came; each line must be a JSON object: {{"text": ...}}',
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
                problem, field = cut_apart(error), place or None
                raise DataError(problem, file=path, line=line, field=field) from None
        elif isinstance(one, dict):
            for name, inner in one.items():
                inside = f"{place}.{name}" if place else name
                waiting += (inside, name), (inside, inner)
        elif isinstance(one, list):
            waiting += ((f"{place}[{number}]", inner) for number, inner in enumerate(one))


def cut_apart(error: UnicodeEncodeError) -> str:
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


def kind_of(value: object) -> str:
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
