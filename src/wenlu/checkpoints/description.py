"""How a module that is not ours is made again: its class by import path, and its arguments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from wenlu.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Description:
    """A class and its arguments. The class is only named: reading a file imports nothing."""

    made_by: str
    """`package.module:Class`."""
    settings: Mapping[str, Any]
    """Its keyword arguments; what JSON can hold."""

    def to_json(self) -> dict[str, Any]:
        """What a file holds."""
        return {"class": self.made_by, "settings": dict(self.settings)}


def described(name: str, made_by: str, settings: object) -> Description:
    """A description that a file can hold.

    Raises:
        CheckpointError: its settings would not come back as they are.
    """
    try:
        same = json.loads(json.dumps(settings, allow_nan=False)) == settings
    except (TypeError, ValueError):
        same = False
    if not same or not isinstance(settings, dict):
        raise CheckpointError(
            f"the description of {name} is {shortened(settings)}; it must be a dict of keyword "
            "arguments that JSON can hold: numbers, strings, lists, dicts, True, False, None."
        )
    return Description(made_by, settings)


def read_descriptions(stored: object, file: Path) -> dict[str, Description]:
    """The descriptions in a file, by the names of the parts."""
    if stored is None:
        return {}
    found = {}
    for name, entry in stored.items() if isinstance(stored, dict) else [("parts", None)]:
        made_by, settings = (
            (entry.get("class"), entry.get("settings")) if isinstance(entry, dict) else (None, None)
        )
        if not isinstance(made_by, str) or not isinstance(settings, dict):
            raise CheckpointError(
                f"{file}: parts must give each part its class and settings; "
                f"{shortened(name)} is {shortened(entry)}."
            )
        found[name] = Description(made_by, settings)
    return found
