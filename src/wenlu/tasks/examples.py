"""Labelled and unlabelled examples, what is odd about them, and where they stand in a folder."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from wenlu.corpus import Record
from wenlu.corpus.records import has_kind
from wenlu.errors import DataError

Label = TypeVar("Label")


@dataclass(frozen=True, slots=True)
class Example(Generic[Label]):
    """One text, or several that belong together, with the label if it is known."""

    id: str
    texts: tuple[str, ...]
    label: Label | None
    """What people said of it; something that can be hashed."""

    @property
    def group(self) -> Hashable:
        """Examples of one group stay together when some are held out."""
        return self.texts


class Ids:
    """The ids of a file's rows: given, or their numbers; no two are the same."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def take(self, record: Record, field: str = "id", *, repeated: bool = False) -> str:
        """The id of the next row.

        Args:
            record: the row.
            field: where its id stands, if it has one.
            repeated: whether other rows may have it; then the line is added to it.

        Raises:
            DataError: another row has it.
        """
        given = record.get(field) is not None
        name = record.label(field, "an id") if given else str(len(self._lines))
        if repeated and name in self._lines:
            name = f"{name} (line {record.line})"
        if name in self._lines:
            raise record.error(
                f"{name!r} is the id of line {self._lines[name]} too"
                if given
                else f"there is none, and its number {name} is the id of line {self._lines[name]}",
                field,
            )
        self._lines[name] = record.line
        return name


SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_COMPRESSED = ("", ".zst", ".gz")


def find_split(data: Path, stems: Sequence[str]) -> list[Path]:
    """The first file in `data` that is called one of `stems`, with any suffix that can be read.

    A stem "a+b" stands for two files, both of which must be there.
    """
    for stem in stems:
        found = [_find(data, part) for part in stem.split("+")]
        if all(found):
            return [path for path in found if path is not None]
    return []


def _find(data: Path, stem: str) -> Path | None:
    for suffix in SUFFIXES:
        for compressed in _COMPRESSED:
            path = data / f"{stem}{suffix}{compressed}"
            if path.is_file():
                return path
    return None


def need_split(data: Path, stems: Sequence[str], split: str) -> list[Path]:
    """As `find_split`; raises DataError if there is none."""
    if not data.exists():
        raise DataError("there is no such file or folder", file=data)
    found = find_split(data, stems)
    if not found:
        there = ", ".join(sorted(p.name for p in data.iterdir())[:8]) or "nothing"
        names = " or ".join(stem.replace("+", " and ") for stem in stems)
        raise DataError(
            f"no {split} file: looked for {names} with one of "
            f"{', '.join(SUFFIXES)}; the folder holds {there}",
            file=data,
        )
    return found


def find_schema(path: Path) -> Path | None:
    """The schema beside a data file, if there is one: JSON with "schema" in its name, not hidden.

    Raises:
        DataError: there are several.
    """
    found = sorted(
        one
        for one in path.parent.iterdir()
        if "schema" in one.name.lower()
        and not one.name.startswith(".")
        and has_kind(one, (".json", ".jsonl"))
    )
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise DataError(
            f"{names} could all be the schema; name it: --schema FILE", file=path.parent
        )
    return found[0] if found else None


def hold_out(
    examples: Sequence[Example[Any]], share: float, seed: int
) -> tuple[list[Example[Any]], list[Example[Any]]]:
    """Split off a share of the examples, so that a group (equal texts) stays on the same side."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[example.group].append(index)
    keys = list(groups)
    wanted = max(1, round(share * len(examples)))
    held: set[int] = set()
    for k in np.random.default_rng([seed, len(keys)]).permutation(len(keys)):
        if len(held) >= wanted:
            break
        held.update(groups[keys[k]])
    return (
        [e for i, e in enumerate(examples) if i not in held],
        [e for i, e in enumerate(examples) if i in held],
    )


@dataclass(frozen=True, slots=True)
class Oddities:
    """What a person should know of a set before trusting numbers on it."""

    duplicates: int
    """Rows that repeat an earlier row, label and all."""
    conflicts: int
    """Different texts that stand there with two or more labels."""


def oddities(examples: Sequence[Example[Any]]) -> Oddities:
    """Count repeated rows and texts with several labels."""
    labels: dict[tuple[str, ...], set[Hashable]] = defaultdict(set)
    rows: Counter[tuple[tuple[str, ...], Hashable]] = Counter()
    for example in examples:
        labels[example.texts].add(example.label)
        rows[example.texts, example.label] += 1
    return Oddities(
        duplicates=sum(count - 1 for count in rows.values()),
        conflicts=sum(len(found) > 1 for found in labels.values()),
    )


def shared(first: Sequence[Example[Any]], second: Sequence[Example[Any]]) -> int:
    """How many examples of `second` have texts that `first` has too."""
    known = {example.texts for example in first}
    return sum(example.texts in known for example in second)
