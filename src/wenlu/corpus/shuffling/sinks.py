"""Where shuffled records go."""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Protocol, runtime_checkable

from wenlu.atomic import atomic_folder, atomic_write
from wenlu.corpus.compressed import COMPRESSIONS
from wenlu.corpus.shuffling.buckets import write_at
from wenlu.corpus.shuffling.source import Places

Finish = Callable[[Sequence[Path], str], None]
"""Is given the files, and the suffix that says how they are compressed, before they appear."""


@runtime_checkable
class Sink(Protocol):
    """Takes the shuffled bytes."""

    any_order: bool
    """Whether threads may write at several places at once; else bytes come in their order."""

    def write(self, data: memoryview, at: int, first: int, bounds: Places | None) -> None:
        """Take some records.

        Args:
            data: their bytes.
            at: where these begin in the output.
            first: the number of the first record in the output.
            bounds: where each begins in `data`, and at last where the last one ends; None if the
                bytes are a part of a record only.
        """

    def settle(self, at: int, size: int) -> None:
        """Know that these bytes are all there."""


class FileSink:
    """A file on the disk."""

    any_order = True

    def __init__(self, file: int) -> None:
        self._file = file

    def write(self, data: memoryview, at: int, first: int, bounds: Places | None) -> None:  # noqa: ARG002
        write_at(self._file, data, at)

    def settle(self, at: int, size: int) -> None:
        if hasattr(os, "posix_fadvise"):  # Linux begins to write, so that less is left for the end
            os.posix_fadvise(self._file, at, size, os.POSIX_FADV_DONTNEED)


class StreamSink:
    """Anything that bytes can be written to one after the other."""

    any_order = False

    def __init__(self, file: Any) -> None:  # noqa: ANN401
        self._file = file

    def write(self, data: memoryview, at: int, first: int, bounds: Places | None) -> None:  # noqa: ARG002
        while data:
            data = data[self._file.write(data) :]

    def settle(self, at: int, size: int) -> None:
        pass


class ShardSink:
    """Several files, one after the other, with equally many records, give or take one.

    Args:
        paths: the files.
        records: how many there are for all of them.
    """

    any_order = False

    def __init__(self, paths: Sequence[Path], records: int) -> None:
        self._paths = paths
        self._last = [records * (number + 1) // len(paths) for number in range(len(paths))]
        self._shard = -1
        self._open = ExitStack()
        self._file = StreamSink(None)

    def write(self, data: memoryview, at: int, first: int, bounds: Places | None) -> None:
        if bounds is None:
            self._reach(first)
            self._file.write(data, at, first, None)
            return
        done, count = 0, len(bounds) - 1
        while done < count:
            self._reach(first + done)
            after = min(count, self._last[self._shard] - first)
            part = data[int(bounds[done]) : int(bounds[after])]
            self._file.write(part, at, first + done, None)
            done = after

    def settle(self, at: int, size: int) -> None:
        pass

    def close(self) -> None:
        """Write what has been held back, and the files that no record is left for."""
        while self._shard + 1 < len(self._paths):
            self._next()
        self._open.close()

    def _reach(self, record: int) -> None:
        while self._shard < 0 or record >= self._last[self._shard]:
            self._next()

    def _next(self) -> None:
        self._open.close()
        self._shard += 1
        path = self._paths[self._shard]
        file = self._open.enter_context(path.open("wb", buffering=0))
        self._file = StreamSink(self._open.enter_context(_compressed(path.suffix, file)))


@contextmanager
def open_sink(
    out: Path | None, shards: Sequence[Path], records: int, finish: Finish
) -> Iterator[Sink]:
    """A file, or a folder of shards, that appears when all is written; or stdout.

    Args:
        out: the file, compressed if its name says so; None for stdout.
        shards: files instead of that one.
        records: how many will come.
        finish: is called when all is written, before anything appears.
    """
    if shards:
        with atomic_folder(shards[0].parent) as folder:
            paths = [folder / path.name for path in shards]
            sink = ShardSink(paths, records)
            try:
                yield sink
            finally:
                sink.close()
            finish(paths, paths[0].suffix)
        return
    if out is None:
        with open(1, "wb", buffering=0, closefd=False) as stdout:
            yield StreamSink(stdout)
        finish([], "")
        return
    with atomic_write(out, "wb") as file:
        if out.suffix.lower() in COMPRESSIONS:
            with _compressed(out.suffix, file) as packed:
                yield StreamSink(packed)
            file.flush()
        else:
            yield FileSink(file.fileno())
        finish([Path(file.name)], out.suffix)


def _compressed(suffix: str, file: IO[bytes]) -> AbstractContextManager[Any]:
    if suffix.lower() == ".gz":
        return gzip.GzipFile("", "wb", 6, file, mtime=0)
    if suffix.lower() != ".zst":
        return nullcontext(file)
    import zstandard

    threads = min(4, os.cpu_count() or 1)
    return zstandard.ZstdCompressor(level=3, threads=threads).stream_writer(file, closefd=False)
