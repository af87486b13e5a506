"""Numbers for whole contents: of a multiset of records, and of what was written where."""

import zlib
from array import array
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.compressed import open_bytes
from wenlu.errors import RunError
from wenlu.randomness import mix

_LENGTH, _CRC = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF95)


def content(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    counted: NDArray[np.bool_] | None = None,
) -> int:
    """The sum, modulo 2^64, of a hash of the length and of the CRC-32 of all bytes of each record.

    A CRC-32 finds every flipped bit for certain, and every run of 32 of them.

    Args:
        data: the bytes of all records.
        bounds: where each begins, and at last where the last one ends.
        counted: whether a record counts; by default all do.
    """
    view = data.data
    pieces = (zlib.crc32(view[start:end]) for start, end in pairwise(bounds.tolist()))
    sums = np.fromiter(pieces, np.uint64, len(bounds) - 1)
    lengths = np.diff(bounds).astype(np.uint64)
    hashes = mix(lengths * _LENGTH + sums * _CRC)
    return int(hashes[slice(None) if counted is None else counted].sum(dtype=np.uint64))


def content_of_one(length: int, crc: int) -> int:
    """The same for one record whose CRC-32 is known."""
    one = np.array([length], np.uint64) * _LENGTH + np.array([crc], np.uint64) * _CRC
    return int(mix(one)[0])


class Written:
    """What was written where, to be compared with what can be read there."""

    def __init__(self) -> None:
        self._pieces = array("Q")  # where, how many bytes, their CRC-32; and so on
        self._lock = Lock()

    def add(self, at: int, data: memoryview) -> None:
        """Know that some bytes were written.

        Args:
            at: where, from the beginning of the first file on.
            data: the bytes.
        """
        piece = (at, len(data), zlib.crc32(data))
        with self._lock:
            self._pieces.extend(piece)

    def compare(
        self, files: Sequence[Path], suffix: str, progress: Callable[[int, int], None]
    ) -> None:
        """Read files, one after the other, and find all that was written in them, no more.

        Args:
            files: the files.
            suffix: says how they are compressed, whatever their names end in.
            progress: is told how many bytes of how many have been read.

        Raises:
            RunError: they hold something else.
        """
        pieces = np.array(self._pieces, np.uint64).reshape(-1, 3)
        pieces = pieces[np.argsort(pieces[:, 0])]
        size = int(pieces[:, 1].sum())
        with closing(_read(files, suffix)) as blocks:
            data = memoryview(b"")
            for at, length, crc in pieces.tolist():
                found, left = 0, length
                while left:
                    data = data or next(blocks, memoryview(b""))
                    if not data:
                        raise _different()
                    found = zlib.crc32(data[:left], found)
                    done = min(left, len(data))
                    data, left = data[done:], left - done
                if found != crc:
                    raise _different()
                progress(at + length, size)
            if data or next(blocks, memoryview(b"")):
                raise _different()


def _read(files: Sequence[Path], suffix: str) -> Generator[memoryview, None, None]:
    for path in files:
        with open_bytes(path, suffix=suffix) as file:
            while data := file.read(1 << 20):
                yield memoryview(data)


def _different() -> RunError:
    return RunError(
        "the output, read again, is not what was written: memory or a disk is at fault, or the "
        "program is. The output was not kept."
    )
