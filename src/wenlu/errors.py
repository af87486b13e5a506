"""The errors a user may meet.

WenluError
├── ConfigError         settings that cannot work together, or an unknown name
├── DataError           a row, a field or a file of the user's data; says which
├── CheckpointError     model weights, vocabulary or configuration that do not fit
├── RunError            a run folder: exists already, unfinished, another configuration
└── MissingExtraError   an optional dependency is not installed; says what to install

A message says what came, what would do, and what to try, in one or two lines.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from os import PathLike


class WenluError(Exception):
    """An error that the user can mend; the command line prints it without a traceback."""


class ConfigError(WenluError, ValueError):
    """Settings that cannot work together, or a name that does not exist."""


class DataError(WenluError, ValueError):
    """Something in the user's data is not as the task needs it.

    Args:
        problem: what came and what would do.
        file: the file it came from.
        line: line in that file, counted from 1.
        field: name of the field or column.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | PathLike[str] | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.problem, self.file, self.line, self.field = problem, file, line, field
        place = "" if file is None else str(file).replace("\n", "\\n")
        if line is not None:
            place += f", line {line}" if place else f"line {line}"
        if field is not None:
            place += f", field {field!r}" if place else f"field {field!r}"
        super().__init__(f"{place}: {problem}" if place else problem)


class CheckpointError(WenluError):
    """Model weights, vocabulary or configuration that do not fit."""


class RunError(WenluError):
    """A run folder that exists already, is unfinished, or was made by another configuration."""


class MissingExtraError(WenluError, ImportError):
    """An optional dependency that is not installed.

    Args:
        package: the package that is missing.
        extra: the extra of wenlu that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}. Install it with: pip install 'wenlu[{extra}]'"
        )


def closest(name: str, known: Iterable[str], count: int = 3) -> str:
    """The known names that look most like `name`, as a phrase for a message."""
    known = list(known)
    near = get_close_matches(name, known, n=count, cutoff=0.5) or sorted(known)[:count]
    return ", ".join(near)
