"""Records of many files, one after the other, in blocks."""

import io
import os
import zlib
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, mmap

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.compressed import COMPRESSIONS, open_bytes, position
from wenlu.corpus.places import STDIN, Place, Url, size_of
from wenlu.errors import DataError

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

CHUNK = 1 << 18
"""Bytes that are read and searched at a time: what stays in the processor's cache."""


class Source:
    """The records of files, in order. A file ends its last record even without a separator.

    Args:
        files: what to read, decompressed if it ends in .gz or .zst; `-` is standard input.
        separator: the byte that ends a line.
        group: lines of a record; the last record of a file may have fewer.
        suffix: says how all files are compressed, whatever their names end in.
    """

    def __init__(
        self,
        files: Sequence[Place],
        *,
        separator: int = 10,
        group: int = 1,
        suffix: str | None = None,
    ) -> None:
        self._files, self._separator, self._group = list(files), separator, group
        self._suffix = suffix
        self._file: io.BufferedIOBase | io.RawIOBase | None = None
        self._at = -1  # in files
        self._before = 0  # bytes on the disk of the files that are done
        self._last = separator  # byte of this file that was read
        self._open_lines = 0  # of the record that has not ended yet
        self._carry = np.empty(0, np.uint8)
        self._carry_ends = np.empty(0, np.int64)
        self._flags = np.empty(CHUNK, np.bool_)
        self.done = False
        self.records = 0
        """How many have been given out."""
        self.bytes = 0
        """How many bytes they have, with the separators that were added."""
        self.read = 0
        """Bytes on the disk that have been read."""
        self.unended: list[Place] = []
        """Files whose last record had no separator; it was added."""

    def fill(self, buffer: Bytes, most: int) -> Places:
        """Put the next records into the buffer, as many as find room, and say where they end.

        None are given if the next record alone has no room: it is to be had from `long_record`.
        At the end of all files, `done` is set.

        Args:
            buffer: where to put them.
            most: how many records to give at most.
        """
        capacity = len(buffer) - 1  # a separator may be added
        filled = len(self._carry)
        if filled > capacity:  # the buffer before was larger
            fits = self._carry_ends[self._carry_ends <= capacity]
            return self._give(buffer, fits[:most])
        buffer[:filled] = self._carry
        found, count = [self._carry_ends], len(self._carry_ends)
        view = buffer.data
        while not self.done and count < most and filled < capacity:
            read = self._read(view[filled : min(filled + CHUNK, capacity)])
            if read:
                ends = self._find(buffer[filled : filled + read], filled)
                filled += read
            else:
                ends, filled = self._end_file(buffer, filled)
            found.append(ends)
            count += len(ends)
        self._carry_ends = np.concatenate(found)
        self._carry = buffer[:filled]
        return self._give(buffer, self._carry_ends[:most])

    def _give(self, buffer: Bytes, given: Places) -> Places:
        """Give out the first records of what is at hand; the rest is carried over."""
        last = int(given[-1]) if len(given) else 0
        if not np.shares_memory(buffer[:1], self._carry[:1]):
            buffer[:last] = self._carry[:last]
        self._carry = self._carry[last:].copy()
        self._carry_ends = self._carry_ends[len(given) :] - last
        self.records += len(given)
        self.bytes += last
        return given

    def map(self, most: int) -> tuple[Bytes, Places] | None:
        """All records of the only file and where they end, without copying them.

        None if there are more files than one, or more records than `most`, or if the file is
        compressed, no file on a disk, empty, or without a separator at its end.
        """
        path = self._files[0]
        if isinstance(path, Url) or len(self._files) > 1 or not path.is_file():
            return None
        if self._suffix_of(path) in COMPRESSIONS:
            return None
        with self._open(path) as file:
            if not os.fstat(file.fileno()).st_size:
                return None
            mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
        data = np.frombuffer(mapped, np.uint8)
        if data[-1] != self._separator:
            return None
        found, count = [], 0
        for start in range(0, len(data), CHUNK):
            found.append(self._find(data[start : start + CHUNK], start))
            count += len(found[-1])
            if count > most:
                self._open_lines = 0
                return None
        if self._open_lines:
            found.append(np.array([len(data)]))
        ends = np.concatenate(found)
        self.records, self.bytes, self.read = len(ends), len(data), len(data)
        self.done = True
        return data, ends

    @property
    def left(self) -> bool:
        """Whether there may be more records."""
        return not self.done or len(self._carry) > 0

    def long_record(self, buffer: Bytes) -> Iterator[memoryview]:
        """The next record, piece by piece, of any length."""
        self.records += 1
        view = buffer.data
        known = len(self._carry_ends) > 0
        last = int(self._carry_ends[0]) if known else len(self._carry)
        piece, self._carry = self._carry[:last], self._carry[last:].copy()
        self._carry_ends = self._carry_ends[1:] - last
        self.bytes += len(piece)
        yield piece.data
        if known:
            return
        while True:
            read = self._read(view[:CHUNK])
            if not read:
                ends, filled = self._end_file(buffer, 0)
                self.bytes += filled
                yield view[:filled]
                return
            ends = self._find(buffer[:read], 0)
            last = int(ends[0]) if len(ends) else read
            self.bytes += last
            if not len(ends):
                yield view[:read]
                continue
            self._carry = buffer[last:read].copy()
            self._carry_ends = ends[1:] - last
            yield view[:last]
            return

    def _find(self, part: Bytes, start: int) -> Places:
        """Where records end in what was just read."""
        flags = self._flags[: len(part)]
        np.equal(part, self._separator, out=flags)
        ends = np.flatnonzero(flags)
        ends += start + 1
        if self._group == 1:
            return ends
        kept = ends[self._group - 1 - self._open_lines :: self._group]
        self._open_lines = (self._open_lines + len(ends)) % self._group
        return kept

    def _end_file(self, buffer: Bytes, filled: int) -> tuple[Places, int]:
        """Close a file; the ends it still has, and how far the buffer is filled then."""
        open_record = self._open_lines > 0
        if self._last != self._separator:
            buffer[filled] = self._separator
            filled += 1
            open_record = True
            self.unended.append(self._files[self._at])
        self._open_lines, self._last = 0, self._separator
        self._close()
        self.done = self._at + 1 >= len(self._files)
        return np.array([filled] if open_record else [], np.int64), filled

    def _read(self, view: memoryview) -> int:
        """Read on in this file, or in the next one."""
        if self._file is None:
            self._at += 1
            if self._at >= len(self._files):
                return 0
            self._file = self._open(self._files[self._at])
        path = self._files[self._at]
        try:
            count = self._file.readinto(view) or 0
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(path, self._file, error) from error
        if count:
            self._last = view[count - 1]
        self.read = self._before + _read_so_far(path, self._file, self.bytes + len(view))
        return count

    def _open(self, path: Place) -> io.BufferedIOBase | io.RawIOBase:
        if path == STDIN:
            return open(0, "rb", buffering=0, closefd=False)
        try:
            if self._suffix_of(path) in COMPRESSIONS:
                return open_bytes(path, suffix=self._suffix)
            return path.open() if isinstance(path, Url) else path.open("rb", buffering=0)
        except OSError as error:
            raise DataError(f"the file cannot be read: {error.strerror}", file=path) from error

    def _suffix_of(self, path: Place) -> str:
        return (path.suffix if self._suffix is None else self._suffix).lower()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._before = self.read

    def close(self) -> None:
        """Close what is open."""
        self._close()
        self.done = True

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_so_far(path: Place, file: io.BufferedIOBase | io.RawIOBase, otherwise: int) -> int:
    if path == STDIN:
        return otherwise
    if isinstance(file, io.BufferedIOBase):
        return position(file)
    return os.lseek(file.fileno(), 0, os.SEEK_CUR) if file.seekable() else otherwise


def _unreadable(
    path: Place, file: io.BufferedIOBase | io.RawIOBase, error: BaseException
) -> DataError:
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"the file cannot be read: {error.strerror}", file=path)
    size = size_of(path)
    whole = "" if size is None else f" of {size:,}"
    return DataError(
        f"the compressed file is damaged or cut short at byte {position(file):,}{whole} "  # type: ignore[arg-type]
        f"or just before ({error}); fetch it again. Nothing was written.",
        file=path,
    )
