"""Records on the disk, in buckets by the first bits of the number that they are sorted by."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.shuffling.gather import gather
from wenlu.corpus.temporary import truncate
from wenlu.errors import RunError
from wenlu.randomness import Keys

SIDE = np.dtype([("number", "<u8"), ("length", "<u4")])
"""What is kept beside each record."""

RECORD = 64
"""Bytes that a record takes in memory besides its own."""


class Records(NamedTuple):
    """Some records in memory."""

    data: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    numbers: Keys


class Bucket(NamedTuple):
    """Records on the disk whose numbers begin with the same bits."""

    path: Path
    depth: int
    """How many bits are the same."""
    prefix: int
    """Which bits these are."""
    records: int
    bytes: int

    @property
    def memory(self) -> int:
        """Bytes that it takes in memory."""
        return self.bytes + RECORD * self.records

    def holds(self, number: int) -> bool:
        """Whether a record with this number belongs here."""
        return number >> (64 - self.depth) == self.prefix

    def read(self, buffer: NDArray[np.uint8]) -> Records:
        """All records, in no order that means anything."""
        with self.path.open("rb", buffering=0) as file:
            _read_all(file, buffer.data[: self.bytes])
        side = np.fromfile(_side(self.path), SIDE, self.records)
        return Records(buffer[: self.bytes], _bounds(side["length"]), side["number"].copy())

    def read_blocks(self, buffer: NDArray[np.uint8], most: int) -> Iterator[Records]:
        """The same, as many at a time as find room in the buffer."""
        with self.path.open("rb", buffering=0) as file, _side(self.path).open("rb") as sides:
            rest = np.empty(0, SIDE)
            while True:
                more = np.fromfile(sides, SIDE, most - len(rest))
                rest = np.concatenate([rest, more])
                if not len(rest):
                    return
                bounds = _bounds(rest["length"])
                count = int(np.searchsorted(bounds, len(buffer), "right")) - 1
                part = buffer.data[: int(bounds[count])]
                _read_all(file, part)
                numbers = rest["number"][:count].copy()
                yield Records(buffer[: len(part)], bounds[: count + 1], numbers)
                rest = rest[count:]

    def remove(self) -> None:
        """Free the disk."""
        self.path.unlink(missing_ok=True)
        _side(self.path).unlink(missing_ok=True)


class Buckets:
    """Buckets that are filled by any number of threads.

    Args:
        folder: where their files go.
        bits: how many bits of the number pick a bucket.
        within: the bucket that these ones part, if they do.
    """

    def __init__(self, folder: Path, bits: int, within: Bucket | None = None) -> None:
        self._folder, self._bits = folder, bits
        self._depth, self._prefix = (within.depth, within.prefix) if within else (0, 0)
        self._lock = Lock()
        self._bytes = np.zeros(1 << bits, np.int64)
        self._records = np.zeros(1 << bits, np.int64)

    def add(self, block: Records, longest: int | None = None) -> None:
        """Write each record to its bucket, those of more than `longest` bytes excepted."""
        picks = block.numbers >> np.uint64(64 - self._depth - self._bits)
        picks = (picks & np.uint64((1 << self._bits) - 1)).astype(np.uint16)
        order = np.argsort(picks, kind="stable")  # a radix sort
        lengths = np.diff(block.bounds)
        if longest is not None and lengths.max(initial=0) > longest:
            order = order[lengths[order] <= longest]
            picks = picks[order]
        lengths = lengths[order]
        ends = np.cumsum(lengths)
        side = np.empty(len(order), SIDE)
        side["number"], side["length"] = block.numbers[order], lengths
        counts = np.bincount(picks, minlength=1 << self._bits)
        last = np.cumsum(counts)
        bytes_ends = np.concatenate([[0], ends])[last]
        sizes = np.diff(bytes_ends, prepend=0)
        with self._lock:
            bytes_at, records_at = self._bytes.copy(), self._records.copy()
            self._bytes += sizes
            self._records += counts
        filled = np.flatnonzero(counts).tolist()
        try:
            sides = side.view(np.uint8).data
            for bucket in filled:
                part = sides[(last[bucket] - counts[bucket]) * 12 : last[bucket] * 12]
                _write_at(_side(self._path(bucket)), part, int(records_at[bucket]) * SIDE.itemsize)
            todo = iter(filled)
            bucket, file = -1, -1
            end = start = 0
            try:
                for piece in gather(block.data, block.bounds, order, ends):
                    done = 0
                    while done < len(piece.data):
                        if piece.at + done == end:
                            if file >= 0:
                                os.close(file)
                            bucket = next(todo)
                            file = os.open(self._path(bucket), os.O_WRONLY | os.O_CREAT, 0o600)
                            start, end = end, int(bytes_ends[bucket])
                        count = min(len(piece.data) - done, end - piece.at - done)
                        at = int(bytes_at[bucket]) + piece.at + done - start
                        write_at(file, piece.data[done : done + count], at)
                        done += count
            finally:
                if file >= 0:
                    os.close(file)
        except OSError as error:
            raise RunError(
                f"cannot write the temporary files in {self._folder.parent}: {error.strerror}. "
                "Nothing was changed; free some space there, or give another folder as --temp."
            ) from error

    def state(self) -> list[list[int]]:
        """How full each bucket is, in bytes and in records."""
        return [self._bytes.tolist(), self._records.tolist()]

    def restore(self, state: list[list[int]]) -> None:
        """Go on with files that are there, and cut off what came after the state was taken."""
        self._bytes[:], self._records[:] = state
        for number, (size, records) in enumerate(zip(*state, strict=True)):
            truncate(self._path(number), size)
            truncate(_side(self._path(number)), records * SIDE.itemsize)

    def close(self) -> list[Bucket]:
        """The buckets, in their order."""
        return [
            Bucket(
                self._path(number),
                self._depth + self._bits,
                (self._prefix << self._bits) + number,
                int(self._records[number]),
                int(self._bytes[number]),
            )
            for number in range(1 << self._bits)
        ]

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._depth}-{self._prefix:x}-{number:x}"


def write_at(file: int, data: memoryview, at: int) -> None:
    """Write all of the bytes at a place of a file."""
    while data:
        written = os.pwrite(file, data, at)
        data, at = data[written:], at + written


def _write_at(path: Path, data: memoryview, at: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        write_at(file, data, at)
    finally:
        os.close(file)


def _read_all(file: object, view: memoryview) -> None:
    while view:
        count = file.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise RunError("a temporary file has become shorter; did someone change it?")
        view = view[count:]


def _bounds(lengths: NDArray[np.uint32]) -> NDArray[np.int64]:
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def _side(path: Path) -> Path:
    return path.with_name(path.name + ".side")
