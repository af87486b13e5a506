"""JSON and TOML of files that anybody may have written: whatever is wrong with them, ValueError."""

import json
import tomllib
from typing import Any


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401
    """The value that a JSON text stands for.

    Raises:
        ValueError: it is not JSON, has too many digits or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        ValueError: it is not TOML, has too many digits or is nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
