"""Records of many files, one after the other, in blocks."""

import io
import os
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.compressed import COMPRESSIONS, open_bytes, position
from wenlu.corpus.places import STDIN, Place, Url, size_of
from wenlu.corpus.shuffling.separators import Separator
from wenlu.corpus.zstd_frames import LARGEST_WINDOW
from wenlu.errors import DataError

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

CHUNK = 1 << 18
"""Bytes that are read and searched at a time: what stays in the processor's cache."""


class Source:
    """The records of files, in order. A file ends its last record even without a separator.

    Args:
        files: what to read, decompressed if it ends in .gz or .zst; `-` is standard input.
        separator: the bytes that end a line.
        group: lines of a record; the last record of a file may have fewer.
        drop_empty: leave out lines that have nothing before their separator.
        window: bytes that the window of a .zst file may have.
    """

    def __init__(
        self,
        files: Sequence[Place],
        *,
        separator: bytes = b"\n",
        group: int = 1,
        drop_empty: bool = False,
        window: int = LARGEST_WINDOW,
    ) -> None:
        self._window = window
        self._files, self._separator = list(files), Separator(separator)
        self._group, self._drop_empty = group, drop_empty
        self._file: io.BufferedIOBase | io.RawIOBase | None = None
        self._at = -1  # in files
        self._before = 0  # bytes on the disk of the files that are done
        self._offset = 0  # bytes of this file, decompressed, that have been read
        self._promised: int | None = None  # bytes that it had when it was opened
        self._tail = 0  # bytes of the line that has not ended yet
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
        self.dropped = 0
        """Empty lines that were left out."""
        self.unended: list[Place] = []
        """Files whose last record had no separator; it was added."""

    def begin(self, offset: int, open_lines: int) -> None:
        """Read the first file from the middle on.

        Args:
            offset: where a line begins.
            open_lines: how many before it belong to the same record.
        """
        self._at, self._open_lines = 0, open_lines
        self._start(offset)

    def state(self) -> dict[str, Any]:
        """How far the reading has got, as JSON has it; what was not given out is in `carry`."""
        return {
            "at": self._at,
            "open": self._file is not None,
            "offset": self._offset,
            "before": self._before,
            "tail": self._tail,
            "open_lines": self._open_lines,
            "carry_ends": self._carry_ends.tolist(),
            "done": self.done,
            "records": self.records,
            "bytes": self.bytes,
            "read": self.read,
            "dropped": self.dropped,
            "unended": [self._files.index(path) for path in self.unended],
        }

    @property
    def carry(self) -> bytes:
        """What was read and not given out."""
        return self._carry.tobytes()

    def restore(self, state: dict[str, Any], carry: bytes) -> None:
        """Go on where another one was."""
        self._at, self._before = state["at"], state["before"]
        if state["open"]:
            self._start(state["offset"])
        self._tail, self._open_lines = state["tail"], state["open_lines"]
        self._carry = np.frombuffer(carry, np.uint8)
        self._carry_ends = np.array(state["carry_ends"], np.int64)
        self.done, self.records, self.bytes = state["done"], state["records"], state["bytes"]
        self.read, self.dropped = state["read"], state["dropped"]
        self.unended = [self._files[number] for number in state["unended"]]

    def fill(self, buffer: Bytes, most: int) -> Places:
        """Put the next records into the buffer, as many as find room, and say where they end.

        None are given if the next record alone has no room: it is to be had from `long_record`.
        At the end of all files, `done` is set.

        Args:
            buffer: where to put them.
            most: how many records to give at most.
        """
        capacity = len(buffer) - len(self._separator)  # one may be added
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
                ends, filled = self._take(buffer, filled, filled + read)
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

    @property
    def left(self) -> bool:
        """Whether there may be more records."""
        return not self.done or len(self._carry) > 0

    def long_record(self, buffer: Bytes) -> Iterator[memoryview]:
        """The next record, piece by piece, of any length."""
        self.records += 1
        view = buffer.data
        known = len(self._carry_ends) > 0
        # So much of it stays, for a separator that is not all there.
        kept = 0 if known else min(len(self._separator) - 1, len(self._carry))
        last = int(self._carry_ends[0]) if known else len(self._carry) - kept
        piece, rest = self._carry[:last], self._carry[last:].copy()
        self.bytes += len(piece)
        yield piece.data
        if known:
            self._carry, self._carry_ends = rest, self._carry_ends[1:] - last
            return
        buffer[:kept] = rest
        while True:
            read = self._read(view[kept : min(kept + CHUNK, len(buffer) - len(self._separator))])
            if read:
                ends, filled = self._take(buffer, kept, kept + read)
            else:
                ends, filled = self._end_file(buffer, kept)
            if len(ends):
                last = int(ends[0])
                self._carry = buffer[last:filled].copy()
                self._carry_ends = ends[1:] - last
                self.bytes += last
                yield view[:last]
                return
            kept = min(len(self._separator) - 1, filled)
            last = filled - kept
            self.bytes += last
            yield view[:last]
            buffer[:kept] = buffer[last:filled].copy()

    def _take(self, buffer: Bytes, start: int, stop: int) -> tuple[Places, int]:
        """Where records end in what was just read, and where that ends itself."""
        begin = start - self._tail  # of the line, perhaps before the buffer
        ends = self._separator.find(buffer, start, stop, self._tail, self._flags)
        self._tail = stop - int(ends[-1]) if len(ends) else self._tail + stop - start
        if self._drop_empty and len(ends):
            ends, stop = self._without_empty(buffer, begin, ends, stop)
        if self._group == 1:
            return ends, stop
        kept = ends[self._group - 1 - self._open_lines :: self._group]
        self._open_lines = (self._open_lines + len(ends)) % self._group
        return kept, stop

    def _without_empty(
        self, buffer: Bytes, begin: int, ends: Places, stop: int
    ) -> tuple[Places, int]:
        """Take empty lines out of the buffer."""
        size = len(self._separator)
        lengths = np.diff(ends, prepend=begin)
        empty = lengths == size
        if not empty.any():
            return ends, stop
        self.dropped += int(empty.sum())
        first = int(ends[np.argmax(empty)]) - size
        kept = np.ones(stop - first, np.bool_)
        for place in range(size):
            kept[ends[empty] - size - first + place] = False
        moved = buffer[first:stop][kept]
        buffer[first : first + len(moved)] = moved
        return (ends - size * np.cumsum(empty))[~empty], first + len(moved)

    def _end_file(self, buffer: Bytes, filled: int) -> tuple[Places, int]:
        """Close a file; the ends it still has, and how far the buffer is filled then."""
        open_record = self._open_lines > 0
        if self._tail:
            known = min(self._tail, len(self._separator) - 1)
            added = self._separator.missing(buffer[filled - known : filled].tobytes())
            buffer[filled : filled + len(added)] = np.frombuffer(added, np.uint8)
            filled += len(added)
            open_record = True
            self.unended.append(self._files[self._at])
        self._open_lines = self._tail = 0
        self._close()
        self.done = self._at + 1 >= len(self._files)
        return np.array([filled] if open_record else [], np.int64), filled

    def _read(self, view: memoryview) -> int:
        """Read on in this file, or in the next one."""
        if self._file is None:
            self._at += 1
            if self._at >= len(self._files):
                return 0
            self._start(0)
        path, file = self._files[self._at], self._file
        assert file is not None
        try:
            count = file.readinto(view) or 0
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(path, file, error) from error
        self._offset += count
        if not count and self._promised is not None and self._offset < self._promised:
            raise DataError(
                f"the file has become shorter while it was read: {self._offset:,} of its "
                f"{self._promised:,} bytes came. Nothing was written; run it again when nobody "
                "changes it",
                file=path,
            )
        self.read = self._before + _read_so_far(path, file, self._offset)
        return count

    def _start(self, offset: int) -> None:
        """Open a file, and go to some byte of what it is decompressed."""
        path = self._files[self._at]
        self._offset, self._promised = offset, None
        if path == STDIN:
            self._file = _standard_input()
            return
        try:
            if path.suffix.lower() in COMPRESSIONS:
                self._file = open_bytes(path, window=self._window)
                while offset and (skipped := self._file.read(min(offset, CHUNK))):
                    offset -= len(skipped)
            elif isinstance(path, Url):
                self._file = path.open(offset)
            else:
                file = path.open("rb", buffering=0)
                self._file = file
                if path.is_file():
                    self._promised = os.fstat(file.fileno()).st_size
                    file.seek(offset)
        except (OSError, EOFError, zlib.error) as error:
            if self._file is not None:
                raise _unreadable(path, self._file, error) from error
            raise DataError(f"the file cannot be read: {_why(error)}", file=path) from error

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


def _standard_input() -> io.RawIOBase:
    return open(0, "rb", buffering=0, closefd=False)


def _read_so_far(path: Place, file: io.BufferedIOBase | io.RawIOBase, otherwise: int) -> int:
    if path == STDIN:
        return otherwise
    if isinstance(file, io.BufferedIOBase):
        return position(file)
    return otherwise


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


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
