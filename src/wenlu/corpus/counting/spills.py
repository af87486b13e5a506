"""Tables of words and counts that do not fit into memory: sorted runs on the disk, and merging.

A run is a file of records, sorted by word in the order of code points, each word once. It is made
of blocks: how many words, how many bytes, the words with a line feed between them, the counts. No
word may have a line feed in it.
"""

import heapq
import struct
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, repeat
from pathlib import Path
from typing import IO

import numpy as np

Counts = tuple[list[str], list[int]]
"""Words, and how often each came."""

ENTRY = 110
"""Bytes that an entry of a table takes beside its word: its place, its count, and sorting it."""

_HEADER = struct.Struct("<QQ")
_BLOCK = 1 << 16  # bytes of words
_BLOCK_IN_MEMORY = 64 * _BLOCK  # a hanzi takes 80 bytes there and 4 on the disk; sums take more
_MOST_FILES = 128


def write_run(path: Path, table: Mapping[str, int]) -> None:
    """Write a table as a run; what is white space is left out."""
    words = sorted(word for word in table if not word.isspace())
    write_records(path, _pieces(words, table))


def write_records(path: Path, records: Iterable[Counts]) -> None:
    """Write words that come sorted."""
    with path.open("xb") as file:
        for words, counts in records:
            _write(file, words, counts)


def read_records(path: Path, progress: Callable[[int], None] | None = None) -> Iterator[Counts]:
    """The blocks of a run."""
    with path.open("rb") as file:
        while header := file.read(_HEADER.size):
            number, size = _HEADER.unpack(header)
            words = file.read(size).decode().split("\n")
            if progress is not None:
                progress(_HEADER.size + size + 8 * number)
            yield words, np.frombuffer(file.read(8 * number), np.int64).tolist()


def merge_runs(
    runs: Sequence[Path], memory: int, progress: Callable[[int], None] | None = None
) -> Iterator[Counts]:
    """The words of all runs, sorted, each once with the sum of its counts; the runs are removed.

    Args:
        runs: at least one is read at a time; what is left of them goes into new ones beside them.
        memory: bytes to use, about.
        progress: is told how many bytes of runs have been read since it was told last.
    """
    waiting = sorted(runs)
    at_once = _files_at_once(memory)
    number = 0
    while len(waiting) > at_once:
        some, waiting = waiting[:at_once], waiting[at_once:]
        merged = some[0].with_name(f"merged-{number:06d}")
        write_records(merged, _split(_merge(some, None)))
        for run in some:
            run.unlink()
        waiting.append(merged)
        number += 1
    yield from _merge(waiting, progress)


def by_count(
    merged: Iterable[Counts], folder: Path, memory: int, top: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """The most frequent words first: a count, and words that have it, in the order they came in.

    Args:
        merged: words in the order of code points, as `merge_runs` gives them.
        folder: where runs go if the words do not fit into memory.
        memory: bytes to use, about.
        top: only so many words.
    """
    runs: list[Path] = []
    words: list[str] = []
    counts: list[int] = []
    size = number = 0
    at_once = _files_at_once(memory)
    for some, times in merged:
        words += some
        counts += times
        size += sum(map(sys.getsizeof, some)) + ENTRY * len(some)
        if size > memory:
            words, counts = _order(words, counts, top)
            size = sum(map(sys.getsizeof, words)) + ENTRY * len(words)
            if size > memory // 2:
                number += 1
                runs.append(folder / f"ordered-{number:06d}")
                write_records(runs[-1], _split([(words, counts)]))
                words, counts, size = [], [], 0
                if len(runs) == at_once:
                    number += 1
                    joined = folder / f"ordered-{number:06d}"
                    write_records(joined, _split(_gathered(_ordered_groups(runs))))
                    for run in runs:
                        run.unlink()
                    runs = [joined]
            elif top is not None:  # so that equals stay in the order of their code points
                words, counts = _by_word(words, counts)
    last = _order(words, counts, top)
    del words, counts
    left = sys.maxsize if top is None else top
    for count, found in _ordered_groups(runs, last):
        if left <= 0:
            break
        yield count, found[:left]
        left -= len(found)


def _order(words: list[str], counts: list[int], top: int | None) -> Counts:
    order = np.argsort(-np.array(counts, dtype=np.int64), kind="stable")[:top].tolist()
    return [words[i] for i in order], [counts[i] for i in order]


def _by_word(words: list[str], counts: list[int]) -> Counts:
    order = sorted(range(len(words)), key=words.__getitem__)
    return [words[i] for i in order], [counts[i] for i in order]


def _falling(group: tuple[int, list[str]]) -> int:
    return -group[0]


def _groups(records: Iterable[Counts]) -> Iterator[tuple[int, list[str]]]:
    """Words of equal count, of one block."""
    for words, counts in records:
        start = 0
        for count, same in groupby(counts):
            end = start + sum(1 for _ in same)
            yield count, words[start:end]
            start = end


def _ordered_groups(
    runs: Sequence[Path], last: Counts | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Runs that hold rising ranges of words; the merge is stable, so equals stay in their order."""
    groups = [_groups(read_records(run)) for run in runs]
    if last is not None:
        groups.append(_groups([last]))
    return heapq.merge(*groups, key=_falling)


def _gathered(groups: Iterable[tuple[int, list[str]]]) -> Iterator[Counts]:
    """Groups as blocks."""
    words: list[str] = []
    counts: list[int] = []
    for count, some in groups:
        words += some
        counts += repeat(count, len(some))
        if len(words) >= _BLOCK // 16:
            yield words, counts
            words, counts = [], []
    yield words, counts


def _files_at_once(memory: int) -> int:
    return min(_MOST_FILES, max(2, memory // _BLOCK_IN_MEMORY - 1))


def _merge(runs: Sequence[Path], progress: Callable[[int], None] | None) -> Iterator[Counts]:
    """Range by range: what no block that is still to come can have a word of is summed."""
    readers = [read_records(run, progress) for run in runs]
    held: dict[int, Counts] = {}
    for number in range(len(readers)):
        _refill(readers, held, number)
    while held:
        if len(held) == 1:  # nothing to sum any more
            number, block = held.popitem()
            yield block
            _refill(readers, held, number)
            continue
        bound = min(words[-1] for words, _ in held.values())
        table: dict[str, int] = {}
        for number, (words, counts) in list(held.items()):
            end = bisect_right(words, bound)
            if not table:
                table = dict(zip(words[:end], counts[:end], strict=True))
            else:
                known = table.get
                for word, count in zip(words[:end], counts[:end], strict=True):
                    table[word] = known(word, 0) + count
            if end == len(words):
                del held[number]
                _refill(readers, held, number)
            else:
                held[number] = (words[end:], counts[end:])
        found = sorted(table)
        yield found, [table[word] for word in found]


def _refill(readers: list[Iterator[Counts]], held: dict[int, Counts], number: int) -> None:
    block = next(readers[number], None)
    if block is not None:
        held[number] = block


def _write(file: IO[bytes], words: list[str], counts: list[int]) -> None:
    if not words:
        return
    text = "\n".join(words).encode()
    file.write(_HEADER.pack(len(words), len(text)))
    file.write(text)
    file.write(np.array(counts, dtype=np.int64).tobytes())


def _pieces(words: list[str], table: Mapping[str, int]) -> Iterator[Counts]:
    """Blocks of about the right size, with counts from a table."""
    for start, end in _bounds(words):
        some = words[start:end]
        yield some, [table[word] for word in some]


def _split(records: Iterable[Counts]) -> Iterator[Counts]:
    for words, counts in records:
        for start, end in _bounds(words):
            yield words[start:end], counts[start:end]


def _bounds(words: list[str]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for place, length in enumerate(map(len, words)):
        size += length + 1
        if 3 * size > _BLOCK:
            yield start, place + 1
            start, size = place + 1, 0
    if start < len(words):
        yield start, len(words)
