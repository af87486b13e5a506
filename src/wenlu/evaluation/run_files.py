"""The files of a run folder, read back.

A run may be unfinished, killed in the middle of a line, or resumed: what is there is read, what
is not is empty, and what cannot be read is named in `notes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wenlu.errors import RunError
from wenlu.evaluation.predictions import AnyPrediction, kind_of, read_predictions
from wenlu.evaluation.records import Record, number, record
from wenlu.parsing import parse_json, parse_toml


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFiles:
    """One run folder."""

    folder: Path
    result: Record = field(default_factory=dict)
    """`result.json`; empty while the run is unfinished."""
    config: Record = field(default_factory=dict)
    config_text: str = ""
    """`config.toml`, parsed and verbatim."""
    steps: tuple[Record, ...] = ()
    epochs: tuple[Record, ...] = ()
    """Lines of `metrics.jsonl`, in order; of a step logged twice (a resumed run) the later."""
    kind: str = "labels"
    """What the predictions look like; of older runs, which do not say it, labels."""
    predictions: tuple[AnyPrediction, ...] = ()
    """`dev.predictions.jsonl`."""
    counts: dict[str, list[float]] = field(default_factory=dict)
    """What each dev example adds to the sums of the main metric, by the id of the example."""
    notes: tuple[str, ...] = ()
    """What could not be read, in sentences."""

    @property
    def finished(self) -> bool:
        """Whether the run got as far as writing its result."""
        return bool(self.result)


def read_run(folder: Path) -> RunFiles:
    """Read a run folder, whole or not.

    Raises:
        RunError: the folder holds none of the files of a run.
    """
    names = ("config.toml", "metrics.jsonl", "result.json", "dev.predictions.jsonl")
    if not any((folder / name).is_file() for name in names):
        state = "holds none of the files of a run" if folder.is_dir() else "is not a folder"
        raise RunError(f"{folder} {state}; give a folder that `wenlu train --out` wrote")
    notes: list[str] = []
    config, config_text = _read_config(folder / names[0], notes)
    lines = list(_read_lines(folder / names[1], notes))
    result = _read_result(folder / names[2], notes)
    rows = list(_read_lines(folder / names[3], notes))
    kind = str(result.get("kind") or "labels") if result else _kind(rows)
    return RunFiles(
        folder=folder,
        result=result,
        config=config,
        config_text=config_text,
        steps=_last_of_each(lines, "step"),
        epochs=_last_of_each(lines, "epoch"),
        kind=kind,
        predictions=read_predictions(rows, kind, notes),
        counts={str(row.get("id")): found for row in rows if (found := _numbers(row))},
        notes=tuple(notes),
    )


def _kind(rows: list[Record]) -> str:
    """Of a run that did not get to say it."""
    return kind_of(rows[0]) if rows else "labels"


def _numbers(row: Record) -> list[float]:
    """The counts of a line; empty if it has none."""
    counts = row.get("counts")
    items = counts if isinstance(counts, list) else []
    found = [value for each in items if (value := number({"": each}, "")) is not None]
    return found if len(found) == len(items) else []


def _read_config(file: Path, notes: list[str]) -> tuple[Record, str]:
    if not file.is_file():
        return {}, ""
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        return parse_toml(text), text
    except ValueError as problem:
        notes.append(f"{file.name} is not valid TOML ({problem})")
        return {}, text


def _read_result(file: Path, notes: list[str]) -> Record:
    if not file.is_file():
        return {}
    try:
        found = parse_json(file.read_bytes())
    except ValueError as problem:
        notes.append(f"{file.name} is not valid JSON ({problem})")
        return {}
    if not isinstance(found, dict):
        notes.append(f"{file.name} is not a JSON object")
    return record(found)


def _read_lines(file: Path, notes: list[str]) -> Iterator[Record]:
    """The objects of a JSON Lines file; a broken last line is the mark of a kill, and ignored."""
    if not file.is_file():
        return
    lines = file.read_bytes().rstrip().split(b"\n")
    broken: list[int] = []
    for at, line in enumerate(lines, 1):
        try:
            found = parse_json(line) if line.strip() else None
        except ValueError:
            broken.append(at)
            continue
        if isinstance(found, dict):
            yield found
        elif found is not None:
            broken.append(at)
    if broken and broken[-1] == len(lines):
        broken.pop()
    if broken:
        which = f"line {broken[0]}" + (f" and {len(broken) - 1} more" if broken[1:] else "")
        notes.append(f"{file.name}: {which} could not be read and was left out")


def _last_of_each(lines: list[Record], event: str) -> tuple[Record, ...]:
    found = {
        place: line
        for line in lines
        if line.get("event") == event and (place := number(line, event)) is not None
    }
    return tuple(found[place] for place in sorted(found))
