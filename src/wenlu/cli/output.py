"""Results for people on the terminal, or one JSON document for programs."""

import json
import sys
from typing import Any

from rich.console import Console

people = Console(highlight=False)


def print_json(document: Any) -> None:  # noqa: ANN401
    """One document and nothing else on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def say(line: str) -> None:
    """A line for people, as it is."""
    people.print(line, markup=False, soft_wrap=True)
