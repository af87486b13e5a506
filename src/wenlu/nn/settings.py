"""Values from a file, held to the fields of a dataclass before it is made."""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from wenlu.errors import ConfigError, closest

T = TypeVar("T")


def from_values(owner: type[T], values: Mapping[str, Any], what: str) -> T:
    """The dataclass with those fields.

    Args:
        owner: a dataclass whose fields are numbers, names, switches, or objects made before.
        values: its fields; those with a default may be left out.
        what: what is read, for messages: "the configuration".

    Raises:
        ConfigError: a field is unknown, missing or of the wrong type, or has an impossible value.
    """
    hints = get_type_hints(owner)
    known = [own for own in fields(owner) if own.init]  # type: ignore[arg-type]
    names = [own.name for own in known]
    for name in values:
        if name not in names:
            near = f"the closest are {closest(str(name), names)}" if names else "it has none"
            raise ConfigError(f"{what} has no field {shown(name)}; {near}")
    for name, value in values.items():
        if not _fits(value, hints[name]):
            wanted = _in_words(hints[name])
            raise ConfigError(f"{what}: {name} must be {wanted}; got {shown(value)}")
    missing = [
        own.name
        for own in known
        if own.default is own.default_factory is MISSING and own.name not in values
    ]
    if missing:
        raise ConfigError(f"{what} lacks {', '.join(missing)}")
    return owner(**{n: float(value) if hints[n] is float else value for n, value in values.items()})


def shown(value: object) -> str:
    """A value from a file for a message, not longer than a line."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python prints no integers of thousands of digits
        return "a number of thousands of digits"


def to_values(instance: Any) -> dict[str, Any]:  # noqa: ANN401
    """The fields of a dataclass by name."""
    return {own.name: getattr(instance, own.name) for own in fields(instance) if own.init}


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) < math.inf and abs(value) <= 1e300  # type: ignore[arg-type]
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_args(kind):
        return any(_fits(value, each) for each in get_args(kind))
    return isinstance(value, kind)


_WORDS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "a name"}


def _in_words(kind: Any) -> str:  # noqa: ANN401
    """What would do; of `int | None` a whole number."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    first = get_args(kind)[0] if get_args(kind) else kind
    return _WORDS.get(first, first.__name__)
