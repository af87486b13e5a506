"""Command lines with other values."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

Token = TypeVar("Token", str, str | Path)


def changed(flags: Sequence[Token], *changes: Token) -> list[Token]:
    """The flags with other values, or further ones: `changed(flags, "--epochs", "4")`."""
    found = list(flags)
    for flag, value in zip(changes[::2], changes[1::2], strict=True):
        if flag in found:
            found[found.index(flag) + 1] = value
        else:
            found += [flag, value]
    return found
