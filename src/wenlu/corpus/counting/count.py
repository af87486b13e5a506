"""How often each word comes in text of any size, exactly, in bounded memory and on all cores.

Each process adds up the blocks that come to it in a table of its own, writes the table to the disk
as a sorted run whenever it has no room, and the runs are merged in the end. Sums do not care for
order, so neither does the result for the number of processes or their memory.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from sys import getsizeof
from typing import NamedTuple

from wenlu.corpus.blocks import BLOCK, Block, read_blocks, text_files
from wenlu.corpus.counting.spills import ENTRY, by_count, merge_runs, write_run
from wenlu.corpus.counting.tables import check_table, write_table
from wenlu.corpus.counting.units import Unit, Words
from wenlu.corpus.documents import DOCUMENTS, LONGEST, ROWS
from wenlu.corpus.json_text import json_object
from wenlu.corpus.lines import decode
from wenlu.corpus.memory import Shares, share_memory
from wenlu.corpus.places import Place, size_of, to_place
from wenlu.corpus.records import Record
from wenlu.corpus.sentences import BREAKS
from wenlu.corpus.sharing import share
from wenlu.corpus.temporary import temporary_folder
from wenlu.corpus.zstd_frames import window_within
from wenlu.errors import ConfigError

START = 130_000_000
"""Bytes that a process takes before it has counted anything: Python, numpy, rjieba's dictionary."""

_LEAST = 30_000_000
_LINE = 13  # times the bytes of a line are needed to make text of it
_FEW = 4 << 20  # bytes of files that are counted in this process: starting others takes longer
_POINTS = 1.02  # a point of a curve is that much further right than the one before


@dataclass(frozen=True, kw_only=True, slots=True)
class CountPlan:
    """What is about to happen."""

    files: int

    bytes: int | None
    """Of the files as they lie there; None if that cannot be known before they are read."""

    processes: int

    memory: int
    """Bytes for all processes together."""

    table: int
    """Bytes of it for the table of a process; what does not fit goes to the disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CountSummary:
    """What was counted."""

    units: int
    """All that were counted, again and again the same included."""

    different: int

    written: int
    """How many of the different ones stand in the output."""

    written_units: int
    """How often those came."""

    characters: int
    """Of the text, line breaks aside."""

    spills: int
    """How often a table had to be written to the disk because it was full."""

    curve: tuple[tuple[int, int], ...]
    """Rank and count of some of the words in the output, the ranks about 2 % apart."""


def count(
    files: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    unit: Unit | None = None,
    *,
    field: str = "text",
    memory: int | None = None,
    workers: int | None = None,
    temp: str | PathLike[str] | None = None,
    min_count: int = 1,
    top: int | None = None,
    plan: Callable[[CountPlan], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> CountSummary:
    """Count the words of files, or other units, and write a table of them.

    The most frequent come first, and those that come equally often are in the order of their code
    points. The table is the same, byte for byte, whatever the memory and the number of processes.

    Args:
        files: `.jsonl` or `.txt`, also with `.gz` or `.zst` after it, or folders of such files;
            URLs of such files or folders, also with wild cards; `-` for standard input, which is
            taken for JSONL if its first line is an object.
        out: the table to write: `.tsv`, or `.parquet`; also a URL.
        unit: what to count: `Words()`, `SingleCharacters()`, `NGrams(2)`, `Tokens(folder)`.
        field: which field of a row of JSONL is the text.
        memory: bytes for all processes together; None is 250 MB a process.
        workers: how many processes count; None is one a core, if the memory is enough for them.
        temp: folder for temporary files; by default the one of the table, or the system's if that
            is a URL.
        min_count: leave out what comes less often.
        top: only the most frequent so many.
        plan: is told what is about to happen.
        progress: is told the name of the pass, and how many bytes of how many are done.

    Raises:
        ConfigError: settings that cannot work; too little memory.
        DataError: a file or a row cannot be read; says which, and what would do.
        RunError: the table or a temporary file cannot be written.
    """
    unit, out = unit or Words(), to_place(out)
    if min_count < 1:
        raise ConfigError(f"min_count is {min_count}; it must be 1 or more")
    if top is not None and top < 1:
        raise ConfigError(f"top is {top}; it must be 1 or more, or None for all")
    paths = text_files(files, DOCUMENTS)
    check_table(out, paths)
    sizes = [size_of(path) for path in paths]
    size = None if None in sizes else sum(size for size in sizes if size)
    few = workers is None and size is not None and size <= _FEW
    shares = share_memory(memory, 1 if few else workers, START, _LEAST)
    if plan is not None:
        plan(_plan(paths, size, shares))
    with temporary_folder(out, temp) as folder:
        found = share(
            read_blocks(paths, min(LONGEST, shares.each // _LINE), window_within(shares.memory)),
            partial(_Tally, unit, field, shares.each, folder),
            shares.processes,
            None if progress is None else partial(_advance, progress, "counting", size),
        )
        runs = sorted(folder.iterdir())
        total = sum(run.stat().st_size for run in runs)
        read = 0

        def advance(more: int) -> None:
            nonlocal read
            read += more
            if progress is not None:
                progress("merging", min(read, total), total)

        room = shares.memory - START
        sums = _Sums(min_count)
        ordered = by_count(sums.watch(merge_runs(runs, room // 3, advance)), folder, room // 2, top)
        curve = _Curve()
        sending = None if progress is None else partial(progress, "sending")
        write_table(out, unit.name, curve.watch(ordered), folder, sending)
    return CountSummary(
        units=sums.units,
        different=sums.different,
        written=curve.rank,
        written_units=curve.units,
        characters=sum(one.characters for one in found),
        spills=sum(one.spills for one in found),
        curve=tuple(curve.points),
    )


class _Found(NamedTuple):
    """What a process says in the end; what it has counted lies in its runs."""

    characters: int
    spills: int


class _Tally:
    """What a process has counted.

    Args:
        unit: what to count.
        field: which field of a row is the text.
        memory: bytes that the table may take.
        folder: where it goes when it takes more.
        number: of the process.
    """

    def __init__(self, unit: Unit, field: str, memory: int, folder: Path, number: int) -> None:
        self._counting, self._field, self._memory = unit.start(), field, memory
        self._folder, self._number = folder, number
        self._table: Counter[str] = Counter()
        self._size = self._runs = self._characters = 0

    def add(self, block: Block) -> None:
        """Count a block."""
        if self._size + _LINE * max(len(block.data), BLOCK) > self._memory:
            self._spill()
        text = block_text(block, self._field)
        self._characters += len(text) - sum(map(text.count, BREAKS))
        for piece in self._counting.pieces(text):
            before = len(self._table)
            self._counting.count(piece, self._table)
            new = islice(reversed(self._table), len(self._table) - before)
            self._size += sum(map(getsizeof, new)) + ENTRY * (len(self._table) - before)
            if self._size > self._memory:
                self._spill()

    def finish(self) -> _Found:
        """Write the rest."""
        spills = self._runs
        self._spill()
        return _Found(self._characters, spills)

    def _spill(self) -> None:
        if not self._table:
            return
        write_run(self._folder / f"counted-{self._number:03d}-{self._runs:06d}", self._table)
        self._runs += 1
        self._table.clear()
        self._size = 0


def block_text(block: Block, field: str) -> str:
    """The texts of a block, a line end after each but the last.

    Raises:
        DataError: it cannot be read; says which line.
    """
    rows = block.kind in ROWS
    data = block.data
    if block.first == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" not in data:
        try:
            text = data.decode()
            if not rows:
                return text
            texts = [json.loads(line)[field] for line in text.split("\n") if line.strip()]
            text = "\n".join(texts)
            text.encode()  # half of a character may have come in as \\ud800
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        else:
            return text
    return "\n".join(_slowly(block, data, field if rows else None))


def _slowly(block: Block, data: bytes, field: str | None) -> Iterator[str]:
    """The texts of a block line by line, to find the one that cannot be read."""
    for number, raw in enumerate(data.split(b"\n"), block.first):
        line = decode(block.path, number, raw)
        if field is None:
            yield line
        elif line and not line.isspace():
            row = Record(json_object(block.path, number, line), block.path, number)
            if field not in row.fields:
                has = ", ".join(map(repr, row.fields)) or "none"
                problem = f"the row has no such field; say which of its fields is the text: {has}"
                raise row.error(problem, field)
            yield row.text(field)


class _Sums:
    """Adds up what goes by, and lets through what comes often enough."""

    def __init__(self, least: int) -> None:
        self._least = least
        self.units = self.different = 0

    def watch(
        self, merged: Iterator[tuple[list[str], list[int]]]
    ) -> Iterator[tuple[list[str], list[int]]]:
        for words, counts in merged:
            self.units += sum(counts)
            self.different += len(words)
            if self._least == 1:
                yield words, counts
                continue
            kept = [place for place, one in enumerate(counts) if one >= self._least]
            yield [words[place] for place in kept], [counts[place] for place in kept]


class _Curve:
    """Remembers the counts at some ranks of what goes by."""

    def __init__(self) -> None:
        self.rank = self.units = 0
        self.points: list[tuple[int, int]] = []
        self._next = 1.0

    def watch(self, ordered: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
        for count, words in ordered:
            end = self.rank + len(words)
            while self._next <= end:
                rank = int(self._next)
                self.points.append((rank, count))
                self._next = max(rank + 1, rank * _POINTS)
            self.rank = end
            self.units += count * len(words)
            yield count, words


def _advance(
    progress: Callable[[str, int, int], None], name: str, size: int | None, read: int
) -> None:
    progress(name, read if size is None else min(read, size), size or 0)


def _plan(paths: Sequence[Place], size: int | None, shares: Shares) -> CountPlan:
    return CountPlan(
        files=len(paths),
        bytes=size,
        processes=shares.processes,
        memory=shares.memory,
        table=shares.each,
    )
