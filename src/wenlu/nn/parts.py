"""Parts: small frozen dataclasses that say what a model is made of, and one table for each kind.

A part holds settings and `build` makes of them the module or function. In files a part of the
package goes by its name in the table, with those settings that are not the default ones. A part
that a user wrote goes by its import path, and is made again only where the caller passes its class:
no code is imported because a file says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Generic, TypeVar, cast

from wenlu.errors import ConfigError, closest
from wenlu.nn.settings import from_values, shown, to_values


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionShape:
    """The sizes that a part of attention may need."""

    width: int
    """Width m of the states."""
    heads: int
    """Number of heads h."""
    key_size: int
    """Width of a head's queries and keys."""
    head_size: int
    """Width of a head's values."""
    max_length: int
    """Longest sequence."""


P = TypeVar("P")


@dataclass(frozen=True)
class Table(Generic[P]):
    """The parts of one kind, by the names that files and commands use."""

    kind: str
    """The field of `TransformerConfig` that holds such a part."""
    base: type[Any]
    """What all of them are."""
    parts: Mapping[str, tuple[type[P], str]]
    """Name -> class, and a sentence for help texts."""

    def check(self, part: object) -> None:
        """ConfigError if it is no part of this kind."""
        if not isinstance(part, self.base) or not is_dataclass(part):
            examples = ", ".join(f"{kind.__name__}()" for kind, _ in self.parts.values())
            raise ConfigError(
                f"{self.kind} is {shown(part)}; it must be a dataclass that is a "
                f"{self.base.__name__}, such as {examples}"
            )

    def to_value(self, part: P) -> str | dict[str, Any]:
        """What a file holds of a part: its name, and its settings where they are not default.

        Raises:
            ConfigError: it is no dataclass, or a setting is nothing that JSON can hold.
        """
        self.check(part)
        kind: type[Any] = type(part)
        names: dict[type[Any], str] = {own: name for name, (own, _) in self.parts.items()}
        name = names.get(kind, import_path(kind))
        usual = {own.name: own.default for own in kind.__dataclass_fields__.values()}
        settings = {n: value for n, value in to_values(part).items() if value != usual[n]}
        for setting, value in settings.items():
            if not isinstance(value, int | float | str | None):
                raise ConfigError(
                    f"{self.kind} {name}: the setting {setting} is {shown(value)}; only "
                    "numbers, names, True, False and None can be saved"
                )
        return {"name": name, **settings} if settings else name

    def from_value(self, value: object, own: Iterable[type] = ()) -> P:
        """The part that a file holds as `value`.

        Args:
            value: a name, or a mapping with a name and settings.
            own: classes of parts that the caller wrote and allows.

        Raises:
            ConfigError: there is no such part, its settings are not right, or it is one that a
                user wrote and its class is not among `own`.
        """
        settings = dict(value) if isinstance(value, Mapping) else {"name": value}
        name = settings.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(
                f"{self.kind} is {shown(value)}; give a name ({', '.join(self.parts)}), or a "
                "name and its settings"
            )
        kind = self.parts[name][0] if name in self.parts else self._own(name, own)
        return from_values(kind, settings, f"{self.kind} {name}")

    def _own(self, name: str, own: Iterable[type]) -> type[P]:
        module, colon, written = name.partition(":")
        if not colon:
            raise ConfigError(
                f"no {self.kind} {shown(name)}; the closest are {closest(name, self.parts)}"
            )
        given: dict[str, type[Any]] = {import_path(kind): kind for kind in own}
        # A class that has moved to another module is still the one that the caller passes.
        alike = [kind for kind in given.values() if kind.__qualname__ == written]
        kind = given.get(name, alike[0] if len(alike) == 1 else None)
        if kind is None:
            raise ConfigError(
                f"{self.kind} is {shown(name)}, a part that is not in this package; import "
                f"{shown(written)} from {shown(module)} and pass the class: parts=[...]"
            )
        if not issubclass(kind, self.base) or not is_dataclass(kind):
            raise ConfigError(
                f"{kind.__qualname__} is no {self.kind}: it must be a dataclass that is a "
                f"{self.base.__name__}"
            )
        return cast(type[P], kind)


def import_path(kind: type) -> str:
    """Where a class stands: `package.module:Class`."""
    return f"{kind.__module__}:{kind.__qualname__}"
