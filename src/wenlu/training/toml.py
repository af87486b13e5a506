"""Flat TOML files: the standard library reads them, this writes them."""

import json
from collections.abc import Mapping


def to_toml(values: Mapping[str, object], comments: Mapping[str, str] | None = None) -> str:
    """A line a value, each under its comment; None is left out, as TOML has no such thing."""
    lines = []
    for name, value in values.items():
        if value is None:
            continue
        if comments and name in comments:
            lines.append(f"# {comments[name]}")
        lines.append(f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
