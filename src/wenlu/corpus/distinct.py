"""How many different lines there are, exactly, however many they are.

A line is known by the first 128 bits of BLAKE2b of its bytes. Two different lines with the same
hash would pass for equal; among 10⁹ lines the chance that there is any such pair is below 2⁻⁶⁷.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("count", "<i8")])
_SORTING = 5  # times the bytes of records are needed to sort them

Records = NDArray[Any]


class Distinct(NamedTuple):
    """What came of all lines."""

    lines: int
    """Different ones."""

    repeated: int
    """Those of them that come more than once."""

    most: int
    """How often the most frequent one comes."""


class LineHashes:
    """Collects the hashes of lines, and writes them down sorted when they are many.

    Args:
        memory: bytes to use, about.
        folder: where to write.
        name: how the names of the files begin.
    """

    def __init__(self, memory: int, folder: Path, name: str) -> None:
        self._most = memory // _SORTING // _RECORD.itemsize
        self._folder, self._name = folder, name
        self._held: list[Records] = []
        self._size = self._runs = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Take in lines."""
        counts = Counter(lines)
        if not counts:
            return
        hashes = b"".join([blake2b(line, digest_size=16).digest() for line in counts])
        records = np.empty(len(counts), _RECORD)
        pairs = np.frombuffer(hashes, "<u8").reshape(-1, 2)
        records["high"], records["low"] = pairs[:, 0], pairs[:, 1]
        records["count"] = np.fromiter(counts.values(), np.int64, len(counts))
        self._held.append(records)
        self._size += len(records)
        if self._size > self._most:
            self._held = [_summed(np.concatenate(self._held))]
            self._size = len(self._held[0])
            if self._size > self._most // 2:
                self.write()

    def write(self) -> None:
        """Write down what is held."""
        if not self._held:
            return
        records = _summed(np.concatenate(self._held))
        with (self._folder / f"{self._name}-{self._runs:06d}").open("xb") as file:
            file.write(records.tobytes())
        self._runs += 1
        self._held, self._size = [], 0


def count_distinct(
    runs: Sequence[Path], memory: int, progress: Callable[[int, int], None] | None = None
) -> Distinct:
    """Merge what was written down, a range of hashes at a time: hashes are spread evenly.

    Args:
        runs: files that `LineHashes` has written.
        memory: bytes to use, about.
        progress: is told how many bytes of how many have been read.
    """
    size = sum(run.stat().st_size for run in runs)
    ranges = 1 + size * (_SORTING + 1) // memory
    places = [_places(run, ranges) for run in runs]
    lines = repeated = most = read = 0
    for number in range(ranges):
        parts = [
            np.fromfile(run, _RECORD, at[number + 1] - at[number], offset=24 * at[number])
            for run, at in zip(runs, places, strict=True)
        ]
        records = np.concatenate(parts) if parts else np.empty(0, _RECORD)
        read += records.nbytes
        counts = _summed(records)["count"]
        lines += len(counts)
        repeated += int(np.count_nonzero(counts > 1))
        most = max(most, int(counts.max(initial=0)))
        if progress is not None:
            progress(read, size)
    return Distinct(lines, repeated, most)


def _places(run: Path, ranges: int) -> list[int]:
    """Where in a run each range starts, and where the last one ends."""
    edges = [(number << 64) // ranges for number in range(1, ranges)]
    highs = np.memmap(run, _RECORD, mode="r")["high"]
    inner = np.searchsorted(highs, np.array(edges, dtype=np.uint64))
    return [0, *inner.tolist(), len(highs)]


def _summed(records: Records) -> Records:
    """Records in the order of their hashes, each once."""
    if not len(records):
        return records
    records = records[np.lexsort((records["low"], records["high"]))]
    new = np.ones(len(records), dtype=np.bool_)
    new[1:] = (records["high"][1:] != records["high"][:-1]) | (
        records["low"][1:] != records["low"][:-1]
    )
    starts = np.flatnonzero(new)
    counts = np.add.reduceat(records["count"], starts)
    found = records[starts]
    found["count"] = counts
    return found
