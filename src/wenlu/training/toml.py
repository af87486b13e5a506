"""Configurations as flat TOML files: the standard library reads them, this writes them.

A configuration is a dataclass; what it holds of other dataclasses stands on the same level in the
file, so all of their fields have different names.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from wenlu.errors import ConfigError, closest
from wenlu.parsing import parse_toml

Config = TypeVar("Config")


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


def flat(config: Any) -> dict[str, Any]:  # noqa: ANN401
    """All fields of a dataclass, and of the dataclasses in it, on one level."""
    values: dict[str, Any] = {}
    for own in fields(config):
        value = getattr(config, own.name)
        values.update(flat(value) if is_dataclass(value) else {own.name: value})
    return values


def from_flat(kind: type[Config], values: Mapping[str, Any], source: str) -> Config:
    """The dataclass with those fields.

    Raises:
        ConfigError: a field is unknown, missing or of the wrong type; names `source`.
    """
    known = _kinds(kind)
    for name, value in values.items():
        if name not in known:
            near = closest(name, known)
            raise ConfigError(f"{source} has an unknown setting {name!r}; the closest: {near}")
        if not _fits(value, known[name]):
            raise ConfigError(f"{source}: {name} must be {_wanted(known[name])}; got {value!r}")
    return _build(kind, values, source)


def _kinds(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    """The type of every field, on one level."""
    found: dict[str, Any] = {}
    for own in fields(kind):
        found.update(_kinds(own.type) if is_dataclass(own.type) else {own.name: own.type})
    return found


def _build(kind: type[Config], values: Mapping[str, Any], source: str) -> Config:
    missing = [
        own.name
        for own in fields(kind)  # type: ignore[arg-type]
        if own.default is own.default_factory is MISSING and own.name not in values
    ]
    if missing:
        raise ConfigError(f"{source} lacks {', '.join(missing)}")
    given: dict[str, Any] = {}
    for own in fields(kind):  # type: ignore[arg-type]
        if isinstance(own.type, type) and is_dataclass(own.type):
            given[own.name] = _build(own.type, values, source)
        elif own.name in values:
            value = values[own.name]
            given[own.name] = tuple(value) if isinstance(value, list) else value
    return kind(**given)


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file; ConfigError names the file if it is none."""
    try:
        return parse_toml(path.read_text("utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401
    """Whether a field of that type takes the value."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:  # a list in the file
        of = get_args(kind)[0]
        return isinstance(value, list | tuple) and all(_fits(one, of) for one in value)
    kinds = get_args(kind)
    return any(_fits(value, each) for each in kinds) if kinds else isinstance(value, kind)


def _wanted(kind: Any) -> str:  # noqa: ANN401
    """What would do, in words; of `float | None` a float."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if get_origin(kind) is tuple:
        return f"a list of {get_args(kind)[0].__name__}"
    kinds = get_args(kind) or (kind,)
    return f"of type {kinds[0].__name__}"
