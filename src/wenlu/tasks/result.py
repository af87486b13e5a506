"""result.json: the scores of a run, and all that one should know of how they came about."""

import json
from pathlib import Path
from typing import Any

from wenlu.atomic import atomic_write
from wenlu.errors import RunError
from wenlu.parsing import parse_json


def write_result(folder: Path, result: dict[str, Any]) -> None:
    """Write it into a run folder."""
    with atomic_write(folder / "result.json") as file:
        file.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")


def read_result(folder: Path) -> dict[str, Any]:
    """Read it from a run folder; RunError if the run is not finished."""
    path = folder / "result.json"
    if not path.exists():
        if (folder / "config.toml").exists() or any(folder.glob("seed-*/config.toml")):
            raise RunError(f"{folder} is not finished; resume it with: wenlu train ... --resume")
        raise RunError(f"{folder} is not a run folder: it has no result.json")
    try:
        result = parse_json(path.read_bytes())
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; train again with --overwrite") from None
    if not isinstance(result, dict):
        raise RunError(f"{path} is damaged: it holds no object; train again with --overwrite")
    return result
