"""Files cut into ranges of records that can be read each by itself."""

import io
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wenlu.corpus.compressed import COMPRESSIONS, open_bytes
from wenlu.corpus.places import Place, Url
from wenlu.corpus.shuffling.separators import Separator
from wenlu.corpus.shuffling.source import CHUNK
from wenlu.errors import DataError


class Piece(NamedTuple):
    """Some bytes of a file."""

    path: Place
    begin: int
    end: int | None
    """Where the next one begins; None for the rest of the file, decompressed."""


class Counted(NamedTuple):
    """The separators that end in a piece."""

    lines: int
    empty: int
    """How many of them follow another one at once, the first aside."""
    first: int
    """Where the first one ends in the file."""
    last: int
    """Where the last one ends."""
    end: int
    """Where the piece ends."""


class Range(NamedTuple):
    """Records that one after the other stand in a file."""

    path: Place
    offset: int
    """Where to begin to read."""
    open_lines: int
    """How many lines before that belong to a record of an earlier range."""
    first: int
    """The number of the first record among those of all files."""
    records: int


def cut(path: Place, size: int | None, most: int, separator: Separator) -> list[Piece]:
    """A file in pieces, as far as it can be read from the middle.

    Args:
        path: the file.
        size: how many bytes it has, if that is known.
        most: bytes of a piece.
        separator: what ends a line; where it may overlap itself, only one who has read all that
            comes before knows which ones count.
    """
    web = isinstance(path, Url) and path.protocol in ("http", "https")
    if size is None or web or separator.overlaps or path.suffix.lower() in COMPRESSIONS:
        return [Piece(path, 0, None)]
    begins = [*range(0, size, most), size]
    return [Piece(path, begin, end) for begin, end in pairwise(begins)]


def count(piece: Piece, separator: Separator) -> Counted:
    """Read a piece, and say which separators end in it."""
    size = len(separator)
    at = max(0, piece.begin - size + 1)
    tail = filled = piece.begin - at  # what may be the beginning of a separator
    buffer, flags = np.empty(CHUNK + size, np.uint8), np.empty(CHUNK, np.bool_)
    lines = empty = 0
    first = last = 0
    try:
        with _open(piece.path, at) as file:
            file.readinto(buffer[:filled].data)
            at += filled
            while True:
                most = CHUNK if piece.end is None else min(CHUNK, piece.end - at)
                read = file.readinto(buffer[filled : filled + most].data) if most else 0
                if not read:
                    break
                ends = separator.find(buffer, filled, filled + read, tail, flags) + (at - filled)
                at += read
                if len(ends):
                    if not lines:
                        first = int(ends[0])
                    before = last if lines else int(ends[0]) - size - 1
                    empty += int(np.count_nonzero(np.diff(ends, prepend=before) == size))
                    lines, last = lines + len(ends), int(ends[-1])
                    tail = at - last
                else:
                    tail += read
                kept = min(size - 1, filled + read)
                buffer[:kept] = buffer[filled + read - kept : filled + read].copy()
                filled = kept
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"the file cannot be read: {reason}", file=piece.path) from error
    if piece.end is not None and at < piece.end:
        raise DataError("the file has become shorter while it was read", file=piece.path)
    return Counted(lines, empty, first, last, at)


def ranges(
    pieces: Sequence[Piece],
    counted: Sequence[Counted],
    separator: Separator,
    group: int,
    drop_empty: bool,
) -> tuple[list[Range], int, int]:
    """The records that begin in each piece; the bytes of all; how many empty lines are left out.

    Args:
        pieces: of all files, in their order.
        counted: what each has.
        separator: what ends a line.
        group: lines of a record.
        drop_empty: whether lines without anything in them are left out.
    """
    size = len(separator)
    found: list[Range] = []
    first = total = dropped = 0
    start = 0
    while start < len(pieces):
        stop = start + 1
        while stop < len(pieces) and pieces[stop].begin:
            stop += 1
        lines = before = 0
        mine: list[tuple[int, int, int]] = []  # offset, lines before it, lines up to its end
        for one in counted[start:stop]:
            left_out = 0
            if drop_empty and one.lines:
                left_out = one.empty + (one.first - before == size)
            dropped += left_out
            mine.append((before, lines, lines + one.lines - left_out))
            lines += one.lines - left_out
            before = one.last if one.lines else before
        if counted[stop - 1].end > before:  # a last line without a separator
            lines += 1
            offset, since, _ = mine[-1]
            mine[-1] = (offset, since, lines)
        for offset, since, until in mine:
            skipped, records = -(-since // group), -(-until // group)
            if records > skipped:
                place = pieces[start].path
                found.append(
                    Range(place, offset, since % group, first + skipped, records - skipped)
                )
        first += -(-lines // group)
        total += counted[stop - 1].end
        start = stop
    return found, total, dropped


def _open(path: Place, at: int) -> io.BufferedIOBase:
    if isinstance(path, Url) and path.suffix.lower() not in COMPRESSIONS:
        return path.open(at)
    file = open_bytes(path)
    if at:
        file.seek(at)
    return file
