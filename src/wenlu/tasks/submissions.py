"""Upload files of benchmarks, read back to be checked."""

from pathlib import Path
from typing import Any

from wenlu.errors import DataError
from wenlu.parsing import parse_json


def json_object(text: str, path: Path, line: int | None = None) -> dict[str, Any]:
    """The object that a line of a file, or all of it, must be.

    Raises:
        DataError: it is something else; names file and line.
    """
    try:
        found = parse_json(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DataError("not a JSON object", file=path, line=line)
    return found


def json_lines(text: str, path: Path) -> list[dict[str, Any]]:
    """The objects of a file, one a line; a blank line is none."""
    lines = text.removesuffix("\n").split("\n")
    return [json_object(one, path, number) for number, one in enumerate(lines, 1)]
