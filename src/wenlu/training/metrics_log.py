"""metrics.jsonl: a line every few steps, and a line a measurement."""

import json
from pathlib import Path
from typing import Any

from wenlu.atomic import atomic_write
from wenlu.parsing import parse_json


class MetricsLog:
    """Appends to the file; lines past the place that a run resumes from are cut off first.

    Args:
        path: of the file.
        step: steps that are finished.
        measured: the last step after which scores were measured.
        enabled: False in all processes but the first.
    """

    def __init__(self, path: Path, step: int, measured: int, *, enabled: bool) -> None:
        self.path, self.enabled = path, enabled
        if enabled and path.exists():
            kept = [
                line
                for line in _whole_lines(path)
                if line["step"] <= (step if line["event"] == "step" else measured)
            ]
            with atomic_write(path) as file:
                file.writelines(json.dumps(line) + "\n" for line in kept)

    def write(self, **values: Any) -> None:  # noqa: ANN401
        """One line."""
        if self.enabled:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    for line in path.read_text("utf-8").splitlines():
        try:
            lines.append(parse_json(line))
        except ValueError:
            break  # the process was killed while it wrote this one
    return lines
