"""JSON objects, read leniently: what is not there, or not of its kind, is nothing."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

Record = dict[str, Any]


def number(record: Mapping[str, Any], key: str) -> float | None:
    """A finite number of a record, or None where there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def records(value: object) -> list[Record]:
    """The objects of a JSON list, or nothing where there is no such list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def record(value: object) -> Record:
    """A JSON object, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}
