"""What files of text are like: lines, duplicates, encodings, line ends, lengths.

Bytes are taken as they are, so nothing in a file is an error but a line of more than 16 MiB.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.blocks import Block, read_blocks, text_files
from wenlu.corpus.distinct import LineHashes, count_distinct
from wenlu.corpus.documents import LONGEST
from wenlu.corpus.figures import new_figure, save_figure
from wenlu.corpus.memory import share_memory
from wenlu.corpus.places import size_of
from wenlu.corpus.sharing import share
from wenlu.corpus.temporary import temporary_folder
from wenlu.corpus.zstd_frames import window_within

START = 150_000_000
"""Bytes that a process takes beside what it collects: Python, numpy, a block of short lines."""

_LEAST = 20_000_000
_LINE = 12  # times the bytes of a line are needed to look into it
_FEW = 16 << 20  # bytes of files that are read in this process: starting others takes longer
_LONG = 1 << 16  # characters; longer lines all count as this long for the percentiles
_BINS = 65
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusStats:
    """What files of text are like."""

    files: int

    bytes: int
    """Decompressed."""

    lines: int
    """A last line without a line end is one too."""

    empty: int
    """Lines with nothing in them."""

    characters: int
    """Code points, line ends aside."""

    different: int
    """Different lines, the empty one aside."""

    duplicates: int
    """Lines that have come before, empty ones aside."""

    repeated: int
    """Different lines that come more than once."""

    most_repeated: int
    """How often the most frequent line comes."""

    utf8: int
    """Lines that are UTF-8."""

    gb18030: int
    """Lines that are not UTF-8 but could be GB18030, of which GBK is a part."""

    other: int
    """Lines that are neither."""

    nul: int
    """Lines with NUL bytes."""

    utf8_marks: int
    """Files that begin with the byte order mark of UTF-8."""

    utf16_marks: int
    """Files that begin with the byte order mark of UTF-16; nothing else here fits them."""

    lf: int
    """Lines that end with a line feed alone."""

    crlf: int
    """Lines that end with a carriage return and a line feed."""

    lone_cr: int
    """Carriage returns elsewhere."""

    unfinished: int
    """Files whose last line has no line end."""

    mean: float
    """Characters of a line."""

    percentiles: dict[int, int]
    """Characters of a line, at 50, 90 and 99 %; at most 65,536."""

    longest: int
    """Characters of the longest line."""

    histogram: tuple[tuple[int, int, int], ...]
    """Lines of from so many to so many characters: powers of two."""


def stats(
    files: Sequence[str | PathLike[str]],
    *,
    memory: int | None = None,
    workers: int | None = None,
    temp: str | PathLike[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> CorpusStats:
    """Read files and say what they are like.

    Args:
        files: any files, decompressed if they end in .gz or .zst, or folders of them; URLs of
            files or folders; `-` for standard input.
        memory: bytes for all processes together; None is 250 MB a process.
        workers: how many processes read; None is one a core, if the memory is enough for them.
        temp: a folder for what does not fit into memory: 24 bytes a different line at most.
        progress: is told the name of the pass, and how many bytes of how many are done.

    Raises:
        ConfigError: too little memory.
        DataError: a file cannot be read, or has a line of more than 16 MiB; says where.
        RunError: a temporary file cannot be written.
    """
    paths = text_files(files, ())
    sizes = [size_of(path) for path in paths]
    size = None if None in sizes else sum(size for size in sizes if size)
    few = workers is None and size is not None and size <= _FEW
    shares = share_memory(memory, 1 if few else workers, START, _LEAST)
    with temporary_folder(Path("wenlu-stats"), temp or tempfile.gettempdir()) as folder:
        found = share(
            read_blocks(paths, min(LONGEST, shares.each // _LINE), window_within(shares.memory)),
            partial(_Reader, folder, shares.each),
            shares.processes,
            None if progress is None else partial(_advance, progress, size),
        )
        distinct = count_distinct(
            sorted(folder.iterdir()),
            shares.memory - START,
            None if progress is None else partial(progress, "duplicates"),
        )
    sums: Counter[str] = Counter()
    for counts, _ in found:
        sums.update(counts)
    lengths = np.sum([one for _, one in found], axis=0)
    lines = sums["lines"]
    return CorpusStats(
        files=len(paths),
        bytes=sums["bytes"],
        lines=lines,
        empty=sums["empty"],
        characters=sums["characters"],
        different=distinct.lines,
        duplicates=lines - sums["empty"] - distinct.lines,
        repeated=distinct.repeated,
        most_repeated=distinct.most,
        utf8=lines - sums["gb18030"] - sums["other"],
        gb18030=sums["gb18030"],
        other=sums["other"],
        nul=sums["nul"],
        utf8_marks=sums["utf8_marks"],
        utf16_marks=sums["utf16_marks"],
        lf=sums["lf"],
        crlf=sums["crlf"],
        lone_cr=sums["lone_cr"],
        unfinished=sums["unfinished"],
        mean=sums["characters"] / lines if lines else 0.0,
        percentiles=_percentiles(lengths[_BINS:]),
        longest=max((counts["longest"] for counts, _ in found), default=0),
        histogram=_histogram(lengths[:_BINS]),
    )


def plot_lengths(found: CorpusStats, path: str | PathLike[str]) -> None:
    """Draw the histogram of lengths.

    Args:
        found: what `stats` has found.
        path: `.png`, `.svg` or `.pdf`.
    """
    figure, axes = new_figure()
    names = [str(a) if a == b else f"{a:,}–{b:,}" for a, b, _ in found.histogram]
    axes.barh(names, [lines for _, _, lines in found.histogram])
    axes.invert_yaxis()
    axes.set_ylabel("characters of a line")
    axes.set_xlabel("lines")
    save_figure(figure, Path(path))


def _advance(progress: Callable[[str, int, int], None], size: int | None, read: int) -> None:
    progress("reading", read if size is None else min(read, size), size or 0)


class _Reader:
    """What a process has seen."""

    def __init__(self, folder: Path, memory: int, number: int) -> None:
        self._counts: Counter[str] = Counter()
        self._lengths = np.zeros(_BINS + _LONG + 1, dtype=np.int64)
        self._hashes = LineHashes(memory, folder, f"lines-{number:03d}")
        self._longest = 0

    def add(self, block: Block) -> None:
        """Look at a block."""
        counts, data = self._counts, block.data
        counts["bytes"] += len(data)
        if block.first == 1:
            counts["utf8_marks"] += data.startswith(_UTF8_MARK)
            counts["utf16_marks"] += data.startswith(_UTF16_MARKS)
            data = data.removeprefix(_UTF8_MARK)
            if not data:  # nothing but a mark
                return
        lines = data.split(b"\n")
        feeds = len(lines) - 1
        crlf, returns = data.count(b"\r\n"), data.count(b"\r")
        if lines[-1]:
            counts["unfinished"] += 1
        else:
            lines.pop()
        if crlf:
            lines[:feeds] = [line.removesuffix(b"\r") for line in lines[:feeds]]
        counts["lines"] += len(lines)
        counts["lf"] += feeds - crlf
        counts["crlf"] += crlf
        counts["lone_cr"] += returns - crlf
        if b"\0" in data:
            counts["nul"] += sum(b"\0" in line for line in lines)
        self._measure([len(text) for text in map(self._decode, lines)])
        self._hashes.add(filter(None, lines))

    def finish(self) -> tuple[Counter[str], NDArray[np.int64]]:
        """Write the rest of the hashes, and say what was counted."""
        self._hashes.write()
        self._counts["longest"] = self._longest
        return self._counts, self._lengths

    def _decode(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            try:
                text = line.decode("gb18030")
            except UnicodeDecodeError:
                self._counts["other"] += 1
                return line.decode(errors="replace")
            self._counts["gb18030"] += 1
            return text

    def _measure(self, found: list[int]) -> None:
        lengths = np.array(found, dtype=np.int64)
        bits = np.frexp(lengths)[1]  # 0, 1, 2–3, 4–7, ...
        self._lengths[:_BINS] += np.bincount(bits, minlength=_BINS)
        self._lengths[_BINS:] += np.bincount(np.minimum(lengths, _LONG), minlength=_LONG + 1)
        self._counts["characters"] += int(lengths.sum())
        self._counts["empty"] += int(np.count_nonzero(lengths == 0))
        self._longest = max(self._longest, int(lengths.max(initial=0)))


def _percentiles(lengths: NDArray[np.int64]) -> dict[int, int]:
    """The least length that so many per cent of the lines do not exceed."""
    sums = np.cumsum(lengths)
    if not sums[-1]:
        return dict.fromkeys((50, 90, 99), 0)
    return {
        share: int(np.searchsorted(sums, -(-int(sums[-1]) * share // 100)))
        for share in (50, 90, 99)
    }


def _histogram(bins: NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
    last = int(np.flatnonzero(bins).max(initial=-1))
    return tuple(
        ((1 << bits) >> 1, max(0, (1 << bits) - 1), int(bins[bits])) for bits in range(last + 1)
    )
