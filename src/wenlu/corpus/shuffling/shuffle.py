"""Shuffle records of files of any size; every order is equally likely."""

import secrets
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from mmap import mmap
from os import PathLike
from pathlib import Path
from threading import Condition, Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wenlu.atomic import holding
from wenlu.corpus.places import Place, Url
from wenlu.corpus.shuffling import resuming
from wenlu.corpus.shuffling.buckets import RECORD, Bucket, Buckets, Records
from wenlu.corpus.shuffling.cluster import ClusterJob, Work, plan_on_ray
from wenlu.corpus.shuffling.contents import Written, content, content_of_one
from wenlu.corpus.shuffling.fingerprint import fingerprint
from wenlu.corpus.shuffling.gather import gather, need_arrow
from wenlu.corpus.shuffling.inputs import find_inputs
from wenlu.corpus.shuffling.long_records import LongRecord, LongRecords, fingerprint_long
from wenlu.corpus.shuffling.order import Order
from wenlu.corpus.shuffling.plan import Plan, check_disk, make_plan
from wenlu.corpus.shuffling.resuming import (
    Progress,
    clear_kept,
    find_kept,
    identity_of,
    is_kept,
    tidy,
)
from wenlu.corpus.shuffling.sinks import Sink, open_sink
from wenlu.corpus.shuffling.source import Bytes, Places, Source
from wenlu.corpus.shuffling.tally import Tally
from wenlu.corpus.shuffling.target import Target, find_target
from wenlu.corpus.shuffling.workers import Turns, Workers
from wenlu.corpus.temporary import temporary_place
from wenlu.errors import ConfigError, RunError

Advance = Callable[[int, int], None]
"""How many bytes of how many are done."""

Bar = Callable[[str], AbstractContextManager[Advance]]
"""Shows how far a pass has got, by the name of the pass."""

_SEGMENT = 16 << 20  # bytes that a thread writes before it looks for more work


@dataclass(frozen=True, kw_only=True, slots=True)
class Shuffled:
    """What a shuffle came to."""

    files: tuple[str, ...]
    """What was read, in this order."""

    records: int

    bytes: int
    """Of all records, with the line ends that were added."""

    line_ends_added: tuple[str, ...]
    """Files whose last record had none."""

    empty_lines_dropped: int
    """Lines that were left out because nothing was in them."""

    fingerprint: str
    """Of the multiset of records, in and out."""

    seed: int
    passes: int
    buckets: int
    long_records: int
    """Records that were too large for a block and were copied by themselves."""
    seconds: float


def shuffle(
    inputs: Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None,
    *,
    seed: int = 0,
    memory: int = 2 * 10**9,
    threads: int | None = None,
    temp: str | PathLike[str] | None = None,
    engine: Literal["local", "ray"] = "local",
    separator: bytes = b"\n",
    group: int = 1,
    drop_empty: bool = False,
    shards: int | None = None,
    verify: bool = False,
    resume: bool = False,
    plan: Callable[[Plan], None] | None = None,
    bar: Bar | None = None,
) -> Shuffled:
    """Write the lines of files in a random order; every order is equally likely.

    The order is a function of the seed and of the number of each line, and of nothing else: not of
    the memory, the threads or the buckets. Files with equally many lines, such as the two sides of
    a parallel corpus, are put in the same order by the same seed.

    Args:
        inputs: files, in .gz or .zst too; folders, for all text files in them; URLs of such files
            or folders, also with wild cards; `-` for stdin.
        out: the file or URL to write, compressed if it ends in .gz or .zst; None for stdout.
        seed: picks the order.
        memory: bytes that the process may take.
        threads: how many; by default two where there are two processors.
        temp: folder for temporary files; by default the one of the output, or the system's if that
            is a URL or stdout.
        engine: `local`, or `ray` for tasks on a Ray cluster: then `memory` is for each of these,
            `threads` is how many run at a time, and all machines must see the files and `temp`.
        separator: the bytes that end a line.
        group: how many lines stay together; the last of a file may be fewer.
        drop_empty: leave out lines that have nothing before their separator.
        shards: write so many files with equally many records, give or take one; `out` is their
            name with a place for the number, such as `part-{:05d}.jsonl`, in a folder of their own.
        verify: hash all bytes of all records, in and out, and read the output again before it
            appears; what goes to stdout cannot be read again.
        resume: go on with a shuffle of the same inputs into the same output that was stopped, if
            there is one. It leaves its temporary files only if the inputs have more than 10 GB.
        plan: is given the plan before anything is read.
        bar: shows how far each pass has got.

    Raises:
        DataError: an input cannot be read.
        RunError: the output cannot be written.
        ConfigError: the memory is too little, or another setting does not work.
    """
    need_arrow()
    if seed < 0:
        raise ConfigError(f"seed must be 0 or more; got {seed}")
    if group < 1:
        raise ConfigError(f"group must be 1 or more lines; got {group}")
    begun = time.perf_counter()
    target = find_target(out, shards)
    found = find_inputs(inputs)
    target.check(found.files)
    folder = temporary_place(target.place, temp)
    home = None  # of the output, while it is written
    if target.place is not None:
        home = folder if isinstance(target.place, Url) else target.place.resolve().parent
    same_disk = home is not None and _device(folder) == _device(home)
    made = make_plan(
        found,
        memory=memory,
        threads=threads,
        to_file=home is not None,
        same_disk=same_disk,
        room=shutil.disk_usage(folder).free,
        separator=len(separator),
    )
    if engine == "ray":
        made = plan_on_ray(made, found, memory, threads)
    kept = None
    known = made.bytes is not None and home is not None and engine == "local"
    identity = identity_of(
        found,
        target,
        seed=seed,
        separator=separator.hex(),
        group=group,
        drop_empty=drop_empty,
        verify=verify,
    )
    if resume and not known:
        raise ConfigError(
            "only a shuffle on this machine, of files whose size is known and not to standard "
            "output, leaves anything to go on with; leave out --resume"
        )
    if resume:
        kept = find_kept(folder, target.name, identity)
        if kept is not None:
            made = replace(Plan(**kept[1]["plan"]), bytes=made.bytes)
            if memory < made.memory:
                raise ConfigError(
                    f"the shuffle that was stopped was given {made.memory / 1e6:,.0f} MB of "
                    "memory; give as much to go on with it"
                )
    if kept is None:
        large = (found.size or 0) > resuming.LEAST and made.passes > 1
        made = replace(made, resumable=known and large)
        for place in {folder, home or folder}:
            clear_kept(place, target.name, identity["output"])
    if plan is not None:
        plan(made)
    if home is not None and not (same_disk and made.passes > 1) and made.bytes is not None:
        _check_room(home, made.bytes, target)
    if kept is None:
        check_disk(made, folder if made.passes > 1 or home is None else home)
    with (
        _scratch(folder, target.name, kept[0] if kept else None) as scratch,
        Source(found.files, separator=separator, group=group, drop_empty=drop_empty) as source,
    ):
        if kept is not None:
            tidy(scratch)
        job: _Job | ClusterJob
        if engine == "ray":
            work = Work(
                separator=separator,
                group=group,
                drop_empty=drop_empty,
                seed=seed,
                bits=0,
                block=made.block,
                folder=scratch.absolute(),
                verify=verify,
            )
            job = ClusterJob(made, found, work, bar or _no_bar)
        else:
            job = _Job(made, Order(seed), source, found.size or 0, scratch, bar or _no_bar)
            job.written = Written() if verify else None
            if made.resumable:
                state = kept[1] if kept else None
                job.progress = Progress(scratch, identity, made, found.size or 0, state)
                room = shutil.disk_usage(folder).free
                job.keep = kept is not None or room > (made.disk or 0) + (made.bytes or 0)

        def finish(written: Sequence[Path], suffix: str) -> None:
            job.read.check(job.wrote)
            if job.written is not None and written:
                with job.bar("verifying") as advance:
                    job.written.compare(written, suffix, advance)

        here, parts = target.here(scratch)
        job.run(lambda: open_sink(here, parts, job.read.records, finish))
        if isinstance(target.place, Url):
            with job.bar("sending") as advance:
                target.send(scratch, advance)
        return Shuffled(
            files=tuple(map(str, found.files)),
            records=job.read.records,
            bytes=job.read.bytes,
            line_ends_added=tuple(map(str, job.unended)),
            empty_lines_dropped=job.dropped,
            fingerprint=f"{job.read.fingerprint:016x}",
            seed=seed,
            passes=job.passes,
            buckets=job.buckets,
            long_records=job.long_records,
            seconds=time.perf_counter() - begun,
        )


class _Job:
    """One shuffle."""

    def __init__(
        self, plan: Plan, order: Order, source: Source, size: int, scratch: Path, bar: Bar
    ) -> None:
        self._plan, self._order, self._source, self._size = plan, order, source, size
        self._scratch, self.bar = scratch, bar
        self.long = LongRecords(scratch / "long")
        self.read, self.wrote = Tally(), Tally()
        self.passes, self.buckets = 1, 0
        self._buffers: list[Bytes] = []
        self.written: Written | None = None
        """What was written where, if that is to be looked at again."""
        self.progress: Progress | None = None
        """Where it is written down how far it has got, if that is wanted."""
        self.keep = False
        """Whether buckets stay until the output is whole."""

    @property
    def unended(self) -> list[Place]:
        """Files whose last record had no separator."""
        return self._source.unended

    @property
    def dropped(self) -> int:
        """Empty lines that were left out."""
        return self._source.dropped

    @property
    def long_records(self) -> int:
        """Records that were copied by themselves."""
        return len(self.long.found)

    def run(self, open_it: Callable[[], AbstractContextManager[Sink]]) -> None:
        """Read, part, and write."""
        workers = Workers(self._plan.threads)
        state = self.progress.state if self.progress is not None else None
        with self.bar("reading") as advance:
            whole = self._read_whole() if self._plan.whole and state is None else None
            if state is not None or self._source.left or self.long.found:
                self.passes, self.buckets = 2, 1 << self._plan.bits
                buckets = Buckets(self._scratch, self._plan.bits)
                if state is not None:
                    self._restore(buckets, state)
                if whole is not None:
                    self._part(buckets, whole)
                del whole
                whole = None
                room = max(self._plan.block, self._plan.bucket)  # touched only where it is used
                self._buffers = [np.empty(room, np.uint8) for _ in range(workers.count)]
                self._part_all(buckets, workers, advance)
                if self.progress is not None:
                    if self.keep:
                        self._save(buckets)
                    else:
                        self.progress.end()
        if whole is not None:
            self.read.add(
                len(whole.numbers), len(whole.data), fingerprint(whole.data, whole.bounds)
            )
            self._add_content(whole)
        with open_it() as sink, self.bar("writing") as advance:
            if whole is not None:
                self._write_whole(whole, workers, sink, advance)
            elif self.passes > 1:
                self._write_buckets(buckets.close(), workers, sink, advance)

    def _read_whole(self) -> Records:
        """As much as may be all."""
        most = (self._plan.free - self._plan.whole) // RECORD
        # Not NumPy's own memory: that asks for huge pages, which the system may be slow to find.
        buffer = np.frombuffer(mmap(-1, self._plan.whole), np.uint8)
        return self._records(buffer, self._source.fill(buffer, most), 0)

    def _records(self, buffer: Bytes, ends: Places, first: int) -> Records:
        bounds = np.concatenate([[0], ends])
        return Records(buffer[: bounds[-1]], bounds, self._order.numbers(first, len(ends)))

    def _save(self, buckets: Buckets) -> None:
        """Write down how far it has got; no block may be on its way."""
        assert self.progress is not None
        state = {
            "source": self._source.state(),
            "read": self.read.state(),
            "buckets": buckets.state(),
            "long": self.long.state(),
        }
        self.progress.save(state, self._source.carry, self._source.read)

    def _restore(self, buckets: Buckets, state: dict[str, Any]) -> None:
        assert self.progress is not None
        buckets.restore(state["buckets"])
        self.long.restore(state["long"])
        self.read.restore(state["read"])
        self._source.restore(state["source"], self.progress.carry())

    def _part_all(self, buckets: Buckets, workers: Workers, advance: Advance) -> None:
        """The first pass: blocks of records to their buckets."""
        reading, parting = Lock(), Condition()
        busy = 0  # blocks on their way to the buckets

        def save() -> None:
            with parting:
                while busy:
                    workers.check()
                    parting.wait(0.2)
            workers.check()
            self._save(buckets)

        def work() -> None:
            nonlocal busy
            buffer = self._buffers.pop()
            while True:
                with reading:
                    workers.check()
                    if self.progress is not None and self.progress.is_due(self._source.read):
                        save()
                    first = self._source.records
                    ends = self._source.fill(buffer[: self._plan.block], self._plan.most)
                    if not len(ends):
                        if not self._source.left:
                            self._buffers.append(buffer)
                            return
                        self._keep_long(first, buffer, workers)
                    advance(self._source.read, self._size)
                    with parting:
                        busy += 1
                try:
                    if len(ends):
                        self._part(buckets, self._records(buffer, ends, first))
                finally:
                    with parting:
                        busy -= 1
                        parting.notify_all()

        workers.run(work)

    def _part(self, buckets: Buckets, block: Records) -> None:
        """Put a block into buckets; what no bucket could hold, by itself."""
        longest = self._plan.block
        lengths = np.diff(block.bounds)
        for which in np.flatnonzero(lengths > longest).tolist():
            piece = block.data.data[int(block.bounds[which]) : int(block.bounds[which + 1])]
            self._count_long(self.long.add(int(block.numbers[which]), [piece]))
        kept = lengths <= longest
        self._add_content(block, kept)
        self.read.add(
            int(kept.sum()),
            int(lengths[kept].sum()),
            fingerprint(block.data, block.bounds, kept),
        )
        buckets.add(block, longest)

    def _keep_long(self, first: int, buffer: Bytes, workers: Workers) -> None:
        number = int(self._order.numbers(first, 1)[0])

        def pieces() -> Iterator[memoryview]:
            for piece in self._source.long_record(buffer):
                workers.check()
                yield piece

        self._count_long(self.long.add(number, pieces()))

    def _count_long(self, record: LongRecord) -> None:
        self.read.add(1, record.length, record.fingerprint)
        self.read.add_content(content_of_one(record.length, record.crc))

    def _write_whole(
        self, records: Records, workers: Workers, sink: Sink, advance: Advance
    ) -> None:
        """All records, which are in memory."""
        count = len(records.numbers)
        order, ends = _sort(records)
        cuts = np.searchsorted(ends, np.arange(0, len(records.data), _SEGMENT), "right")
        cuts = np.unique(np.append(cuts, count)).tolist()
        todo = iter(range(len(cuts) - 1))
        picking, turns = Lock(), Turns(workers)

        def work() -> None:
            while True:
                with picking:
                    segment = next(todo, None)
                if segment is None:
                    return
                part = slice(cuts[segment], cuts[segment + 1])
                if not sink.any_order:
                    turns.wait(segment)
                self._write(records, order, ends, part, 0, 0, workers, sink)
                begin = int(ends[part.start - 1]) if part.start else 0
                sink.settle(begin, int(ends[part.stop - 1]) - begin)
                turns.done(segment)
                advance(self.wrote.bytes, self.read.bytes)

        workers.run(work)

    def _write_buckets(
        self, buckets: list[Bucket], workers: Workers, sink: Sink, advance: Advance
    ) -> None:
        """The second pass: bucket after bucket, sorted in memory."""
        sizes = [b.bytes + sum(one.length for one in self._long_of(b)) for b in buckets]
        counts = [b.records + len(self._long_of(b)) for b in buckets]
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        firsts = np.concatenate([[0], np.cumsum(counts)]).tolist()
        todo = iter(range(len(buckets)))
        picking, turns = Lock(), Turns(workers)

        def work() -> None:
            buffer = self._buffers.pop()
            while True:
                with picking:
                    number = next(todo, None)
                if number is None:
                    return

                def ready(number: int = number) -> None:
                    if not sink.any_order:
                        turns.wait(number)

                place = starts[number], firsts[number]
                self._write_bucket(buckets[number], place, buffer, workers, sink, ready)
                turns.done(number)
                advance(self.wrote.bytes, self.read.bytes)

        workers.run(work)

    def _write_bucket(
        self,
        bucket: Bucket,
        place: tuple[int, int],
        buffer: Bytes,
        workers: Workers,
        sink: Sink,
        ready: Callable[[], None],
    ) -> tuple[int, int]:
        """Write a bucket that begins at some byte and record of the output; where it ends."""
        workers.check()
        at, first = place
        if bucket.memory > self._plan.bucket and bucket.records > 1:
            for inner in self._part_again(bucket, buffer, workers):
                place = self._write_bucket(inner, place, buffer, workers, sink, ready)
            return place
        longs = sorted(self._long_of(bucket))
        if not bucket.records and not longs:
            ready()
            return place
        if bucket.records:
            records = bucket.read(buffer)
            self._remove(bucket)
        else:
            records = Records(buffer[:0], np.zeros(1, np.int64), np.empty(0, np.uint64))
        order, ends = _sort(records)
        before = 0
        ready()
        if longs:
            numbers = records.numbers[order]
            for one in longs:
                after = int(np.searchsorted(numbers, np.uint64(one.number)))
                part = slice(before, after)
                self._write(records, order, ends, part, at, first, workers, sink)
                end = at + (int(ends[after - 1]) if after else 0)
                self._write_long(one, end, first + after, workers, sink)
                at += one.length
                first += 1
                before = after
        rest = slice(before, len(order))
        self._write(records, order, ends, rest, at, first, workers, sink)
        end = at + len(records.data)
        sink.settle(place[0], end - place[0])
        return end, first + len(order)

    def _part_again(self, bucket: Bucket, buffer: Bytes, workers: Workers) -> list[Bucket]:
        """A bucket that is too large for memory, as several."""
        bits = min(8, 64 - bucket.depth, (2 * bucket.memory // self._plan.bucket).bit_length())
        parts = Buckets(self._scratch, bits, bucket)
        for block in bucket.read_blocks(buffer[: self._plan.block], self._plan.most):
            workers.check()
            parts.add(block)
        self._remove(bucket)
        return parts.close()

    def _remove(self, bucket: Bucket) -> None:
        """Free the disk, unless somebody may have to go on with this bucket."""
        if not self.keep or bucket.depth > self._plan.bits:
            bucket.remove()

    def _write(
        self,
        records: Records,
        order: NDArray[np.int64],
        ends: Places,
        part: slice,
        at: int,
        first: int,
        workers: Workers,
        sink: Sink,
    ) -> None:
        """Write some records; `order` and `ends` begin with record `first`, at byte `at`."""
        start = int(ends[part.start - 1]) if part.start else 0
        relative = ends[part] - start
        for piece in gather(records.data, records.bounds, order[part], relative):
            workers.check()
            bounds = np.concatenate([[0], relative[piece.records] - piece.at])
            which = first + part.start + piece.records.start
            sink.write(piece.data, at + start + piece.at, which, bounds)
            data = np.frombuffer(piece.data, np.uint8)
            self.wrote.add(len(bounds) - 1, len(data), fingerprint(data, bounds))
            if self.written is not None:
                self.wrote.add_content(content(data, bounds))
                self.written.add(at + start + piece.at, piece.data)

    def _write_long(
        self, record: LongRecord, at: int, first: int, workers: Workers, sink: Sink
    ) -> None:
        crc = 0
        for piece in self.long.read(record):
            workers.check()
            crc = zlib.crc32(piece, crc)
            sink.write(piece, at, first, None)
            if self.written is not None:
                self.written.add(at, piece)
            at += len(piece)
        self.wrote.add(1, record.length, fingerprint_long(record.length, crc))
        self.wrote.add_content(content_of_one(record.length, crc))

    def _long_of(self, bucket: Bucket) -> list[LongRecord]:
        return [one for one in self.long.found if bucket.holds(one.number)]

    def _add_content(self, block: Records, counted: NDArray[np.bool_] | None = None) -> None:
        if self.written is not None:
            self.read.add_content(content(block.data, block.bounds, counted))


def _sort(records: Records) -> tuple[NDArray[np.int64], Places]:
    """Which record comes first, second, ..., and where they end then."""
    order = np.argsort(records.numbers)
    return order, np.cumsum(np.diff(records.bounds)[order])


def _check_room(folder: Path, size: int, target: Target) -> None:
    room = shutil.disk_usage(folder).free
    if not target.compressed and size > room:
        raise RunError(
            f"not enough room in {folder}: about {size / 1e6:,.1f} MB are needed and "
            f"{room / 1e6:,.1f} MB are free. Nothing was written; free some space."
        )


def _device(folder: Path) -> int:
    return folder.stat().st_dev


@contextmanager
def _scratch(folder: Path, name: str, kept: Path | None) -> Iterator[Path]:
    """A hidden folder for temporary files, which is gone in the end.

    If something comes between, and it can be gone on with, then it stays.

    Args:
        folder: where it is.
        name: of the output.
        kept: the one of an earlier shuffle that is gone on with.
    """
    scratch = kept or folder / f".{name[:32]}.{secrets.token_hex(6)}.tmp"
    stays = False
    try:
        scratch.mkdir(mode=0o700, exist_ok=kept is not None)
        with holding(scratch):
            try:
                yield scratch
            except BaseException as error:
                stays = is_kept(scratch)
                if stays:
                    error.add_note(
                        f"What was done until then is kept in {scratch}: the same command with "
                        "--resume goes on with it, and without it begins anew."
                    )
                raise
    except OSError as error:
        if error.filename == str(scratch):
            raise RunError(f"cannot write in {folder}: {error.strerror}") from error
        raise
    finally:
        if not stays:
            shutil.rmtree(scratch, ignore_errors=True)


def _no_bar(_: str) -> AbstractContextManager[Advance]:
    return nullcontext(lambda _done, _total: None)
