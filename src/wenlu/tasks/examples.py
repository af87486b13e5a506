"""Labelled and unlabelled examples, what is odd about them, and where they stand in a folder."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wenlu.errors import DataError


@dataclass(frozen=True, slots=True)
class Example:
    """One text or pair of texts, with its label if it is known."""

    id: str
    texts: tuple[str, ...]
    label: str | None


SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_COMPRESSED = ("", ".zst", ".gz")


def find_split(data: Path, stems: Sequence[str]) -> Path | None:
    """The first file in `data` that is called one of `stems`, with any suffix that can be read."""
    for stem in stems:
        for suffix in SUFFIXES:
            for compressed in _COMPRESSED:
                path = data / f"{stem}{suffix}{compressed}"
                if path.is_file():
                    return path
    return None


def need_split(data: Path, stems: Sequence[str], split: str) -> Path:
    """As `find_split`; raises DataError if there is none."""
    if not data.exists():
        raise DataError("there is no such file or folder", file=data)
    found = find_split(data, stems)
    if found is None:
        there = ", ".join(sorted(p.name for p in data.iterdir())[:8]) or "nothing"
        raise DataError(
            f"no {split} file: looked for {' or '.join(stems)} with one of "
            f"{', '.join(SUFFIXES)}; the folder holds {there}",
            file=data,
        )
    return found


def hold_out(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split off a share of the examples, so that equal texts stay on the same side."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[example.texts].append(index)
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


def oddities(examples: Sequence[Example]) -> Oddities:
    """Count repeated rows and texts with several labels."""
    labels: dict[tuple[str, ...], set[str | None]] = defaultdict(set)
    rows: Counter[tuple[tuple[str, ...], str | None]] = Counter()
    for example in examples:
        labels[example.texts].add(example.label)
        rows[example.texts, example.label] += 1
    return Oddities(
        duplicates=sum(count - 1 for count in rows.values()),
        conflicts=sum(len(found) > 1 for found in labels.values()),
    )


def shared(first: Sequence[Example], second: Sequence[Example]) -> int:
    """How many examples of `second` have texts that `first` has too."""
    known = {example.texts for example in first}
    return sum(example.texts in known for example in second)
