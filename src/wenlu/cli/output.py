"""Results for people on the terminal, or one JSON document for programs; and where they may go."""

import json
import os
import sys
from math import isfinite
from pathlib import Path
from typing import Any

from wenlu.errors import RunError
from wenlu.terminal import UNSEEN, Terminal

people = Terminal()


class UsageError(Exception):
    """Flags that do not go together; the command line shows how the command is used."""


def print_json(document: Any) -> None:  # noqa: ANN401
    """One document and nothing else on stdout.

    A number that is not finite, which JSON cannot say, is null. What would act unseen on a
    terminal is written as an escape, which means the same character.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), ensure_ascii=False)
    text = UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # the terminal's encoding has no such characters
        text = json.dumps(json.loads(text))
    sys.stdout.write(text + "\n")


def _finite(value: Any) -> Any:  # noqa: ANN401
    """The same with None in the place of NaN and the infinities."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def say(line: str) -> None:
    """A line for people."""
    people.say(line)


def megabytes(size: int) -> str:
    """A number of bytes for people."""
    return f"{size / 1e6:,.{1 if size < 10**7 else 0}f} MB"


def check_target(path: Path) -> None:
    """Refuse a file that could not be written, before the work that leads to it is done."""
    from wenlu.corpus.compressed import COMPRESSIONS

    folder = path.parent
    if path.is_dir():
        raise RunError(f"cannot write {path}: it is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise RunError(f"cannot write {path}: it is a device or a pipe; give the name of a file")
    if not folder.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {folder}; make it first")
    if path.suffix.lower() in COMPRESSIONS:
        raise RunError(f"cannot write {path}: only plain files are; leave out {path.suffix}")
    if not os.access(folder, os.W_OK):
        raise RunError(f"cannot write {path}: the folder {folder} may not be written to")
