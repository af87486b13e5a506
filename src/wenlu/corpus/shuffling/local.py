"""A shuffle on this machine: in memory, or in two passes over buckets on the disk."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from mmap import mmap
from pathlib import Path
from threading import Condition, Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wenlu.corpus.places import Place
from wenlu.corpus.shuffling.bars import Advance, Bar
from wenlu.corpus.shuffling.buckets import RECORD, Bucket, Buckets, Records
from wenlu.corpus.shuffling.contents import Written, content, content_of_one
from wenlu.corpus.shuffling.fingerprint import fingerprint
from wenlu.corpus.shuffling.gather import gather
from wenlu.corpus.shuffling.long_records import LongRecord, LongRecords, fingerprint_long
from wenlu.corpus.shuffling.order import Order
from wenlu.corpus.shuffling.plan import Plan
from wenlu.corpus.shuffling.resuming import Progress
from wenlu.corpus.shuffling.sinks import Sink
from wenlu.corpus.shuffling.source import Bytes, Places, Source
from wenlu.corpus.shuffling.tally import Tally
from wenlu.corpus.shuffling.workers import Turns, Workers

_SEGMENT = 16 << 20  # bytes that a thread writes before it looks for more work


class LocalJob:
    """One shuffle, by the threads of this process."""

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
