"""A shuffle as tasks on a Ray cluster, by the same numbers and buckets as on one machine.

A record is sorted by the number that the seed gives to its place among all records, so what comes
out is the same, byte for byte, wherever the work is done. First the separators are counted, so that
each task knows which records are its own. Then tasks read ranges of records and write them, block
by block and in the order of their buckets, to files in a folder that all machines share. At last a
task gathers what belongs to a bucket from these files and sorts it, and hands it to the program
that was started, which writes the buckets one after the other.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wenlu.corpus.places import STDIN, Place
from wenlu.corpus.shuffling.bars import Bar
from wenlu.corpus.shuffling.buckets import RECORD, SIDE, Records
from wenlu.corpus.shuffling.contents import Written, content
from wenlu.corpus.shuffling.fingerprint import fingerprint
from wenlu.corpus.shuffling.gather import gather
from wenlu.corpus.shuffling.inputs import Inputs
from wenlu.corpus.shuffling.order import Order
from wenlu.corpus.shuffling.plan import Plan
from wenlu.corpus.shuffling.ranges import Counted, Piece, Range, count, cut, ranges
from wenlu.corpus.shuffling.separators import Separator
from wenlu.corpus.shuffling.sinks import Sink
from wenlu.corpus.shuffling.source import Bytes, Places, Source
from wenlu.corpus.shuffling.tally import Tally
from wenlu.errors import ConfigError, DataError, MissingExtraError, RunError, WenluError

START = 250_000_000
"""Bytes that a worker takes before it has read anything: Ray, Python, numpy, Arrow."""

_LEAST = 100_000_000
_LEAST_PIECE = 1 << 20
_BUCKET = 32 << 20
_MOST_BITS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What all tasks must know."""

    separator: bytes
    group: int
    drop_empty: bool
    seed: int
    bits: int
    block: int
    """Bytes of records that a task reads at a time."""
    folder: Path
    verify: bool


class Part(NamedTuple):
    """A block of records in a file, in the order of their buckets."""

    path: Path
    bytes: Places
    """Where the bytes of each bucket begin, and where the last one's end."""
    records: Places
    """The same for records."""


class Scattered(NamedTuple):
    """What a task has read and written."""

    parts: list[Part]
    records: int
    bytes: int
    fingerprint: int
    content: int
    unended: bool
    """Whether a separator was added to the last record."""


class Slice(NamedTuple):
    """What a file has of a bucket."""

    path: Path
    at: int
    bytes: int
    side: int
    """Where the numbers and lengths of its records stand."""
    records: int


def plan_on_ray(plan: Plan, inputs: Inputs, memory: int, threads: int | None) -> Plan:
    """How the work of a plan is shared on a cluster, which is joined or begun.

    Args:
        plan: how it would be done here.
        inputs: what is read.
        memory: bytes that each task may take.
        threads: how many tasks may run at a time; None for as many as there are processors.
    """
    if STDIN in inputs.files:
        raise ConfigError("standard input cannot be read by other machines; give files or URLs")
    free = memory - START
    if free < _LEAST:
        raise ConfigError(
            f"{memory / 1e6:,.0f} MB of memory for each task is too little; give at least "
            f"{(START + _LEAST) / 1e6:,.0f} MB"
        )
    tasks = threads or max(1, int(_ray().cluster_resources().get("CPU", 1)))
    return replace(
        plan,
        engine="ray",
        threads=tasks,
        passes=2,
        whole=0,
        block=free // 4,
        most=free // 4 // RECORD,
        bucket=free // 4,
    )


class ClusterJob:
    """One shuffle on a cluster.

    Args:
        plan: what `plan_on_ray` has made.
        inputs: what is read.
        work: what all tasks must know, but for the number of buckets.
        bar: shows how far each pass has got.
    """

    def __init__(self, plan: Plan, inputs: Inputs, work: Work, bar: Bar) -> None:
        self._plan, self._inputs, self._work, self.bar = plan, inputs, work, bar
        self.read, self.wrote = Tally(), Tally()
        self.passes, self.buckets, self.long_records, self.dropped = 2, 0, 0, 0
        self.unended: list[Place] = []
        self.written = Written() if work.verify else None

    def run(self, open_it: Callable[[], AbstractContextManager[Sink]]) -> None:
        """Count, part, and write."""
        ray, work = _ray(), self._work
        with _clear_errors(ray):
            found, size = self._ranges(ray)
            most = 0.8 * min(self._plan.bucket, max(_BUCKET, size / (2 * self._plan.threads)))
            needed = size + RECORD * sum(one.records for one in found)
            bits = max(0, int(needed / most - 1e-9)).bit_length()
            self._work = work = replace(work, bits=min(_MOST_BITS, bits))
            self.buckets = 1 << work.bits
            parts = self._scatter(ray, found, size)
            with open_it() as sink, self.bar("writing") as advance:
                self._gather(ray, parts, sink, advance)

    def _ranges(self, ray: Any) -> tuple[list[Range], int]:  # noqa: ANN401
        """What each task is to read, and the bytes of all."""
        separator = Separator(self._work.separator)
        known = self._inputs.size or 0
        most = max(_LEAST_PIECE, min(self._plan.block, known // (4 * self._plan.threads) + 1))
        pairs = zip(self._inputs.files, self._inputs.sizes, strict=True)
        pieces: list[Piece] = []
        for path, size in pairs:
            pieces += cut(_absolute(path), size, most, separator)
        task = ray.remote(_count)
        counted: list[Counted] = []
        with self.bar("counting") as advance:
            for one in self._in_turn(ray, (task.remote(p, separator) for p in pieces)):
                counted.append(one)
                advance(known * len(counted) // len(pieces), known)
        found, size, self.dropped = ranges(
            pieces, counted, separator, self._work.group, self._work.drop_empty
        )
        return found, size

    def _scatter(self, ray: Any, found: Sequence[Range], size: int) -> list[Part]:  # noqa: ANN401
        """The first pass: records to their buckets."""
        task = ray.remote(_scatter)
        parts: list[Part] = []
        tasks = (task.remote(one, number, self._work) for number, one in enumerate(found))
        with self.bar("reading") as advance:
            for one, result in zip(found, self._in_turn(ray, tasks), strict=True):
                parts += result.parts
                self.read.add(result.records, result.bytes, result.fingerprint)
                self.read.add_content(result.content)
                if result.unended:
                    self.unended.append(one.path)
                advance(self.read.bytes, size)
        return parts

    def _gather(
        self,
        ray: Any,  # noqa: ANN401
        parts: list[Part],
        sink: Sink,
        advance: Callable[[int, int], None],
    ) -> None:
        """The second pass: bucket after bucket, sorted."""
        task = ray.remote(_gather)
        tasks = (task.remote(_slices(parts, n), self._work) for n in range(self.buckets))
        at = first = 0
        for data, lengths in self._in_turn(ray, tasks):
            bounds = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
            sink.write(data.data, at, first, bounds)
            sink.settle(at, len(data))
            self.wrote.add(len(lengths), len(data), fingerprint(data, bounds) if len(data) else 0)
            if self.written is not None:
                self.wrote.add_content(content(data, bounds))
                self.written.add(at, data.data)
            at, first = at + len(data), first + len(lengths)
            advance(at, self.read.bytes)

    def _in_turn(self, ray: Any, tasks: Iterator[Any]) -> Iterator[Any]:  # noqa: ANN401
        """What tasks come to, in their order; so many run at a time as the plan says."""
        running = deque(islice(tasks, self._plan.threads))
        try:
            while running:
                result = ray.get(running[0])
                if isinstance(result, WenluError):
                    raise result
                running.popleft()
                running.extend(islice(tasks, 1))
                yield result
        finally:
            for one in running:
                ray.cancel(one, force=True)


def _count(piece: Piece, separator: Separator) -> Counted | WenluError:
    try:
        return count(piece, separator)
    except WenluError as error:
        return _told(error)


def _scatter(one: Range, number: int, work: Work) -> Scattered | WenluError:
    """Read a range of records, and write them in the order of their buckets."""
    try:
        return _scatter_all(one, number, work)
    except WenluError as error:
        return _told(error)
    except OSError as error:
        return _unreachable(work.folder, error)


def _scatter_all(one: Range, number: int, work: Work) -> Scattered:
    source = Source(
        [one.path], separator=work.separator, group=work.group, drop_empty=work.drop_empty
    )
    order, buffer = Order(work.seed), np.empty(work.block, np.uint8)
    found = Scattered([], 0, 0, 0, 0, unended=False)
    with source:
        source.begin(one.offset, one.open_lines)
        if one.open_lines:
            _fill(source, buffer, 1, one)
        while found.records < one.records:
            most = min(work.block // RECORD, one.records - found.records)
            ends = _fill(source, buffer, most, one)
            numbers = order.numbers(one.first + found.records, len(ends))
            block = Records(buffer[: ends[-1]], np.concatenate([[0], ends]), numbers)
            path = work.folder / f"{number}-{len(found.parts)}"
            found = found._replace(
                parts=[*found.parts, _write(path, block, work.bits)],
                records=found.records + len(ends),
                bytes=found.bytes + len(block.data),
                fingerprint=found.fingerprint + fingerprint(block.data, block.bounds),
                content=found.content + (content(block.data, block.bounds) if work.verify else 0),
            )
        return found._replace(unended=bool(source.unended))


def _fill(source: Source, buffer: Bytes, most: int, one: Range) -> Places:
    ends = source.fill(buffer, most)
    if not len(ends):
        problem = (
            f"a record has more than {len(buffer) / 1e6:,.0f} MB, which is too much for a task; "
            "give more --memory, or take --engine local, where a record may have any length"
            if source.left
            else "the file has changed while it was read"
        )
        raise DataError(problem, file=one.path)
    return ends


def _write(path: Path, block: Records, bits: int) -> Part:
    """A block of records in the order of their buckets."""
    picks = (block.numbers >> np.uint64(63 - bits)) >> np.uint64(1)  # never by 64
    order = np.argsort(picks, kind="stable")
    lengths = np.diff(block.bounds)[order]
    ends = np.cumsum(lengths)
    side = np.empty(len(order), SIDE)
    side["number"], side["length"] = block.numbers[order], lengths
    last = np.cumsum(np.bincount(picks.astype(np.int64), minlength=1 << bits))
    with path.open("wb", buffering=0) as file:
        for piece in gather(block.data, block.bounds, order, ends):
            _write_all(file, piece.data)
        _write_all(file, side.view(np.uint8).data)
        os.fsync(file.fileno())  # another machine is to read it
    records = np.concatenate([[0], last])
    return Part(path, np.concatenate([[0], ends])[records], records)


def _write_all(file: Any, data: memoryview) -> None:  # noqa: ANN401
    while data:
        data = data[file.write(data) :]


def _slices(parts: list[Part], bucket: int) -> list[Slice]:
    """Where the records of a bucket are."""
    found = []
    for part in parts:
        begin, end = part.bytes[bucket : bucket + 2].tolist()
        first, last = part.records[bucket : bucket + 2].tolist()
        if last > first:
            side = int(part.bytes[-1]) + first * SIDE.itemsize
            found.append(Slice(part.path, begin, end - begin, side, last - first))
    return found


def _gather(slices: list[Slice], work: Work) -> tuple[Bytes, Places] | WenluError:
    """The records of a bucket, sorted, and how long each is."""
    data = np.empty(sum(one.bytes for one in slices), np.uint8)
    side = np.empty(sum(one.records for one in slices), SIDE)
    at = first = 0
    try:
        for one in slices:
            with one.path.open("rb", buffering=0) as file:
                _read_at(file, one.at, data[at : at + one.bytes].data)
                _read_at(file, one.side, side[first : first + one.records].view(np.uint8).data)
            at, first = at + one.bytes, first + one.records
    except OSError as error:
        return _unreachable(work.folder, error)
    bounds = np.concatenate([[0], np.cumsum(side["length"], dtype=np.int64)])
    order = np.argsort(side["number"])
    lengths = np.diff(bounds)[order]
    ends = np.cumsum(lengths)
    out = np.empty(len(data), np.uint8)
    for piece in gather(data, bounds, order, ends):
        out[piece.at : piece.at + len(piece.data)] = np.frombuffer(piece.data, np.uint8)
    return out, lengths


def _read_at(file: Any, at: int, view: memoryview) -> None:  # noqa: ANN401
    file.seek(at)
    while view:
        count = file.readinto(view)
        if not count:
            raise OSError(None, "a temporary file has become shorter")
        view = view[count:]


def _told(error: WenluError) -> WenluError:
    """An error that can be sent: one argument, and no cause that the other side may not know."""
    return DataError(str(error)) if isinstance(error, DataError) else RunError(str(error))


def _unreachable(folder: Path, error: OSError) -> RunError:
    name = os.uname().nodename
    return RunError(
        f"the temporary files in {folder.parent} cannot be written or read on {name}: "
        f"{error.strerror}. Is that folder on a disk that all machines share, with room on it? "
        "Give another one as --temp. Nothing was written"
    )


def _absolute(path: Place) -> Place:
    return path.absolute() if isinstance(path, Path) else path


def _ray() -> Any:  # noqa: ANN401
    """Ray, joined to the cluster that RAY_ADDRESS names or that runs here, or else begun here."""
    try:
        import ray
    except ImportError:
        raise MissingExtraError("ray", "ray", "--engine ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return ray


@contextmanager
def _clear_errors(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """What Ray raises when a machine or a worker is lost, as one of our errors."""
    try:
        yield
    except ray.exceptions.RayError as error:
        text = " ".join(str(error).split())[:500]
        raise RunError(f"Ray could not do the work: {text}. Nothing was written.") from error
